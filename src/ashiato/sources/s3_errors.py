"""What S3, STS and KMS answer when something is missing, as sentences that name the missing grant.

Codes by https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; S3 passes KMS's own errors
on with the prefix `KMS.`.
"""

from __future__ import annotations

from typing import Any

from ashiato.core.errors import SourceUnavailable
from ashiato.sources.objects import ObjectUnavailable

_CREDENTIALS = {
    "InvalidAccessKeyId": "The access key does not exist (any more)",
    "SignatureDoesNotMatch": "The secret key does not belong to the access key",
    "ExpiredToken": "The session's credentials have expired",
    "ExpiredTokenException": "The session's credentials have expired",
    "InvalidToken": "The session token is not valid",
    "InvalidClientTokenId": "The access key does not exist (any more)",
    "UnrecognizedClientException": "The access key does not exist (any more)",
    "TokenRefreshRequired": "The session's credentials must be refreshed",
    "NotSignedUp": "The account is not signed up for S3",
    "InvalidSecurity": "The credentials are not valid",
}
_THROTTLED = {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling",
              "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "503", "500",
              "502", "504", "BadGateway"}  # fmt: skip
_DENIED = {"AccessDenied", "403", "AllAccessDisabled", "Forbidden"}
_REGION = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"}
_RENEW = "Renew them (aws sso login, a new key) or choose others with --profile; Ashiato uses boto3's chain."


class ListingFailed(Exception):  # noqa: N818 - named like core.errors.SourceUnavailable
    """One prefix could not be listed; others may."""

    def __init__(self, where: str, what: str, remedy: str, *, denied: bool = False) -> None:
        super().__init__(what)
        self.where = where
        self.what = what
        self.remedy = remedy
        self.denied = denied

    def as_source_error(self) -> SourceUnavailable:
        """Where the prefix is all there is, its failure is the source's."""
        return SourceUnavailable(self.what, where=self.where, remedy=self.remedy)


