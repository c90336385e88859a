"""What an operation's name says: what it does (verb) and to which part of which kind of resource.

AWS names operations Verb + Kind + Part: `PutBucketPolicy` puts the policy of a bucket, `EnableKeyRotation` switches the
rotation of a key. So a name alone often says which property it changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

Verb = Literal["create", "delete", "other"]

#: The date of the API's version that Lambda, CloudFront and others write behind the name.
_VERSION: Final = re.compile(r"(?:_?\d{4}_?\d{2}_?\d{2})(?:v\d+)?$")
#: Where something is that the operation acts on: TerminateInstanceInAutoScalingGroup.
_PLACE: Final = re.compile(r"In(?=[A-Z]).*$")
_WORDS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")

_CREATE: Final = frozenset(
    [
        "create", "run", "allocate", "request", "register", "import", "copy", "restore", "launch",
        "provision", "add", "upload", "purchase", "accept", "issue",
    ]
)  # fmt: skip
_DELETE: Final = frozenset(
    [
        "delete", "terminate", "release", "deregister", "remove", "purge", "destroy", "schedule",
        "deprovision", "retire", "close", "reject",
    ]
)  # fmt: skip
#: Verbs that take away what the request names.
TAKES_AWAY: Final = frozenset(
    [
        "delete", "remove", "revoke", "detach", "disassociate", "untag", "deregister", "release",
        "terminate", "unassign", "cancel", "reset", "withdraw",
    ]
)  # fmt: skip
#: Verbs that act on a resource and leave its recorded configuration as it is.
_INERT: Final = frozenset(
    [
        "reboot", "send", "detect", "generate", "validate", "test", "assume", "simulate", "invoke",
        "publish", "export", "sign", "verify", "encrypt", "decrypt", "preview", "estimate", "search",
        "poll", "receive", "query", "download", "view", "login", "lookup",
    ]
)  # fmt: skip
#: Operations of which AWS's documentation says that what they make is a resource of its own, or that it is kept
#: apart from the resource they name: (service, name without version).
_ELSEWHERE: Final = frozenset(
    {
        ("kms", "CreateGrant"), ("kms", "RevokeGrant"), ("kms", "RetireGrant"), ("kms", "CreateAlias"),
        ("kms", "UpdateAlias"), ("kms", "DeleteAlias"), ("cloudformation", "CreateChangeSet"),
        ("cloudformation", "DeleteChangeSet"), ("monitoring", "SetAlarmState"), ("iam", "UpdateAccessKey"),
        ("iam", "UpdateLoginProfile"), ("iam", "ChangePassword"), ("ssm", "StartSession"),
        ("lambda", "PublishVersion"), ("autoscaling", "RecordLifecycleActionHeartbeat"),
    }
)  # fmt: skip

#: Words of operations and of states that lead to each other.
LEADS_TO: Final = {
    "start": {"running", "started", "active", "available", "pending", "inservice", "true", "enabled", "starting"},
    "stop": {"stopped", "stopping", "false", "disabled", "inactive"},
    "enable": {"enabled", "enabling", "true", "active", "on"},
    "disable": {"disabled", "disabling", "false", "inactive", "off", "suspended"},
    "monitor": {"enabled", "pending", "true"},
    "unmonitor": {"disabled", "disabling", "false"},
    "attach": {"attached", "attaching", "inuse", "available"},
    "detach": {"detached", "detaching", "available"},
    "suspend": {"suspended"},
    "resume": {"enabled", "active", "running"},
    "hibernate": {"stopped", "stopping"},
    "pause": {"paused", "pausing"},
    "schedule": {"pendingdeletion"},
    "cancel": {"enabled", "disabled", "cancelled", "canceled"},
    "acknowledge": {"active"},
    "activate": {"active", "enabled"},
    "deactivate": {"inactive", "disabled"},
}  # fmt: skip

#: Endpoint prefix of eventSource → services by which resource types call it, where the two differ.
_SERVICES: Final = {
    "monitoring": {"cloudwatch"},
    "elasticloadbalancing": {"elasticloadbalancing", "elasticloadbalancingv2"},
    "apigateway": {"apigateway", "apigatewayv2"},
    "states": {"stepfunctions"},
    "elasticfilesystem": {"efs"},
    "es": {"elasticsearch", "opensearch", "opensearchservice"},
    "acm": {"acm", "certificatemanager"},
    "firehose": {"kinesisfirehose"},
    "kafka": {"msk"},
    "cognito-idp": {"cognito"},
    "cognito-identity": {"cognito"},
    "events": {"events", "eventschemas"},
    "rds": {"rds", "docdb", "neptune"},
    "waf": {"waf"},
    "waf-regional": {"wafregional"},
    "wafv2": {"wafv2"},
    "network-firewall": {"networkfirewall"},
    "application-autoscaling": {"applicationautoscaling"},
    "sso": {"sso"},
    "dms": {"dms"},
    "elasticmapreduce": {"emr"},
    "airflow": {"mwaa"},
    "securityhub": {"securityhub"},
    "s3express": {"s3express", "s3"},
    "bedrock-agent": {"bedrock"},
}
#: Services whose calls name resources of any other.
ANY_SERVICE: Final = frozenset({"tagging", "resource-groups", "backup", "cloudcontrolapi", "ram", "config"})
#: Services with one endpoint: their events are of one region, whatever region a resource is recorded in.
GLOBAL: Final = frozenset(
    {
        "iam",
        "cloudfront",
        "route53",
        "route53domains",
        "organizations",
        "waf",
        "shield",
        "globalaccelerator",
        "sts",
    }
)

#: What a kind is called in the names of operations, where its type says another word.
_KINDS: Final = {
    "AWS::EC2::EIP": "Address",
    "AWS::EC2::VPCPeeringConnection": "VpcPeeringConnection",
    "AWS::Events::EventBus": "EventBus",
    "AWS::ElasticLoadBalancingV2::Listener": "Listener",
    "AWS::OpenSearch::Domain": "Domain",
    "AWS::SSM::ManagedInstanceInventory": "Inventory",
}
#: Properties that operations call by another word.
_PROPERTIES: Final = {
    "ippermissions": "Ingress",
    "ippermissionsegress": "Egress",
    "serversideencryptionconfiguration": "Encryption",
    "bucketcrossoriginconfiguration": "Cors",
    "accesscontrollist": "Acl",
    "rolepolicylist": "RolePolicy",
    "attachedmanagedpolicies": "AttachPolicy",
    "assumerolepolicydocument": "AssumeRolePolicy",
}


@dataclass(frozen=True)
class Operation:
    """What a name says. `first`: its first word. `rest`: words behind it, without generic ones.

    `inert`: it leaves recorded configuration alone, as AWS documents it.
    """

    first: str
    verb: Verb
    rest: frozenset[str]
    words: frozenset[str]
    inert: bool


@lru_cache(maxsize=1 << 12)
def operation(source: str, name: str) -> Operation:
    """The operation `name` of a service (eventSource).

    >>> sorted(operation("s3.amazonaws.com", "PutBucketPolicy").rest)
    ['bucket', 'policy']
    """
    plain = _PLACE.sub("", _VERSION.sub("", name))
    words = [_stem(w) for w in _split(plain)]
    first = next(iter(_split(plain)), "")
    verb: Verb = "create" if first in _CREATE else "delete" if first in _DELETE else "other"
    service = source.partition(".")[0]
    inert = first in _INERT or (service, plain) in _ELSEWHERE
    return Operation(first, verb, frozenset(words[1:]), frozenset(words), inert)


@lru_cache(maxsize=1 << 10)
def kind_words(resource_type: str) -> frozenset[str]:
    """The words of a resource type's kind.

    >>> sorted(kind_words("AWS::EC2::SecurityGroup"))
    ['group', 'security']
    """
    kind = _KINDS.get(resource_type) or resource_type.rpartition("::")[2]
    return frozenset(_stem(w) for w in _split(kind))


@lru_cache(maxsize=1 << 10)
def of_service(source: str, resource_type: str) -> bool:
    """Whether calls of this eventSource are those of the resource type's service."""
    prefix = source.partition(".")[0].lower()
    parts = resource_type.split("::")
    service = parts[1].lower() if len(parts) > 2 else ""
    return service in _SERVICES.get(prefix, {prefix}) or prefix in ANY_SERVICE


