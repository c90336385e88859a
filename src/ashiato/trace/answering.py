"""The five questions of a responder about a host, a caller or a key, each answered with evidence, or with the gap.

Did data leave; whom else did it talk to; were its credentials used elsewhere; what else was touched; is it still
going on. `verdict` is `yes`, `no` or `unknown`; where evidence is missing the gap says which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ashiato.trace.telling import Telling
from ashiato.words.messages import Language, Message, Phrase
from ashiato.words.texts import shown

Verdict = Literal["yes", "no", "unknown"]
Question = Literal["data_left", "peers", "credentials_elsewhere", "touched", "going_on"]

#: References that one answer gives, and things that it names.
MOST_EVIDENCE: Final = 20
MOST_NAMED: Final = 5

# fmt: off
QUESTIONS: Final[Mapping[Question, Message]] = {
    "data_left": Message("Did data leave?", "データは外部へ送られたか"),
    "peers": Message("Whom else did it talk to?", "ほかの通信先・利用元はどこか"),
    "credentials_elsewhere": Message("Were its credentials used elsewhere?", "認証情報は別の場所で使われたか"),
    "touched": Message("What else was touched?", "ほかに何が操作されたか"),
    "going_on": Message("Is it still going on?", "まだ続いているか"),
}
AND_MORE: Final = Message("{names} and {n} more", "{names} ほか {n} 件")
NEWEST_ONLY: Final = Message("Only the newest {n} records were looked at.", "新しい順に {n} 件のレコードのみを対象としました。")
# fmt: on


@dataclass(frozen=True)
class Answer:
    """`said`: sentences; `evidence`: references; `gap`: what is missing to be sure; `things`: what it names, as
    pivots."""

    question: Question
    verdict: Verdict
    said: Sequence[Phrase]
    evidence: Sequence[str] = ()
    gap: Sequence[Phrase] = ()
    things: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    def as_json(self, telling: Telling) -> dict[str, Any]:
        language = telling.language
        return {
            "question": QUESTIONS[self.question].said(language, {}),
            "answer": joined(self.said, language),
            "evidence": list(dict.fromkeys(self.evidence))[:MOST_EVIDENCE],
            "gap": joined(self.gap, language) or None,
            "id": self.question,
            "verdict": self.verdict,
            "things": [dict(t) for t in self.things],
        }


def joined(phrases: Iterable[Phrase], language: Language) -> str:
    """Sentences one after another."""
    return ("" if language == "ja" else " ").join(p.said(language) for p in phrases)


def listed(names: Sequence[str], language: Language, most: int = MOST_NAMED) -> str:
    """Some names, and how many more there are."""
    head = ("、" if language == "ja" else ", ").join(names[:most])
    if len(names) <= most:
        return head
    return AND_MORE.said(language, {"names": head, "n": f"{len(names) - most:,}"})


def thing(kind: str, value: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    """A pivot that an answer names."""
    return {"kind": kind, "value": shown(value, 1100), "name": shown(name or value), **more}
