"""A CloudTrail event as sentences need it: its parts opened once, its values found by path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Any, Final

from ashiato.formats.outcomes import Outcome, opened, opened_mapping, outcome
from ashiato.formats.principals import Principal, principal

#: Elements of one list, nested levels and values that are looked at.
_MOST_ITEMS: Final = 64
_MOST_DEPTH: Final = 12
_MOST_VALUES: Final = 64
#: Lambda and CloudFront keep the date of their API in the name: UpdateFunctionCode20150331v2.
_API_DATE: Final = re.compile(r"(?:20\d{6}|20\d\d_\d\d_\d\d)(?:v\d+)?$")
#: `… not authorized to perform: iam:PassRole on resource: arn:…`: the target, where the request is left out.
_ON_RESOURCE: Final = re.compile(r"on resource: (arn:[^\s,;\"']+?)[.,;]?(?:\s|$)")
#: Accounts, and the unique ids of principals, which stand beside their names.
NO_NAME: Final = re.compile(r"\d{12}|A(?:IDA|ROA|NPA|GPA|IPA|NVA)[A-Z0-9]{12,}(?::.*)?", re.DOTALL)
_HIDDEN: Final = re.compile(r"HIDDEN_DUE_TO_SECURITY_REASONS|<sensitiveDataRemoved>|\*{3,}")


def text_of(value: object) -> str | None:
    """A scalar as text: None for nothing, empty text, and what AWS hides."""
    if isinstance(value, str):
        return None if not value or _HIDDEN.fullmatch(value) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def found(value: object, path: Sequence[str], depth: int = 0) -> Iterator[str]:
    """Texts at a path, through lists in each of their shapes: arrays, {items: […]}, {item: …}, {tag, content}.

    Keys are found whatever the case of their first letter, which differs between EC2's old and new calls.
    """
    if depth > _MOST_DEPTH:
        return
    if isinstance(value, list | tuple):
        for each in value[:_MOST_ITEMS]:
            yield from found(each, path, depth + 1)
    elif isinstance(value, Mapping):
        if path and (inner := at(value, path[0])) is not None:
            yield from found(inner, path[1:], depth + 1)
            return
        for key in ("items", "item", "content") if not path else ("items", "item"):
            if key in value:
                yield from found(value[key], path, depth + 1)
                return
    elif not path and (text := text_of(value)) is not None:
        yield text


def at(mapping: object, key: str) -> Any:
    """The value under a key, with its first letter in either case; None where there is none."""
    if not isinstance(mapping, Mapping):
        return None
    return mapping[key] if key in mapping else mapping.get(key[:1].swapcase() + key[1:])


def items(value: object) -> list[Any]:
    """A list in each of its shapes as a list."""
    for _ in range(3):
        if isinstance(value, Mapping):
            inner = value.get("items", value.get("item"))
            if inner is None:
                return [value] if value else []
            value = inner
    if isinstance(value, list | tuple):
        return list(value[:_MOST_ITEMS])
    return [] if value in (None, "") else [value]


class Call:
    """One event, raw or as a row of the table `cloudtrail`."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.event = event
        self.source = (
            text_of(event.get("eventSource")) or text_of(self.insight.get("eventSource")) or "unknown"
        )
        self.operation = text_of(event.get("eventName")) or text_of(self.insight.get("eventName")) or ""
        #: Without the date of the API.
        self.name = _API_DATE.sub("", self.operation) or self.operation

    @property
    def service(self) -> str:
        """`ec2` of ec2.amazonaws.com."""
        return self.source.removesuffix(".amazonaws.com")

    @property
    def label(self) -> str:
        """The operation in AWS's terms, `ec2:RunInstances`; an event without a name is said by its service."""
        return f"{self.service}:{self.name}" if self.name else self.service

    @cached_property
    def request(self) -> Mapping[str, Any]:
        """Parameters; EC2's newer calls wrap them in `<Operation>Request`."""
        return self._unwrapped("requestParameters", "Request")

    @cached_property
    def response(self) -> Mapping[str, Any]:
        return self._unwrapped("responseElements", "Response")

    @cached_property
    def extra(self) -> Mapping[str, Any]:
        return opened_mapping(self.event.get("additionalEventData"))

    @cached_property
    def details(self) -> Mapping[str, Any]:
        return opened_mapping(self.event.get("serviceEventDetails"))

    @cached_property
    def insight(self) -> Mapping[str, Any]:
        return opened_mapping(self.event.get("insightDetails"))

    def _unwrapped(self, column: str, suffix: str) -> Mapping[str, Any]:
        value = opened_mapping(self.event.get(column))
        inner = value.get(f"{self.operation}{suffix}")
        return inner if isinstance(inner, Mapping) else value

    @cached_property
    def principal(self) -> Principal:
        identity = self.event.get("userIdentity")
        identity = identity if isinstance(identity, Mapping) else opened_mapping(identity)
        return principal(identity or None, self.account)

    @property
    def account(self) -> str | None:
        """The account that the event was recorded in."""
        return text_of(self.event.get("recipientAccountId"))

    @cached_property
    def outcome(self) -> Outcome:
        return outcome(self.event)

    @property
    def error(self) -> str | None:
        return text_of(self.event.get("errorCode")) or text_of(self.event.get("errorMessage"))

    def values(self, paths: str) -> tuple[str, ...]:
        """Texts at the first of several paths (`a.b|response:c.d`) that has any.

        A path begins in the request; `response:`, `extra:`, `details:`, `insight:`, `event:` and `resources:` elsewhere.
        """
        for path in paths.split("|"):
            place, _, rest = path.rpartition(":")
            if place == "resources":
                texts = tuple(self.resource_arns)
            else:
                root: object = getattr(self, place or "request")
                texts = tuple(dict.fromkeys(_first(found(root, rest.split(".")))))
            if texts:
                return texts
        return ()

    def value(self, paths: str) -> str | None:
        """The first of those."""
        return next(iter(self.values(paths)), None)

    @cached_property
    def resource_arns(self) -> tuple[str, ...]:
        """ARNs that CloudTrail lists as touched, and the one that a denial names."""
        listed = opened(self.event.get("resources"))
        arns = [
            t
            for r in items(listed)
            if isinstance(r, Mapping) and (t := text_of(r.get("ARN") or r.get("arn")))
        ]
        message = self.event.get("errorMessage")
        named = _ON_RESOURCE.search(message[:4000]) if isinstance(message, str) else None
        if named and "*" not in named[1]:
            arns.append(named[1])
        return tuple(dict.fromkeys(arns))

    @cached_property
    def named(self) -> tuple[str, ...]:
        """What request and response name under keys that name something (`roleName`, `topicArn`, `vpcId` …)."""
        # Answers and details name much that the call was not about: of them only what has the form of an id.
        others = chain(_named(self.extra), _named(self.details), _named(self.response))
        all_texts = chain(_named(self.request), self.resource_arns, (t for t in others if _is_id(t)))
        texts = (t for t in all_texts if not NO_NAME.fullmatch(t))
        return tuple(dict.fromkeys(_first(texts)))