def is_kind(op: Operation, resource_type: str) -> bool:
    """Whether the operation's name speaks of this kind of resource: `RunInstances` of an instance."""
    kind = kind_words(resource_type)
    return bool(kind) and (kind <= op.rest or _joined(kind, op))


def _joined(kind: frozenset[str], op: Operation) -> bool:
    # CreateDBInstance and DBInstance split alike, FlowLog and FlowLogs by stem; VPC and Vpc by case.
    return "".join(sorted(kind)) == "".join(sorted(op.rest))


def parts_of(op: Operation, resource_type: str) -> frozenset[str]:
    """Words for the part of the resource that the operation acts on: of PutBucketPolicy, `policy`."""
    return frozenset(w for w in op.rest - kind_words(resource_type) if w not in _GENERIC)


@lru_cache(maxsize=1 << 14)
def property_words(name: str, resource_type: str) -> frozenset[str]:
    """Words of a property's name, without the kind's own and generic ones.

    >>> sorted(property_words("BucketVersioningConfiguration", "AWS::S3::Bucket"))
    ['vers']
    """
    found = {_stem(w) for w in _split(_PROPERTIES.get(name.lower(), name))}
    kind = kind_words(resource_type)
    return frozenset(
        w for w in found if w not in kind and w not in _GENERIC and not w.isdigit()
    ) or frozenset(w for w in found if w not in _GENERIC)


@lru_cache(maxsize=1 << 14)
def _split(name: str) -> tuple[str, ...]:
    return tuple(w.lower() for w in _WORDS.findall(name))


@lru_cache(maxsize=1 << 14)
def _stem(word: str) -> str:
    """One form for a verb, its participles and plurals.

    >>> _stem("policies"), _stem("monitoring"), _stem("attached"), _stem("status")
    ('policy', 'monitor', 'attach', 'status')
    """
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    for ending in ("ments", "ment", "ions", "ion", "ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)].removesuffix("e")
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 4 else word


#: Words that say nothing about which property it is.
_GENERIC: Final = frozenset(
    _stem(w)
    for w in [
        "configuration", "config", "list", "set", "status", "state", "id", "identifier", "arn", "name",
        "value", "type", "info", "details", "sha", "md", "hash", "etag", "attribute", "setting",
        "parameter", "option", "property", "resource", "item", "aws", "text", "specification",
        "default", "summary", "document", "last", "date", "time", "current", "is", "has", "to", "from",
        "for", "of", "by", "on", "in", "with", "and", "all", "deletion",
    ]
)  # fmt: skip
