-- DuckDB macros of searches. They give what the engine's ax_ip gives, without lambdas: those are evaluated for
-- every row, also where a condition before them has failed. An empty line ends a macro.

-- groups of hexadecimal digits, each filled up to four, without the colons between
CREATE MACRO search_groups(s) AS
  regexp_replace(regexp_replace(s, '([0-9a-f]+)', '000\1', 'g'), '[0-9a-f]*([0-9a-f]{4})(:|$)', '\1', 'g');

-- the last 32 bits of an IPv6 address may be written as IPv4
CREATE MACRO search_unmixed(s) AS
  CASE
    WHEN regexp_matches(s, ':[0-9]{1,3}([.][0-9]{1,3}){3}$') THEN regexp_replace(s, '[0-9.]+$', '')
      || nullif(printf('%x:%x',
      TRY_CAST(regexp_extract(s, ':([0-9]+)[.]', 1) AS INTEGER) * 256
      + TRY_CAST(regexp_extract(s, ':[0-9]+[.]([0-9]+)', 1) AS INTEGER),
      TRY_CAST(regexp_extract(s, '([0-9]+)[.][0-9]+$', 1) AS INTEGER) * 256
      + TRY_CAST(regexp_extract(s, '([0-9]+)$', 1) AS INTEGER)), '')
    ELSE s END;

CREATE MACRO search_v6(s) AS
  CASE
    WHEN regexp_full_match(s, '([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}') THEN search_groups(s)
    WHEN regexp_full_match(s,
      '([0-9a-f]{1,4}(:[0-9a-f]{1,4}){0,6})?::([0-9a-f]{1,4}(:[0-9a-f]{1,4}){0,6})?')
      AND len(search_groups(split_part(s, '::', 1))) + len(search_groups(split_part(s, '::', 2))) < 32
      THEN search_groups(split_part(s, '::', 1)) || repeat('0',
      32 - len(search_groups(split_part(s, '::', 1))) - len(search_groups(split_part(s, '::', 2))))
      || search_groups(split_part(s, '::', 2)) END;

-- an IPv6 address as 32 hexadecimal digits; NULL for other text
CREATE MACRO search_ip6(a) AS
  CASE
    WHEN contains(a, ':') AND len(a) <= 45 THEN search_v6(search_unmixed(lower(a))) END;