def code_and_message(error: Exception) -> tuple[str, str, int]:
    """Error code, message and HTTP status of a botocore ClientError; empty and 0 for another error."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    held = response.get("Error", {})
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return str(held.get("Code", "")), str(held.get("Message", "")), int(status or 0)


def source_error(error: Exception, bucket: str, *, role_arn: str | None = None) -> SourceUnavailable | None:
    """The error as one that concerns the whole source, or None when it may concern one object only."""
    from botocore import exceptions as boto

    code, message, _ = code_and_message(error)
    where = f"s3://{bucket}"
    operation = getattr(error, "operation_name", "")
    if operation.startswith("AssumeRole"):
        return SourceUnavailable(
            f"The role {role_arn} cannot be assumed ({code}: {message})",
            where=where,
            remedy="Its trust policy must allow sts:AssumeRole to the caller, with the same external id "
            "(--external-id), and the caller needs sts:AssumeRole on the role (deploy/iam/assume-role.json).",
        )
    if code in _CREDENTIALS:
        return SourceUnavailable(f"{_CREDENTIALS[code]} ({code})", where=where, remedy=_RENEW)
    if code == "RequestTimeTooSkewed":
        return SourceUnavailable(
            "This machine's clock differs too much from AWS's", where=where, remedy="Set the clock (NTP)."
        )
    if code == "NoSuchBucket":
        return SourceUnavailable(
            "There is no such bucket", where=where, remedy="Check its name and --profile."
        )
    if code == "InvalidBucketName":
        return SourceUnavailable("This cannot be a bucket's name", where=where, remedy="Check the address.")
    if code in _REGION or (code == "400" and "egion" in message):
        response: dict[str, Any] = getattr(error, "response", None) or {}
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        region = headers.get("x-amz-bucket-region") or response.get("Error", {}).get("Region")
        remedy = f"Give --region {region}." if region else "Give the bucket's region with --region."
        return SourceUnavailable("The bucket lies in another region", where=where, remedy=remedy)
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        return SourceUnavailable(
            "There are no AWS credentials",
            where=where,
            remedy="Give --profile, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run on a role.",
        )
    if isinstance(error, boto.ProfileNotFound):
        return SourceUnavailable(f"{error}", where=where, remedy="`aws configure list-profiles` lists them.")
    if isinstance(error, boto.CredentialRetrievalError | boto.SSOError | boto.TokenRetrievalError):
        return SourceUnavailable(f"The credentials cannot be had ({error})", where=where, remedy=_RENEW)
    if isinstance(error, boto.NoRegionError):
        return SourceUnavailable("No region is known", where=where, remedy="Give --region or AWS_REGION.")
    if isinstance(error, boto.EndpointConnectionError | boto.SSLError | boto.ProxyConnectionError):
        return SourceUnavailable(
            f"The endpoint cannot be reached ({error})",
            where=where,
            remedy="Check the network, the proxy (HTTPS_PROXY), the region and --endpoint-url.",
        )
    return None


def listing_error(error: Exception, where: str, *, request_payer: bool) -> ListingFailed:
    """The error of one prefix: what happened and the remedy."""
    code, message, status = code_and_message(error)
    if _requester_pays(code, message, request_payer):
        what, remedy = (
            "The bucket lets the requester pay",
            "Allow it with --request-payer: your account pays.",
        )
        return ListingFailed(where, what, remedy, denied=True)
    if code in _DENIED or status == 403:
        remedy = "Allow s3:ListBucket on the bucket for this prefix (deploy/iam/read-bucket.json)."
        what = f"Listing is denied ({code}: {message})"
        return ListingFailed(where, what, remedy + _payer_hint(request_payer), denied=True)
    if code in _THROTTLED or status >= 500:
        return ListingFailed(where, f"S3 asks to slow down ({code})", "The next run lists it again.")
    return ListingFailed(where, f"Listing failed ({_described(error)})", "The next run lists it again.")


def object_error(error: Exception, name: str, *, request_payer: bool) -> ObjectUnavailable:
    """The error of one object: reason, what happened, remedy."""
    code, message, status = code_and_message(error)
    said = f"{code}: {message}" if message else code
    if code.startswith("KMS") or "kms:" in message:
        return _kms(name, code, message, said)
    if _requester_pays(code, message, request_payer):
        return ObjectUnavailable(
            name, "requester-pays", f"The bucket lets the requester pay ({said})",
            "Allow it with --request-payer: your account pays for the request and the transfer.",
        )  # fmt: skip
    if code == "InvalidObjectState":
        return ObjectUnavailable(
            name, "archived", "The object is archived (Glacier class) and must be restored first",
            "Restore it (aws s3api restore-object --restore-request Days=7 …), then run again.",
        )  # fmt: skip
    if code in {"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed"} or status == 404:
        return ObjectUnavailable(
            name, "gone", f"The object is not there any more ({said})",
            "A lifecycle rule or a person deleted it after it was listed; a version may still exist.",
        )  # fmt: skip
    if code in _DENIED or status == 403:
        remedy = (
            "Allow s3:GetObject on it, in the identity's policy and, across accounts, the bucket policy "
            "(deploy/iam/read-bucket.json). If it is encrypted by KMS, allow kms:Decrypt on the key "
            "(deploy/iam/decrypt-logs.json): S3 does not say which of the two is missing. Objects that "
            "another account owns need `bucket owner enforced`. Without s3:ListBucket a deleted object "
            "looks like this too."
        )
        return ObjectUnavailable(
            name, "denied", f"Reading is denied ({said})", remedy + _payer_hint(request_payer)
        )
    if code in _THROTTLED or status >= 500:
        return ObjectUnavailable(
            name, "throttled", f"S3 asks to slow down ({said})", "It is read by a later run.", soon=True
        )
    if not code:
        return ObjectUnavailable(
            name, "unreachable", f"The connection failed ({_described(error)})",
            "Check the network; it is read by a later run.", soon=True,
        )  # fmt: skip
    return ObjectUnavailable(name, "other", f"S3 answered {said}", "It is tried again by a later run.")


def _kms(name: str, code: str, message: str, said: str) -> ObjectUnavailable:
    if "Disabled" in code or "is disabled" in message:
        remedy = (
            "Its owner must enable the key again (kms:EnableKey); until then nothing under it is readable."
        )
    elif "InvalidState" in code or "pending deletion" in message:
        remedy = "Cancel the key's deletion at once (kms:CancelKeyDeletion, by its owner), then enable it."
    elif "NotFound" in code:
        remedy = "The key is deleted or its id is wrong: without it these objects cannot be read by anybody."
    else:
        remedy = (
            "Allow kms:Decrypt on the key in the identity's policy (deploy/iam/decrypt-logs.json) and, "
            "across accounts, in the key's policy, by the key's ARN; an aws/s3 key cannot be shared."
        )
    return ObjectUnavailable(name, "kms", f"KMS does not decrypt it ({said})", remedy)


def _requester_pays(code: str, message: str, request_payer: bool) -> bool:
    said = f"{code} {message}".lower().replace("-", " ")
    return not request_payer and any(w in said for w in ("requester pay", "request payer", "requesterpay"))


def _payer_hint(request_payer: bool) -> str:
    if request_payer:
        return ""
    return " If the bucket is a requester-pays one, give --request-payer."


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
