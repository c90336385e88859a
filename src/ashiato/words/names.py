"""Names for people: accounts instead of twelve digits, networks instead of addresses, short names of ARNs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from ashiato.formats.principals import Principal, is_service_address
from ashiato.words.messages import Language, Message, Phrase
from ashiato.words.texts import shown

if TYPE_CHECKING:
    from ashiato.core.settings import Settings

#: What a placeholder may be given: text of a log, several, or a phrase of ours.
Value = str | Phrase | Iterable[str] | None

_ACCOUNT: Final = re.compile(r"\d{12}")
_ARN: Final = re.compile(r"arn:(aws[a-z-]*):([a-z0-9-]*):([a-z0-9-]*):(\d{12}|aws|):(.+)", re.DOTALL)
#: Values of a list that are named; the others are counted.
_NAMED: Final = 3
_LONGEST_ARN: Final = 2048

_OF_ACCOUNT: Final = Message("{name} of account {account}", "{name}(アカウント {account})")
_WHO_OF_ACCOUNT: Final = Message("{name} of account {account}", "アカウント {account} の {name}")
_AND_MORE: Final = Message("{names} and {n} more", "{names} ほか {n} 件")
_ROOT_OF: Final = Message("account {account}", "アカウント {account}")
_NAMED_PLACE: Final = Message("{name} ({id})", "{name}({id})")

_ROOT: Final = Message("the root user", "root ユーザー")
_WHO_ROOT: Final = Message("the root user of {account}", "{account} の root ユーザー")
_WHO_INSTANCE: Final = Message("instance {instance} (role {role})", "インスタンス {instance}(ロール {role})")
_WHO_ROLE: Final = Message("role {role}", "ロール {role}")
_WHO_SESSION: Final = Message("role {role} (session {session})", "ロール {role}(セッション {session})")
_WHO_PERSON: Final = Message("{session} (role {role})", "{session}(ロール {role})")
_WHO_ACCOUNT: Final = Message("account {account}", "アカウント {account}")
_ANONYMOUS: Final = Message("an anonymous caller", "匿名の呼び出し元")
_UNKNOWN: Final = Message("an unknown caller", "不明な呼び出し元")


@lru_cache(maxsize=1 << 14)
def short_arn(arn: str) -> tuple[str, str]:
    """What an ARN names, for people, and the account in it (or nothing).

    >>> short_arn("arn:aws:iam::111111111111:role/team/ops")
    ('ops', '111111111111')
    >>> short_arn("arn:aws:s3:::photos/2026/a.jpg")
    ('photos/2026/a.jpg', '')
    """
    match = _ARN.fullmatch(arn)
    if match is None:
        return arn, ""
    _, service, _, account, rest = match.groups()
    account = "" if account == "aws" else account
    if service == "s3":
        return rest, account
    if service in ("iam", "sts", "sso"):
        return rest.rpartition("/")[2] or rest, account
    if service == "secretsmanager":
        return re.sub(r"-[A-Za-z0-9]{6}$", "", rest.removeprefix("secret:")) or rest, account
    if service == "ssm" and rest.startswith("parameter/"):
        return rest.removeprefix("parameter"), account
    if service == "kms" and rest.startswith("alias/"):
        return rest, account
    head = re.match(r"[a-zA-Z0-9-]+[:/]", rest)
    return (rest[head.end() :] if head else rest).removesuffix(":*") or rest, account


class Names:
    """How ids are said. `network` names an address of one's own networks, `resource` an id that has a name (an
    instance's Name tag, say); both answer None for what they do not know."""

    def __init__(
        self,
        accounts: Mapping[str, str] | None = None,
        network: Callable[[str], str | None] | None = None,
        resource: Callable[[str], str | None] | None = None,
    ) -> None:
        self._accounts = dict(accounts or {})
        self._network = network or (lambda _: None)
        self._resource = resource or (lambda _: None)

    @classmethod
    def of(
        cls,
        settings: Settings,
        network: Callable[[str], str | None] | None = None,
        resource: Callable[[str], str | None] | None = None,
    ) -> Names:
        """With the account names of the settings; `network` is network.addresses.Networks.name_of."""
        return cls({a.id: a.name for a in settings.accounts}, network, resource)

    def account(self, account: str) -> str:
        """The account's name, or its digits."""
        return shown(self._accounts.get(account, account), 60)

    def said(self, value: Value, language: Language, account: str | None = None) -> str:
        """A value in a sentence. `account`: the one that the sentence is about, not said again."""
        if isinstance(value, Phrase):
            return value.said(language)
        if isinstance(value, str):
            return self._one(value, language, account)
        texts = [self._one(each, language, account) for each in value or ()]
        names = (", " if language == "en" else "、").join(texts[:_NAMED])
        if len(texts) <= _NAMED:
            return names
        return _AND_MORE.said(language, {"names": names, "n": str(len(texts) - _NAMED)})

    def _one(self, value: str, language: Language, account: str | None) -> str:
        if _ACCOUNT.fullmatch(value):
            return self.account(value)
        if value.startswith("arn:") and len(value) <= _LONGEST_ARN:
            name, owner = short_arn(value)
            if name == "root" and owner:
                return _ROOT_OF.said(language, {"account": self.account(owner)})
            if owner and account and owner != account:
                return _OF_ACCOUNT.said(language, {"name": shown(name), "account": self.account(owner)})
            return shown(name)
        called = self._resource(value)
        if called and called != value:
            return _NAMED_PLACE.said(language, {"name": shown(called, 60), "id": shown(value)})
        return shown(value)

    def placed(self, name: str, resource_id: str, language: Language) -> str:
        """A name with its id: `web (i-0a1b2c3d)`."""
        return _NAMED_PLACE.said(language, {"name": name, "id": resource_id})

    def address(self, address: str, language: Language) -> str:
        """An address with the name of the own network it is in."""
        name = self._network(address)
        if name is None:
            return shown(address, 60)
        return _NAMED_PLACE.said(language, {"name": shown(name, 60), "id": shown(address, 60)})

    def who(self, who: Principal, language: Language, account: str | None = None) -> str:
        """A principal as the subject of a sentence; with its account where that is another one."""
        said = self._who(who, language)
        # Not of Root, which is said with its account, and not of services, which have none.
        if who.account and account and who.account != account and who.type in ("IAMUser", "AssumedRole"):
            return _WHO_OF_ACCOUNT.said(language, {"name": said, "account": self.account(who.account)})
        return said

    def _who(self, who: Principal, language: Language) -> str:
        name, session = shown(who.name, 80), shown(who.session or "", 80)
        if who.type == "Root":
            known = who.account in self._accounts
            return (_WHO_ROOT if known else _ROOT).said(
                language, {"account": self.account(who.account or "")}
            )
        if who.arn == "unknown":
            return _UNKNOWN.said(language, {})
        if who.type == "AWSAccount":
            if who.name == "anonymous":
                return _ANONYMOUS.said(language, {})
            return _WHO_ACCOUNT.said(language, {"account": self.account(who.name)})
        if who.type not in ("AssumedRole", "Role") or who.permission_set:
            return name
        if not who.session or who.session_kind in ("sdk_default", "service_linked", "codebuild", "ecs_task"):
            return _WHO_ROLE.said(language, {"role": name})
        if who.session_kind == "ec2_instance":
            instance = self._one(who.session, language, None)
            return _WHO_INSTANCE.said(language, {"instance": instance, "role": name})
        kind = _WHO_PERSON if who.session_kind == "person" else _WHO_SESSION
        return kind.said(language, {"role": name, "session": session})


def is_address(text: str) -> bool:
    """Whether it is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


__all__ = ["Names", "Value", "is_address", "is_service_address", "short_arn"]
