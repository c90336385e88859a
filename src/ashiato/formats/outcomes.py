"""What came of a call, in all of CloudTrail's spellings.

CloudTrail has no flag of success: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
(errorCode, errorMessage) and, for sign-in events,
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Literal

Outcome = Literal["success", "failure", "denied"]

#: EC2 says Client.UnauthorizedOperation, S3, IAM and STS AccessDenied, JSON services AccessDeniedException,
#: SNS AuthorizationError, endpoints VpceAccessDenied. Client.InvalidPermission.NotFound is no denial.
_DENIED: Final = re.compile(
    r"AccessDenied|Unauthorized(?:Operation|Access|Exception|Error)?(?:$|\.)|NotAuthorized|AuthorizationError"
    r"|AuthFailure|^(?:Forbidden|403)",
    re.I,
)
_DENIED_MESSAGE: Final = re.compile(
    r"\bnot authorized to perform\b|\bexplicit deny\b|\bAccess ?Denied\b", re.I
)
_MOST_JSON: Final = 1 << 20


def opened(value: object) -> object:
    """A field of open shape: as it is, or, where the lake holds its JSON text, parsed; None where it cannot be."""
    if not isinstance(value, str):
        return value
    if not value or value[0] not in '{["' or len(value) > _MOST_JSON:
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def opened_mapping(value: object) -> Mapping[str, Any]:
    """The same, where a JSON object is expected; an empty mapping for anything else."""
    found = opened(value)
    return found if isinstance(found, Mapping) else {}


def outcome(event: Mapping[str, Any]) -> Outcome:
    """`success`, `failure` (tried, and it did not work) or `denied` (no permission).

    A call of which a part succeeded counts as `success`: something was done. A dry run (Client.DryRunOperation)
    did nothing and counts as `failure`. `event` is a raw event or a row of the table; keys read: errorCode,
    errorMessage, eventName, eventSource, eventType, requestParameters, responseElements, serviceEventDetails.
    """
    code, message = event.get("errorCode"), event.get("errorMessage")
    if code or message:
        return _of_error(
            code[:200] if isinstance(code, str) else "", message[:2000] if isinstance(message, str) else ""
        )
    response, name = event.get("responseElements"), event.get("eventName")
    if event.get("eventType") == "AwsConsoleSignIn" or event.get("eventSource") == "signin.amazonaws.com":
        for place in (response, event.get("serviceEventDetails")):
            if isinstance(name, str) and str(opened_mapping(place).get(name)).lower().startswith("fail"):
                return "failure"
    if response is None:
        return "success"
    if event.get("eventSource") == "ec2-instance-connect.amazonaws.com":
        return "failure" if opened_mapping(response).get("success") is False else "success"
    if isinstance(response, str) and '"unsuccessful"' not in response:
        return "success"
    return _of_parts(name, opened_mapping(response), event.get("requestParameters"))


@lru_cache(maxsize=1 << 12)
def _of_error(code: str, message: str) -> Outcome:
    if _DENIED.search(code):
        return "denied"
    # Services whose code says something else, such as a denied iam:PassRole, and Organizations' spelling.
    return "denied" if _DENIED_MESSAGE.search(message) else "failure"


def _of_parts(name: object, response: Mapping[str, Any], request: object) -> Outcome:
    """EC2's newer calls answer what failed in `<Operation>Response.unsuccessful`, without an errorCode."""
    answer = response.get(f"{name}Response")
    answer = answer if isinstance(answer, Mapping) else response
    failed = _items(answer.get("unsuccessful"))
    if not failed:
        return "success"
    if any(
        _items(value)
        for key, value in answer.items()
        if key != "unsuccessful" and isinstance(value, Mapping | list)
    ):
        return "success"
    asked = opened_mapping(request)
    wrapped = asked.get(f"{name}Request")
    asked = wrapped if isinstance(wrapped, Mapping) else asked
    # A list of one is an object {tag, content}, a list of several an array.
    if len(failed) < max((len(v) for v in asked.values() if isinstance(v, list)), default=1):
        return "success"
    return "denied" if all(_DENIED.search(_code(item)) for item in failed) else "failure"


def _items(value: object) -> list[Any]:
    if isinstance(value, Mapping):
        for key in ("item", "items"):
            if key in value:
                inner = value[key]
                return inner if isinstance(inner, list) else [inner] if inner else []
        return [value] if value else []
    return value if isinstance(value, list) else []


def _code(item: object) -> str:
    error = item.get("error") if isinstance(item, Mapping) else None
    code = error.get("code") if isinstance(error, Mapping) else None
    return code[:200] if isinstance(code, str) else ""