def _first(texts: Iterator[str]) -> Iterator[str]:
    return (text for _, text in zip(range(_MOST_VALUES), texts, strict=False))


def _is_id(text: str) -> bool:
    # Imported here, for it brings Arrow, which a command line that only prints need not wait for.
    from ashiato.formats.entities import MAX_VALUE
    from ashiato.formats.open_entities import FORM, things_of

    return len(text) <= MAX_VALUE and bool(things_of(FORM, text))


def _names_something(key: str, depth: int) -> bool:
    from ashiato.formats.open_entities import NAME, OWN_NAME, USER, class_of_key

    kind = class_of_key(key[:200])
    return kind in (NAME, USER) or (kind == OWN_NAME and depth <= 2)


def _named(value: object, key: str = "", depth: int = 0) -> Iterator[str]:
    if depth > 4:
        return
    if isinstance(value, Mapping):
        for number, (inner_key, inner) in enumerate(value.items()):
            if number >= _MOST_ITEMS:
                return
            if isinstance(inner_key, str):
                # Lists of EC2 hold {items: [{instanceId}]}: the inner key names.
                yield from _named(
                    inner, key if inner_key in ("items", "item", "content") else inner_key, depth + 1
                )
    elif isinstance(value, list | tuple):
        for each in value[:_MOST_ITEMS]:
            yield from _named(each, key, depth + 1)
    elif isinstance(value, str) and key and (text := text_of(value)):
        if key.lower().endswith(("arn", "arns")):
            if text.startswith("arn:"):
                yield text
        elif _names_something(key, depth):
            yield text
