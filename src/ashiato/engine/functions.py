"""Names of Trino's functions, to tell one that is not translated from one that is misspelt.

https://trino.io/docs/current/functions/list.html
"""

from __future__ import annotations

import difflib

from ashiato.core.errors import QueryRefused

_TRANSLATED = """
abs acos all_match any_match any_value approx_distinct approx_percentile arbitrary array_agg
array_distinct array_except array_intersect array_join array_max array_min array_position array_remove
array_sort array_union arrays_overlap asin at_timezone atan atan2 avg bit_count bitwise_and
bitwise_and_agg bitwise_left_shift bitwise_not bitwise_or bitwise_or_agg bitwise_right_shift
bitwise_right_shift_arithmetic bitwise_xor bool_and bool_or cardinality cbrt ceil ceiling chr coalesce
codepoint concat concat_ws contains contains_sequence corr cos cosh count count_if covar_pop covar_samp
cume_dist current_date current_timestamp date date_add date_diff date_format date_parse date_trunc day
day_of_month day_of_week day_of_year degrees dense_rank dow doy e element_at ends_with every exp extract
filter first_value flatten floor format format_datetime from_base64 from_hex from_iso8601_date
from_iso8601_timestamp from_unixtime from_utf8 geometric_mean greatest grouping hamming_distance histogram
hour if infinity ip_prefix ip_subnet_max ip_subnet_min ip_subnet_range is_finite is_infinite
is_json_scalar is_nan is_subnet_of json_array_contains json_array_get json_array_length json_exists
json_extract json_extract_scalar json_format json_parse json_query json_size json_value kurtosis lag
last_day_of_month last_value lead least length levenshtein_distance listagg ln localtimestamp log log10
log2 lower lpad ltrim map map_agg map_concat map_entries map_filter map_from_entries map_keys map_union
map_values max max_by md5 millisecond min min_by minute mod month multimap_agg nan none_match normalize
now nth_value ntile nullif parse_datetime percent_rank pi pow power quarter radians rand random rank
reduce regexp_count regexp_extract regexp_extract_all regexp_like regexp_replace regexp_split repeat
replace reverse round row_number rpad rtrim second sequence sha1 sha256 sign sin sinh skewness slice split
split_part split_to_map sqrt starts_with stddev stddev_pop stddev_samp strpos substr substring sum tan
tanh timezone_hour to_base to_base64 to_hex to_iso8601 to_unixtime to_utf8 transform transform_keys
transform_values translate trim trim_array truncate try try_cast typeof upper url_decode url_encode
url_extract_fragment url_extract_host url_extract_parameter url_extract_path url_extract_port
url_extract_protocol url_extract_query uuid var_pop var_samp variance week week_of_year with_timezone year
year_of_week yow zip zip_with
"""
#: What Trino has besides.
_OTHERS = """
any_keys_match approx_most_frequent approx_set array_first array_histogram array_last bing_tile checksum
combinations cosine_similarity crc32 date_bin empty_approx_set entropy evaluate_classifier_predictions
format_number from_base from_base32 from_base64url from_big_endian_32 from_big_endian_64
from_encoded_polyline from_ieee754_32 hmac_md5 hmac_sha1 hmac_sha256 hmac_sha512 human_readable_seconds
inverse_beta_cdf inverse_normal_cdf json_object_keys learn_classifier line_locate_point luhn_check
make_set_digest map_zip_with multimap_from_entries murmur3 ngrams no_keys_match normal_cdf
numeric_histogram parse_data_size parse_duration parse_presto_data_size qdigest_agg reduce_agg
regexp_position regr_intercept regr_slope sha512 shuffle soundex split_to_multimap spooky_hash_v2_64
st_contains st_distance st_point tdigest_agg timezone_minute to_base32 to_base64url to_big_endian_64
to_date to_geometry to_milliseconds to_timestamp tdigest value_at_quantile values_at_quantiles
width_bucket wilson_interval_lower word_stem xxhash64 all_keys_match merge bar color render rgb
"""


def unknown(name: str) -> QueryRefused:
    """The refusal of a call that the database does not know."""
    if name.lower() in _OTHERS.split():
        return QueryRefused(
            f"the function {name.lower()} is not translated",
            remedy="Say it with other functions, or in DuckDB's with `--dialect duckdb`",
        )
    close = difflib.get_close_matches(name.lower(), _TRANSLATED.split(), n=3, cutoff=0.6)
    return QueryRefused(
        f"there is no function {name.lower()}",
        remedy=f"Did you mean {' or '.join(close)}?"
        if close
        else "See https://trino.io/docs/current/functions.html",
    )
