-- DuckDB macros that stand for Athena's functions; the child makes them before it closes its doors.
-- A macro's text is put in place of each call, so an argument that is used often is first bound to a
-- lambda's parameter: list_transform([x], lambda v: …)[1]. An empty line ends a macro.

-- JSON: text that is no JSON gives NULL, as in Trino
CREATE MACRO ax_json_field(j, k) AS
  CASE
    WHEN json_valid(j) THEN json_extract_string(j, '$."' || replace(replace(CAST(k AS VARCHAR), '\', '\\'),
      '"', '\"') || '"') END;

CREATE MACRO ax_json_scalar(j, p) AS
  CASE
    WHEN json_valid(j) THEN json_extract_string(json_value(j, p), '$') END;

CREATE MACRO ax_json_extract(j, p) AS
  CASE
    WHEN json_valid(j) THEN nullif(json_extract(j, p), 'null'::JSON) END;

CREATE MACRO ax_json_extract_all(j, p) AS
  CASE
    WHEN json_valid(j) THEN to_json(json_extract(j, p)) END;

CREATE MACRO ax_json_exists(j, p) AS
  CASE
    WHEN json_valid(j) THEN json_exists(j, p) END;

CREATE MACRO ax_json_parse(j) AS
  CASE
    WHEN json_valid(j) THEN CAST(j AS JSON) END;

CREATE MACRO ax_json_array_get(j, i) AS
  CASE
    WHEN json_valid(j) THEN json_extract(j, CASE
    WHEN i < 0 THEN '$[#' || i || ']'
    ELSE '$[' || i || ']' END) END;

CREATE MACRO ax_json_array_length(j) AS
  CASE
    WHEN json_valid(j) AND json_type(j) = 'ARRAY' THEN json_array_length(j) END;

CREATE MACRO ax_json_length(j) AS
  CASE
    WHEN NOT json_valid(j) THEN NULL
    WHEN json_type(j) = 'ARRAY' THEN json_array_length(j)
    WHEN json_type(j) = 'OBJECT' THEN len(json_keys(j))
    ELSE 0 END;

CREATE MACRO ax_json_size(j, p) AS
  CASE
    WHEN json_valid(j) THEN CASE json_type(j, p)
    WHEN 'ARRAY' THEN json_array_length(j, p)
    WHEN 'OBJECT' THEN len(json_keys(j, p))
    WHEN NULL THEN NULL
    ELSE 0 END END;

CREATE MACRO ax_json_array_contains(j, v) AS
  CASE
    WHEN json_valid(j) AND json_type(j) = 'ARRAY' THEN list_contains(json_extract(j, '$[*]'), to_json(v)) END;

CREATE MACRO ax_is_json_scalar(j) AS
  CASE
    WHEN json_valid(j) THEN json_type(j) NOT IN ('ARRAY', 'OBJECT') END;

-- an object as CloudTrail Lake's map: texts as they are, anything else as JSON
CREATE MACRO ax_json_map(j) AS
  CASE
    WHEN json_valid(j) AND json_type(j) = 'OBJECT' THEN list_transform([list_sort(list_distinct(json_keys(j)))],
      lambda k: map(k, list_transform(k, lambda n: ax_json_field(j, n))))[1] END;

CREATE MACRO ax_json_items(j) AS
  CASE
    WHEN json_type(j) = 'ARRAY' THEN json_extract(j, '$[*]') END;

-- the member whose name is k but for its case; k is in small letters
CREATE MACRO ax_json_member(j, k) AS
  json_extract(j, '$."' || list_filter(json_keys(j), lambda n: lower(n) = k)[1] || '"');

CREATE MACRO ax_map_get(m, k) AS
  list_extract(map_extract(m, k), 1);

-- times
CREATE MACRO ax_iso(t) AS
  strftime(CAST(t AS TIMESTAMP), '%Y-%m-%dT%H:%M:%SZ');

CREATE MACRO ax_iso_ms(t) AS
  strftime(CAST(t AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%gZ');

-- (no overloads by type: DuckDB cannot choose one where the argument is an aggregate)
CREATE MACRO ax_to_iso8601(t) AS
  CASE typeof(t)
    WHEN 'DATE' THEN strftime(TRY_CAST(t AS TIMESTAMP), '%Y-%m-%d')
    WHEN 'TIMESTAMP' THEN strftime(TRY_CAST(t AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%g')
    ELSE strftime(TRY_CAST(t AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%gZ') END;

-- a moment on the wall clock of a zone (l) and in UTC (u): the difference is the zone's offset
CREATE MACRO ax_iso_zoned(l, u) AS
  list_transform([date_diff('minute', CAST(u AS TIMESTAMP), l)], lambda m: strftime(l,
      '%Y-%m-%dT%H:%M:%S.%g') || CASE
    WHEN m < 0 THEN '-'
    ELSE '+' END || printf('%02d:%02d', abs(m) // 60, abs(m) % 60))[1];

CREATE MACRO ax_time_text(t) AS
  CASE typeof(t)
    WHEN 'DATE' THEN strftime(TRY_CAST(t AS TIMESTAMP), '%Y-%m-%d')
    WHEN 'TIMESTAMP' THEN strftime(TRY_CAST(t AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%g')
    ELSE strftime(TRY_CAST(t AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%g') || ' UTC' END;

-- besides plain days: weeks (2020-W10, a Monday; 2020-W10-2) and days of the year (2020-123)
CREATE MACRO ax_from_iso_date(t) AS
  CASE
    WHEN regexp_full_match(t, '\d{4}-W\d{2}(-\d)?') THEN CAST(try_strptime(CASE
    WHEN len(t) = 8 THEN t || '-1'
    ELSE t END, '%G-W%V-%u') AS DATE)
    WHEN regexp_full_match(t, '\d{4}-\d{3}') THEN CAST(try_strptime(t, '%Y-%j') AS DATE)
    ELSE TRY_CAST(t AS DATE) END;

CREATE MACRO ax_from_iso(t) AS
  TRY_CAST(t AS TIMESTAMPTZ);

CREATE MACRO ax_strftime(t, f) AS
  strftime(TRY_CAST(t AS TIMESTAMP), f);

CREATE MACRO ax_parse_time(t, f) AS
  try_strptime(CAST(t AS VARCHAR), f);

-- DuckDB's %z reads an offset only; AWS writes Z
CREATE MACRO ax_parse_time_at_zone(t, f) AS
  try_strptime(regexp_replace(CAST(t AS VARCHAR), 'Z$', '+0000'), f);

CREATE MACRO ax_millisecond(t) AS
  millisecond(t) % 1000;

-- addresses, as 32 hexadecimal digits
CREATE MACRO ax_ip4(o) AS
  CASE
    WHEN list_max(o) <= 255 THEN '00000000000000000000ffff' || array_to_string(list_transform(o,
      lambda n: printf('%02x', n)), '') END;

CREATE MACRO ax_groups(s) AS
  list_transform(list_filter(string_split(s, ':'), lambda g: g <> ''), lambda g: lpad(g, 4, '0'));

CREATE MACRO ax_ip6(s) AS
  CASE
    WHEN regexp_full_match(s, '([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}') THEN array_to_string(ax_groups(s), '')
    WHEN regexp_full_match(s,
      '([0-9a-f]{1,4}(:[0-9a-f]{1,4}){0,6})?::([0-9a-f]{1,4}(:[0-9a-f]{1,4}){0,6})?')
      AND len(ax_groups(s)) < 8 THEN array_to_string(ax_groups(split_part(s, '::', 1)), '')
      || repeat('0000', 8 - len(ax_groups(s))) || array_to_string(ax_groups(split_part(s, '::', 2)), '') END;

-- the last 32 bits of an IPv6 address may be written as IPv4
CREATE MACRO ax_ip_mixed(s) AS
  CASE
    WHEN contains(s, '.') THEN list_transform([string_split(regexp_extract(s, '[0-9.]+$'), '.')],
      lambda o: CASE
    WHEN len(o) = 4 AND list_max(list_transform(o, lambda n: TRY_CAST(n AS INTEGER))) <= 255
      THEN regexp_replace(s, '[0-9.]+$', '') || printf('%x:%x',
      CAST(o[1] AS INTEGER) * 256 + CAST(o[2] AS INTEGER),
      CAST(o[3] AS INTEGER) * 256 + CAST(o[4] AS INTEGER)) END)[1]
    ELSE s END;

CREATE MACRO ax_ip(a) AS
  list_transform([CAST(a AS VARCHAR)], lambda s: CASE
    WHEN regexp_full_match(s, '[0-9]{1,3}(\.[0-9]{1,3}){3}') THEN ax_ip4(list_transform(string_split(s,
      '.'), lambda n: CAST(n AS INTEGER)))
    WHEN contains(s, ':') AND len(s) <= 45 THEN ax_ip6(ax_ip_mixed(lower(s))) END)[1];

CREATE MACRO ax_nibble(c) AS
  strpos('0123456789abcdef', c) - 1;

CREATE MACRO ax_ip6_groups(h) AS
  array_to_string(list_transform([1, 5, 9, 13, 17, 21, 25, 29], lambda i: coalesce(nullif(ltrim(substr(h,
      i, 4), '0'), ''), '0')), ':');

-- the longest run of zeros, of two at least, is written as ::
CREATE MACRO ax_ip6_text(h) AS
  list_transform(list_transform([h], lambda g: CASE
    WHEN g IS NOT NULL THEN ':' || ax_ip6_groups(g) || ':' END), lambda w: CASE
    WHEN w IS NOT NULL THEN list_transform([list_filter([
      ':0:0:0:0:0:0:0:0:', ':0:0:0:0:0:0:0:', ':0:0:0:0:0:0:', ':0:0:0:0:0:', ':0:0:0:0:', ':0:0:0:',
      ':0:0:'], lambda z: contains(w, z))[1]], lambda z: CASE
    WHEN z IS NULL THEN w[2:len(w) - 1]
    WHEN strpos(w, z) = 1 THEN '::' || w[1 + len(z):len(w) - 1]
    ELSE w[2:strpos(w, z) - 1] || '::' || w[strpos(w, z) + len(z):len(w) - 1] END)[1] END)[1];

CREATE MACRO ax_hex(h, i, n) AS
  CAST('0x' || substr(h, i, n) AS BIGINT);

CREATE MACRO ax_ip_text(h) AS
  CASE
    WHEN h LIKE '00000000000000000000ffff%' THEN ax_hex(h, 25, 2) || '.' || ax_hex(h, 27, 2) || '.'
      || ax_hex(h, 29, 2) || '.' || ax_hex(h, 31, 2)
    ELSE ax_ip6_text(h) END;

CREATE MACRO ax_bits(n, h) AS
  CASE
    WHEN h LIKE '00000000000000000000ffff%' AND NOT contains(n, ':') THEN 96
    ELSE 0 END + TRY_CAST(split_part(n, '/', 2) AS INTEGER);

CREATE MACRO ax_same_prefix(a, b, n) AS
  left(a, n // 4) = left(b, n // 4) AND (n % 4 = 0 OR ax_nibble(substr(a, n // 4 + 1,
      1)) >> (4 - n % 4) = ax_nibble(substr(b, n // 4 + 1, 1)) >> (4 - n % 4));

CREATE MACRO ax_cidr_contains(n, h) AS
  list_transform([ax_ip(split_part(n, '/', 1))], lambda w: ax_same_prefix(w, h, ax_bits(n, w)))[1];

-- the first n bits of an address, the others all 0 or all 1 (d: '0' or 'f')
CREATE MACRO ax_masked(h, b, d) AS
  rpad(left(h, b // 4) || CASE
    WHEN b % 4 > 0 THEN printf('%x', ax_nibble(substr(h, b // 4 + 1, 1)) >> (4 - b % 4) << (4 - b % 4)
      | CASE WHEN d = 'f' THEN (1 << (4 - b % 4)) - 1 ELSE 0 END)
    ELSE '' END, 32, d);

CREATE MACRO ax_bits_of(n) AS
  TRY_CAST(split_part(n, '/', 2) AS INTEGER);

CREATE MACRO ax_subnet_bound(n, d) AS
  list_transform([ax_ip(split_part(n, '/', 1))], lambda w: ax_masked(w, ax_bits(n, w), d))[1];

-- IPv4 by arithmetic: grouping a million flows by networks must not take minutes
CREATE MACRO ax_ip_prefix(h, n) AS
  CASE
    WHEN h LIKE '00000000000000000000ffff%' THEN list_transform([(ax_hex(h, 25, 8) >> (32 - n)) << (32 - n)],
      lambda m: (m >> 24) || '.' || ((m >> 16) & 255) || '.' || ((m >> 8) & 255) || '.' || (m & 255))[1]
    ELSE ax_ip_text(ax_masked(h, n, '0')) END || '/' || n;

-- text
CREATE MACRO ax_split_part(s, d, n) AS
  CASE
    WHEN n <= len(string_split(s, d)) THEN split_part(s, d, n) END;

CREATE MACRO ax_split_limit(s, d, n) AS
  list_transform([string_split(s, d)], lambda l: CASE
    WHEN len(l) <= n THEN l
    ELSE list_append(l[1:n - 1], array_to_string(l[n:], d)) END)[1];

CREATE MACRO ax_regexp_extract(s, p, g) AS
  CASE
    WHEN regexp_matches(s, p) THEN regexp_extract(s, p, g) END;

CREATE MACRO ax_from_utf8(b) AS
  decode(b);

CREATE MACRO ax_md5(b) AS
  unhex(md5(b));

CREATE MACRO ax_sha256(b) AS
  unhex(sha256(b));

CREATE MACRO ax_sha1(b) AS
  unhex(sha1(b));

CREATE MACRO ax_url_extract_host(u) AS
  nullif(regexp_extract(u, '^[a-zA-Z][\w+.-]*://(?:[^/@?#]*@)?([^/:?#]+)', 1), '');

CREATE MACRO ax_url_extract_fragment(u) AS
  nullif(regexp_extract(u, '#(.*)$', 1), '');

CREATE MACRO ax_url_decode(u) AS
  url_decode(replace(u, '+', ' '));

CREATE MACRO ax_url_encode(u) AS
  replace(replace(replace(url_encode(u), '%20', '+'), '%2A', '*'), '~', '%7E');

CREATE MACRO ax_url_extract_parameter(u, p) AS
  list_transform([list_filter(string_split(regexp_extract(u, '\?([^#]*)', 1), '&'),
      lambda e: split_part(e, '=', 1) = p)[1]], lambda e: url_decode(replace(regexp_extract(e,
      '=(.*)$', 1), '+', ' ')))[1];

CREATE MACRO ax_url_extract_path(u) AS
  regexp_extract(u, '^(?:[a-zA-Z][\w+.-]*://[^/?#]*)?([^?#]*)', 1);

CREATE MACRO ax_url_extract_query(u) AS
  nullif(regexp_extract(u, '\?([^#]*)', 1), '');

CREATE MACRO ax_url_extract_protocol(u) AS
  nullif(regexp_extract(u, '^([a-zA-Z][\w+.-]*):', 1), '');

CREATE MACRO ax_url_extract_port(u) AS
  TRY_CAST(regexp_extract(u, '^[a-zA-Z][\w+.-]*://[^/?#]*:(\d+)', 1) AS BIGINT);

-- numbers
CREATE MACRO ax_bitwise_and(a, b) AS
  a & b;

CREATE MACRO ax_bitwise_or(a, b) AS
  a | b;

CREATE MACRO ax_bitwise_not(a) AS
  ~a;

CREATE MACRO ax_shift_left(a, b) AS
  a << b;

CREATE MACRO ax_shift_right(a, b) AS
  a >> b;

-- arrays and maps
CREATE MACRO ax_array_join(a, d) AS
  array_to_string(a, d),
  (a, d, n) AS array_to_string(list_transform(a, lambda v: coalesce(CAST(v AS VARCHAR), n)), d);

CREATE MACRO ax_array_position(a, v) AS
  coalesce(list_position(a, v), 0);

CREATE MACRO ax_array_sort(a) AS
  list_sort(a, 'ASC', 'NULLS LAST');

CREATE MACRO ax_array_except(a, b) AS
  list_distinct(list_filter(a, lambda v: NOT list_contains(b, v)));

CREATE MACRO ax_array_union(a, b) AS
  list_distinct(list_concat(a, b));

CREATE MACRO ax_array_remove(a, r) AS
  list_filter(a, lambda v: v IS DISTINCT FROM r);

CREATE MACRO ax_slice(a, s, n) AS
  CASE
    WHEN s > 0 THEN a[s:s + n - 1]
    ELSE a[len(a) + s + 1:len(a) + s + n] END;

CREATE MACRO ax_contains_sequence(a, b) AS
  list_has_all(a, b) AND contains(array_to_string(a, chr(31)), array_to_string(b, chr(31)));

-- entries sorted by their keys; of equal keys the first stays
CREATE MACRO ax_map_of(l) AS
  list_transform([list_sort(l)], lambda s: map_from_entries(list_filter(s,
      lambda e, i: i = 1 OR e.key <> s[i - 1].key)))[1];

CREATE MACRO ax_map_agg(k, v) AS
  ax_map_of(list({'key': k, 'value': v}) FILTER (WHERE k IS NOT NULL));

CREATE MACRO ax_map_union(m) AS
  ax_map_of(flatten(list(map_entries(m)) FILTER (WHERE m IS NOT NULL)));

CREATE MACRO ax_multimap_agg(k, v) AS
  list_transform([list({'key': k, 'value': v}) FILTER (WHERE k IS NOT NULL)],
      lambda l: map_from_entries(list_transform(list_sort(list_distinct(list_transform(l,
      lambda e: e.key))), lambda q: {'key': q, 'value': list_transform(list_filter(l,
      lambda e: e.key = q), lambda e: e.value)})))[1];

-- NULL where no element is true and one is NULL
CREATE MACRO ax_any(l) AS
  list_transform([l], lambda b: CASE
    WHEN list_contains(b, true) THEN true
    WHEN len(list_filter(b, lambda x: x IS NULL)) = 0 THEN false END)[1];

CREATE MACRO ax_contains(l, v) AS
  CASE
    WHEN list_contains(l, v) THEN true
    WHEN v IS NOT NULL AND len(list_filter(l, lambda x: x IS NULL)) = 0 THEN false END;

CREATE MACRO ax_array_max(l) AS
  CASE
    WHEN len(list_filter(l, lambda x: x IS NULL)) = 0 THEN list_max(l) END;

CREATE MACRO ax_array_min(l) AS
  CASE
    WHEN len(list_filter(l, lambda x: x IS NULL)) = 0 THEN list_min(l) END;

CREATE MACRO ax_repeat(x, n) AS
  list_transform(range(n), lambda i: x);

CREATE MACRO ax_trim_array(l, n) AS
  l[1:len(l) - n];

CREATE MACRO ax_random(a, b) AS
  a + CAST(floor(random() * (b - a)) AS BIGINT);

CREATE MACRO ax_split_to_map(s, a, b) AS
  map_from_entries(list_transform(string_split(s, a), lambda e: {'key': split_part(e, b, 1),
      'value': split_part(e, b, 2)}));

CREATE MACRO ax_set_agg(v) AS
  list(DISTINCT v);
