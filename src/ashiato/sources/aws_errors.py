"""What SQS, CloudWatch Logs and CloudTrail answer when something is missing, naming the missing grant.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html and the like.
"""

from __future__ import annotations

from typing import Final

from ashiato.core.errors import SourceUnavailable
from ashiato.sources.s3_errors import code_and_message, source_error

_DENIED: Final = {
    "AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403",
    "OperationNotPermittedException", "AWS.SimpleQueueService.AccessDenied",
}  # fmt: skip
_THROTTLED: Final = {
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestLimitExceeded",
    "TooManyRequestsException", "OverLimit", "RequestThrottledException", "KMS.ThrottlingException",
    "AWS.SimpleQueueService.OverLimit", "KmsThrottled",
}  # fmt: skip
_NO_QUEUE: Final = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NonExistentQueue"}
_NO_GROUP: Final = {"ResourceNotFoundException"}
_UNSIGNED: Final = {"UnrecognizedClientException", "InvalidSignatureException", "IncompleteSignature"}


def is_throttling(error: Exception) -> bool:
    """Whether AWS asks to slow down (CloudTrail and CloudWatch Logs: ThrottlingException with status 400)."""
    return code_and_message(error)[0] in _THROTTLED


def missing_grant(error: Exception, grant: str) -> str | None:
    """The grant whose lack explains the error: `grant`, the action of the call, or kms:Decrypt, sts:AssumeRole."""
    code, message, status = code_and_message(error)
    if getattr(error, "operation_name", "").startswith("AssumeRole"):
        return "sts:AssumeRole"
    if "kms:decrypt" in message.lower() or code in ("KMS.AccessDeniedException", "KmsAccessDenied"):
        return "kms:Decrypt"
    if code in _DENIED or (status == 403 and code not in _UNSIGNED):
        return grant
    return None


def service_error(error: Exception, where: str, grant: str, *, role_arn: str | None) -> SourceUnavailable:
    """The error of a call as what happened, where, and the remedy; `grant` is the action that the call needs."""
    code, message, status = code_and_message(error)
    said = f"{code}: {message}" if code else f"{type(error).__name__}: {error}"[:300]
    whole = source_error(error, "", role_arn=role_arn)
    if whole is not None:
        return SourceUnavailable(whole.what, where=where, remedy=whole.remedy)
    missing = missing_grant(error, grant)
    if missing == "kms:Decrypt":
        return SourceUnavailable(
            f"KMS does not decrypt it ({said})", where=where,
            remedy="Allow kms:Decrypt on the key in the identity's policy and, across accounts, in the key's.",
        )  # fmt: skip
    if missing is not None:
        return SourceUnavailable(
            f"{missing} is denied ({said})", where=where,
            remedy=f"Allow {missing} to the identity or role that reads; `ashiato sources check` prints the policy.",
        )  # fmt: skip
    if code in _NO_QUEUE:
        return SourceUnavailable(
            "There is no such queue",
            where=where,
            remedy="Check the URL after `queue`, its region and account.",
        )
    if code in _NO_GROUP:
        return SourceUnavailable(
            f"There is no such log group ({message})", where=where, remedy="Check `log_group` and `region`."
        )
    if code.startswith(("KMS", "Kms")):
        return SourceUnavailable(
            f"KMS does not decrypt it ({said})", where=where,
            remedy="The key must be enabled, and kms:Decrypt on it allowed to who reads.",
        )  # fmt: skip
    if is_throttling(error):
        return SourceUnavailable(
            f"AWS asks to slow down ({said})", where=where, remedy="It is tried again, more slowly."
        )
    if not code or status >= 500:
        return SourceUnavailable(
            f"The service does not answer ({said})",
            where=where,
            remedy="Check the network; it is tried again.",
        )
    return SourceUnavailable(f"AWS answered {said}", where=where, remedy="It is tried again.")
