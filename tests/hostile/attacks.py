"""Texts that attack whoever shows them, and CloudTrail events, configuration items and flow records made of them.

Each text that tries to become markup brings a name that nothing of ours has (`xatk`), so that a page on which it
succeeded can be told.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

#: In every attack that would run something.
MARK = "xatk"
#: Names that are a megabyte long.
HUGE = 1_000_000

MARKUP = (
    f"<script>window.{MARK}=1</script>",
    f"\"><img src=x onerror=window.{MARK}=2 {MARK}>",
    f"'><svg/onload=window.{MARK}=3><{MARK}-a>",
    f"</title></textarea></style></script></svg></pre><{MARK}-b onclick=window.{MARK}=4>",
    f"--><!-- ]]><{MARK}-c/><![CDATA[",
    f"\" autofocus onfocus=window.{MARK}=5 {MARK}=\"",
    f"' style='position:fixed;inset:0' {MARK}='",
    f"<iframe srcdoc='<{MARK}-d>'></iframe><base href=//{MARK}.example><meta http-equiv=refresh content=0;//{MARK}.example>",
    f"&lt;script&gt;window.{MARK}=6&lt;/script&gt;&#60;{MARK}-e&#62;",
    f"+ADw-script+AD4-window.{MARK}=7+ADw-/script+AD4-",
    f"<a href=\"javascript:window.{MARK}=8\" {MARK}>x</a>",
)  # fmt: skip
LINKS = (
    f"javascript:window.{MARK}=9",
    f"JaVa\tScRiPt:window.{MARK}=10//",
    f"data:text/html,<script>window.{MARK}=11</script>",
    f"//{MARK}.example/x",
    f"https://{MARK}.example/?a=b&c",
    "\\\\host\\share", "../../../../etc/passwd", "/login?next=//evil.example", "?group=x#fragment", "%2e%2e%2f%00",
)  # fmt: skip
#: 7 × 191 × 1,000,003: what a template engine would answer.
COMPUTED = "1337004011"
TEMPLATES = (
    "{{7*191*1000003}}", "{% for x in range(9) %}{{7*191*1000003}}{% endfor %}", "${7*191*1000003}",
    "#{7*191*1000003}", "<%= 7*191*1000003 %>", "{{constructor.constructor('7*191*1000003')()}}",
    "%(num)s %s %n %d {0} {name!r} {self.__class__}", "[bold red]x[/] [link=javascript:x]y[/link] :bomb:",
    "$(7*191)`id`;id|id&&id", "' OR 1=1 --", "\"; DROP TABLE cloudtrail; --", "x') UNION SELECT 1 --", "%_%*?[a-z]\\",
)  # fmt: skip
HIDDEN = (
    "\u202eexe.gpj\u202c", "\u2066left\u2069\u2067right\u2069", "a\u200b\u200c\u200d\u2060b", "\ufeffbom", "x\u2028y\u2029z",
    "\u200e\u200f\u061c", "\U000e0041\U000e0042\U000e007f", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L" * 20,
)  # fmt: skip
TERMINAL = (
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x1b]8;;https://xatk.example\x1b\\link\x1b]8;;\x1b\\", "\x9b31m\x9d0;t\x9c",
    "\x1bc\x1b[2J\x1b[H", "\x1b]52;c;eGF0aw==\x07", "a\rb\x08\x08c\x7f", "line\nbreak\r\nand\ttab", "\x00nul\x00",
)  # fmt: skip
FORMULAS = (
    "=cmd|'/C calc'!A0", "+1+1", "-2+3", "@SUM(1+1)", "\t=1+1", "\r=1+1", "\n=1+1", "＝1+1", "=HYPERLINK(\"//xatk.example\")",
)  # fmt: skip
NAMES = (
    "__proto__",
    "constructor",
    "toString",
    "null",
    "NaN",
    "-0",
    "1e999",
    "",
    " ",
    ".",
    "con",
    "\ud800",
    "half \udfff",
)
LONG = (f"{MARK}<b>" * (HUGE // 7), "A" * HUGE, "\u202e" * 5_000, "a," * 50_000, "/" * 3_000)

#: Each text once, the long ones last.
SHORT: tuple[str, ...] = (*MARKUP, *LINKS, *TEMPLATES, *HIDDEN, *TERMINAL, *FORMULAS, *NAMES)

Record = dict[str, Any]


class Supply:
    """The texts one after the other, for ever. Where a field takes few characters only, `short` are cut."""

    def __init__(self, texts: tuple[str, ...] = SHORT) -> None:
        self._texts = itertools.cycle(texts)

    def next(self) -> str:
        return next(self._texts)

    def filled(self, shape: Any) -> Any:
        """The same shape with every text replaced; names of fields stay, and get one more that is an attack."""
        if isinstance(shape, dict):
            return {k: self.filled(v) for k, v in shape.items()}
        if isinstance(shape, list):
            return [self.filled(v) for v in shape]
        return self.next() if isinstance(shape, str) else shape


#: What happens, so that rules of the own pack raise alerts and each family of sentences speaks.
OPERATIONS = (
    ("cloudtrail.amazonaws.com", "StopLogging"), ("ec2.amazonaws.com", "AuthorizeSecurityGroupIngress"),
    ("iam.amazonaws.com", "CreateUser"), ("iam.amazonaws.com", "CreateAccessKey"), ("iam.amazonaws.com", "PutUserPolicy"),
    ("signin.amazonaws.com", "ConsoleLogin"), ("sts.amazonaws.com", "AssumeRole"), ("s3.amazonaws.com", "GetObject"),
    ("s3.amazonaws.com", "PutBucketPolicy"), ("ec2.amazonaws.com", "DeleteFlowLogs"), ("ec2.amazonaws.com", "RunInstances"),
    ("kms.amazonaws.com", "ScheduleKeyDeletion"), ("lambda.amazonaws.com", "UpdateFunctionCode20150331v2"),
    ("rds.amazonaws.com", "ModifyDBInstance"), ("ec2.amazonaws.com", "CreateVolume"), ("config.amazonaws.com", "StopConfigurationRecorder"),
)  # fmt: skip
DAY = "2026-11-19"


def _identity(supply: Supply, kind: str) -> Record:
    identity: Record = {
        "type": kind,
        "principalId": "x",
        "arn": "x",
        "accountId": "x",
        "accessKeyId": "x",
        "userName": "x",
    }
    if kind == "AssumedRole":
        identity["sessionContext"] = {
            "attributes": {"mfaAuthenticated": "x", "creationDate": "x"},
            "sessionIssuer": {"type": "x", "principalId": "x", "arn": "x", "accountId": "x", "userName": "x"},
            "sourceIdentity": "x",
        }
    return supply.filled(identity) | {"type": kind}  # type: ignore[no-any-return]


def _parameters(supply: Supply) -> Record:
    shape = {
        "name": "x", "groupId": "x", "userName": "x", "roleArn": "x", "roleSessionName": "x", "bucketName": "x", "key": "x",
        "policyDocument": "x", "policyName": "x", "instanceId": "x", "flowLogIds": ["x"], "cidrIp": "x",
        "ipPermissions": {"items": [{"ipProtocol": "x", "fromPort": 22, "toPort": 22,
                                     "ipRanges": {"items": [{"cidrIp": "x", "description": "x"}]}}]},
    }  # fmt: skip
    made: Record = supply.filled(shape)
    made[supply.next()] = supply.next()
    return made


def event(number: int, supply: Supply, *, known: bool, account: str | None = None) -> Record:
    """An event whose every text is an attack. `known`: of an operation and source that the rules speak of."""
    source, name = OPERATIONS[number % len(OPERATIONS)]
    made: Record = supply.filled(
        {
            "eventVersion": "x",
            "eventSource": "x",
            "eventName": "x",
            "awsRegion": "x",
            "sourceIPAddress": "x",
            "userAgent": "x",
            "requestID": "x",
            "eventID": "x",
            "eventType": "x",
            "recipientAccountId": "x",
            "eventCategory": "x",
            "sharedEventID": "x",
            "vpcEndpointId": "x",
            "apiVersion": "x",
            "additionalEventData": {"MFAUsed": "x", "x": "x"},
            "responseElements": {"ConsoleLogin": "x", "x": ["x"]},
            "resources": [{"ARN": "x", "accountId": "x", "type": "x"}],
            "tlsDetails": {"tlsVersion": "x", "clientProvidedHostHeader": "x"},
            "brandNewField": {"x": "x"},
        }
    ) | {
        "eventTime": f"{DAY}T{8 + number // 240:02}:{number // 4 % 60:02}:{number % 4 * 15:02}Z",
        "userIdentity": _identity(supply, ("IAMUser", "AssumedRole", "Root", supply.next())[number % 4]),
        "requestParameters": _parameters(supply),
        "readOnly": False,
        "managementEvent": True,
    }
    if known:
        made |= {
            "eventSource": source, "eventName": name, "awsRegion": "us-east-1", "eventVersion": "1.11",
            "eventType": "AwsConsoleSignIn" if name == "ConsoleLogin" else "AwsApiCall", "eventCategory": "Management",
            "recipientAccountId": account or "111111111111", "eventID": f"known-{number:04}",
        }  # fmt: skip
        if number % 3:
            made["requestParameters"]["ipPermissions"]["items"][0]["ipRanges"]["items"][0]["cidrIp"] = (
                "0.0.0.0/0"
            )
            made["sourceIPAddress"] = f"203.0.113.{number % 250}"
    if number % 5 == 0:
        made |= {"errorCode": "AccessDenied" if known else supply.next(), "errorMessage": supply.next()}
    return made


def events(count: int) -> Iterator[Record]:
    """Half of unknown operations, half of known ones; the last five hold a name of a megabyte each."""
    supply = Supply()
    for number in range(count):
        yield event(number, supply, known=number % 2 == 0)
    for number, text in enumerate(LONG):
        made = event(number * 2, supply, known=True) | {"eventID": f"long-{number}", "userAgent": text}
        made["userIdentity"] |= {"userName": text, "arn": text}
        made["requestParameters"] = {"name": text, text[:70_000]: text, "bucketName": text}
        yield made


TYPES = (
    "AWS::EC2::SecurityGroup", "AWS::IAM::User", "AWS::S3::Bucket", "AWS::EC2::Instance", "AWS::IAM::Policy", "AWS::EC2::Volume",
)  # fmt: skip


def items(count: int) -> Iterator[Record]:
    """Three states of each resource: found, changed, gone; its ids are in events too (`naming`)."""
    supply = Supply()
    for number in range(count):
        identity: Record = {
            "resourceType": TYPES[number % len(TYPES)] if number % 4 else supply.next(),
            "resourceId": supply.next() + f"#{number}",
            "resourceName": supply.next(),
            "ARN": supply.next() + f"#{number}",
            "awsAccountId": "111111111111",
            "awsRegion": "us-east-1" if number % 2 else supply.next(),
            "configurationItemVersion": "1.3",
            "availabilityZone": supply.next(),
        }
        if number % 7 == 3:
            identity |= {
                "resourceName": LONG[number % len(LONG)],
                "ARN": LONG[(number + 1) % len(LONG)][:900] + f"#{number}",
            }
        for state, status in enumerate(("ResourceDiscovered", "OK", "ResourceDeleted")):
            made = identity | {
                "configurationItemStatus": status,
                "configurationItemCaptureTime": f"{DAY}T{10 + state:02}:{number % 60:02}:30.123Z",
                "configurationStateId": 1_700_000_000_000 + number * 10 + state,
                "tags": {supply.next(): supply.next(), "Name": supply.next()},
                "relationships": supply.filled([{"resourceType": "x", "resourceId": "x", "name": "x"}]),
                "relatedEvents": [],
                "supplementaryConfiguration": {supply.next(): supply.next()},
            }
            if status != "ResourceDeleted":
                made["configuration"] = supply.filled(
                    {
                        "groupName": "x", "description": "x", "policy": "x", "userName": "x",
                        "ipPermissions": [{"ipProtocol": "x", "ipRanges": ["x", "x"]}], "list": ["x", "x", "x"],
                    }
                ) | {supply.next(): {supply.next(): supply.next()}}  # fmt: skip
                made["configuration"]["document"] = json.dumps(
                    {"Statement": supply.filled([{"Action": "x", "Sid": "x"}])}
                )
            yield made


def naming(number: int, item: Record) -> Record:
    """An event that changes this resource, between its two states."""
    supply = Supply(SHORT[number % len(SHORT) :] + SHORT)
    made = event(number, supply, known=True) | {
        "eventID": f"naming-{number}", "eventTime": item["configurationItemCaptureTime"][:17] + "00Z",
        "requestParameters": {"groupId": item["resourceId"], "name": item["resourceName"], "x": supply.next()},
        "resources": [{"ARN": item["ARN"], "accountId": "111111111111", "type": item["resourceType"]}],
    }  # fmt: skip
    made.pop("errorCode", None)
    made.pop("errorMessage", None)
    return made


#: Fields of a flow record that take any text; addresses and numbers are what they are.
FLOW_TEXTS = (
    "account-id", "interface-id", "vpc-id", "subnet-id", "instance-id", "az-id", "sublocation-type", "sublocation-id",
    "pkt-src-aws-service", "pkt-dst-aws-service", "flow-direction", "region", "reject-reason",
)  # fmt: skip


def flow_text(count: int) -> str:
    """A flow log in text with its header; what would be white space or a line break there is left out."""
    fixed = (
        "version",
        "srcaddr",
        "dstaddr",
        "srcport",
        "dstport",
        "protocol",
        "packets",
        "bytes",
        "start",
        "end",
        "action",
        "log-status",
    )
    usable = tuple(
        "".join(t.split()) for t in SHORT if "\x00" not in t and not any("\ud800" <= c <= "\udfff" for c in t)
    )
    supply = Supply(tuple(t for t in usable if t and t.isprintable() is not None))
    lines = [" ".join((*fixed, *FLOW_TEXTS))]
    start = 1_795_082_400  # 2026-11-19T10:00:00Z
    for n in range(count):
        values = ["7", f"198.51.100.{n % 200}", "10.0.1.18", str(40000 + n), "22", "6", "10", "840", str(start + n * 20),
                  str(start + n * 20 + 15), "ACCEPT" if n % 3 else "REJECT", "OK"]  # fmt: skip
        lines.append(" ".join([*values, *(supply.next() for _ in FLOW_TEXTS)]))
    return "\n".join(lines) + "\n"
