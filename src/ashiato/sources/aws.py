"""boto3 clients for reading: the standard credential chain, or a role assumed with an external id.

boto3 is imported here and nowhere else, and only when a client is made.
"""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ashiato.sources.options import SourceOptions

if TYPE_CHECKING:
    import botocore.session
    from mypy_boto3_s3 import S3Client

ROLE_SESSION_NAME = "ashiato"


def s3_client(options: SourceOptions) -> S3Client:
    """`client("s3", options)`, typed."""
    made: S3Client = client("s3", options)
    return made


def client(service: str, options: SourceOptions) -> Any:
    """A client of `service` (boto3's name) that may be used from many threads.

    Retries are botocore's `standard` mode: exponential backoff up to 20 s, `options.attempts` attempts.
    A role's credentials are fetched at the first request and again before they expire. Raises botocore's
    errors for an unknown profile and the like.
    """
    import boto3
    import botocore.session
    from botocore.config import Config

    core = botocore.session.Session(profile=options.profile)
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_timestamp)
    if options.role_arn:
        _assume(core, options.role_arn, options)
    region = options.region or core.get_config_variable("region") or "us-east-1"
    emulated = options.endpoint_url is not None and not is_aws(options.endpoint_url)
    config = Config(
        retries={"mode": "standard", "total_max_attempts": options.attempts},
        connect_timeout=options.connect_timeout,
        read_timeout=options.read_timeout,
        max_pool_connections=options.workers * 2,
        # Stores other than AWS rarely answer to bucket.host, and checksums on reading are AWS's alone.
        s3={"addressing_style": "path"} if emulated and service == "s3" else {},
        response_checksum_validation="when_required",
        user_agent_extra="ashiato",
    )
    session = boto3.session.Session(botocore_session=core, region_name=region)
    # The types of boto3 know each service by its own literal.
    return session.client(service, endpoint_url=options.endpoint_url, config=config)  # type: ignore[call-overload]


def _assume(core: botocore.session.Session, role_arn: str, options: SourceOptions) -> None:
    from botocore.config import Config
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
    from botocore.exceptions import NoCredentialsError

    source = core.get_credentials()
    if source is None:
        raise NoCredentialsError
    endpoint = options.sts_endpoint_url
    if endpoint is None and options.endpoint_url and not is_aws(options.endpoint_url):
        endpoint = options.endpoint_url
    region = options.region or core.get_config_variable("region") or "us-east-1"

    def sts(service: str, **keys: Any) -> Any:
        config = Config(
            connect_timeout=options.connect_timeout,
            read_timeout=options.read_timeout,
            retries={"mode": "standard", "total_max_attempts": options.attempts},
        )
        return core.create_client(service, region_name=region, endpoint_url=endpoint, config=config, **keys)

    extra = {"RoleSessionName": ROLE_SESSION_NAME}
    if options.external_id:
        extra["ExternalId"] = options.external_id
    fetcher = AssumeRoleCredentialFetcher(sts, source, role_arn, extra_args=extra)
    # botocore has no public way to give a session refreshable credentials; this is what its own
    # resolver assigns, and boto3's documentation of assumed roles in code does the same.
    core._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")  # type: ignore[attr-defined]


def is_aws(endpoint_url: str) -> bool:
    """Whether a URL is one of AWS's own."""
    host = (urlsplit(endpoint_url).hostname or "").lower()
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))


def _timestamp(value: Any) -> datetime:
    """S3's two forms, in bodies and in headers, ten times faster than botocore's guessing parser."""
    try:
        return datetime.fromisoformat(value) if value[:1].isdigit() else parsedate_to_datetime(value)
    except (ValueError, TypeError):
        from botocore.utils import parse_timestamp

        parsed: datetime = parse_timestamp(value)
        return parsed
