"""Keys of the JSON documents of `ashiato config`; `tests/config/test_config_command.py` compares them."""

from __future__ import annotations

from document_keys import Keys, under

RESOURCE: Keys = {
    "account": ("text", "account, twelve digits"),
    "region": ("text", "region, or `global`"),
    "type": ("text", "resource type, such as AWS::EC2::SecurityGroup"),
    "id": ("text", "AWS Config's resourceId"),
    "name": ("text or null", "resourceName"),
    "arn": ("text or null", "ARN"),
}
OUTLINE: Keys = {
    "time": ("time", "when the item was captured"),
    "status": ("text", "configurationItemStatus: OK, ResourceDiscovered, ResourceDeleted …"),
    "resource": ("object", "the resource"),
    **under("resource.", RESOURCE),
    "zone": ("text or null", "availabilityZone"),
    "created": ("time or null", "resourceCreationTime"),
    "ref": ("text", "the item's reference"),
}
WHOLE: Keys = {
    "tags": ("object", "key → value"),
    "relationships": ("list of objects", "related resources, as AWS Config names them"),
    "configuration": ("any", "the state, in the shape of the service's describe call; null when deleted"),
    "supplementaryConfiguration": ("object", "state from further calls, by name"),
    "delivered": ("time or null", "when AWS delivered the item"),
    "ingested": ("time", "when it was taken in"),
    "source": ("text or null", "the source of the settings, or what was collected"),
    "object": ("text or null", "object or file that it came in"),
}
PROPERTY: Keys = {
    "path": ("text", "property; an element of a set in brackets by what names it"),
    "before": ("any", "value before; null where there was none. Policy documents are decoded"),
    "after": ("any", "value after; null where there is none"),
}
CAUSE: Keys = {
    "ref": ("text", "the event's reference"),
    "rank": ("number", "1 is the likeliest"),
    "why": ("text", "the reasons of the rank"),
    "score": ("number", "0 to 1: how well it explains the change"),
    "time": ("time", "when the call was made"),
    "operation": ("text", "eventName"),
    "service": ("text", "eventSource"),
    "who": ("text", "the principal's short name"),
    "from": ("text or null", "sourceIPAddress"),
    "result": ("text", "success, denied or failure"),
    "error": ("text or null", "errorCode"),
    "behind": ("list of objects", "calls that led to it, where CloudFormation or Auto Scaling made it"),
    "behind[].ref": ("text", "the event's reference"),
    "behind[].time": ("time", "when it was made"),
    "behind[].operation": ("text", "eventName"),
    "behind[].who": ("text", "the principal's short name"),
    "behind[].why": ("text", "why it is thought to have led to the call"),
}


#: (command, call, about, keys).
CONFIG: list[tuple[str, str, str, Keys]] = [
    ("items", "ashiato config items --json", "", under("[].", OUTLINE)),
    (
        "history",
        "ashiato config history RESOURCE --json",
        "Newest first. Of `causes`, `gap` and `none` one says something, but of the first item that is known.",
        {
            "[].time": ("time", "when the item was captured"),
            "[].resource": ("object", "the resource"),
            **under("[].resource.", RESOURCE),
            "[].type": ("text", "resource type"),
            "[].status": ("text", "configurationItemStatus"),
            "[].kind": ("text", "created, changed, deleted or first known"),
            "[].diff": ("list of objects", "what differs from the item before"),
            **under("[].diff[].", PROPERTY),
            "[].causes": ("list of objects", "operations that explain the change, the likeliest first"),
            **under("[].causes[].", CAUSE),
            "[].others": ("list of objects", "writes that named it and do not explain it; keys as in `causes`"),
            **under("[].others[].", CAUSE),
            "[].none": ("true or false", "CloudTrail was there, and holds no operation that explains it"),
            "[].gap": ("object or null", "nothing explains it, and CloudTrail has a gap in that time"),
            "[].gap.log": ("text", "`cloudtrail`"),
            "[].gap.account": ("text", "account"),
            "[].gap.region": ("text", "region"),
            "[].gap.from": ("time", "begin"),
            "[].gap.to": ("time", "end"),
            "[].gap.why": ("text", "how it is known"),
            "[].ref": ("text", "the item's reference"),
        },
    ),
    (
        "diff",
        "ashiato config diff RESOURCE A B --json",
        "`--patch` prints the list `patch` alone.",
        {
            "resource": ("object", "the resource"),
            **under("resource.", RESOURCE),
            "before": ("object or null", "the item at A; null: there is none before the first"),
            **under("before.", OUTLINE),
            "after": ("object", "the item at B"),
            **under("after.", OUTLINE),
            "diff": ("list of objects", "property by property"),
            **under("diff[].", PROPERTY),
            "patch": ("list of objects", "JSON Patch (RFC 6902) over what `ashiato config at TIME RESOURCE` shows"),
            "patch[].op": ("text", "add, remove or replace"),
            "patch[].path": ("text", "JSON Pointer"),
            "patch[].value": ("any", "the value, but of remove"),
        },
    ),
    ("at", "ashiato config at TIME --json", "", under("[].", OUTLINE | WHOLE)),
]  # fmt: skip
