"""Messages: whole sentences, in both languages, with the same values."""

from __future__ import annotations

import re

import pytest

from ashiato.words.families import config_items, flows
from ashiato.words.family import modules, operations
from ashiato.words.messages import LANGUAGES, Message
from ashiato.words.sentences import FRAMES, RESULTS

ALL = [
    *(message for operation in operations().values() for message, _ in operation.messages),
    *(
        message
        for table in (FRAMES, RESULTS, config_items.MESSAGES, flows.MESSAGES)
        for message in table.values()
    ),
]
_JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


def test_every_message_is_told_in_both_languages() -> None:
    assert len(ALL) > 600
    for message in ALL:
        for language in LANGUAGES:
            for done in (True, False):
                text = message.said(language, dict.fromkeys(message.names, "X"), done=done)
                assert text
                assert not re.search(r"[{}\[\]|]|  ", text), text
                assert text == text.strip()
        assert not _JAPANESE.search(message.en)
        # Frames and plain values apart, a Japanese sentence is Japanese.
        assert _JAPANESE.search(message.ja) or message.ja == "{sentence}", message


def test_japanese_sentences_end_so_that_a_frame_can_follow() -> None:
    """`…しようとしました` + `が、拒否されました`."""
    for operation in operations().values():
        for message, _ in operation.messages:
            for done in (True, False):
                assert message.said("ja", dict.fromkeys(message.names, "X"), done=done).endswith("ました"), (
                    message
                )


def test_english_tries_in_the_infinitive() -> None:
    for operation in operations().values():
        for message, _ in operation.messages:
            tried = message.said("en", dict.fromkeys(message.names, "X"), done=False)
            assert "[" not in message.en or re.search(r"\btried\b|\bdid not\b", tried), tried


def test_languages_must_say_the_same() -> None:
    with pytest.raises(ValueError, match="differ"):
        Message("{who} did {what}", "{who} がしました")
    with pytest.raises(ValueError, match="differ"):
        Message("{who} [did", "{who} がしました")


def test_spaces_stand_only_beside_latin_letters() -> None:
    message = Message("{group} to {peer}", "{group} の {peer} に開放")
    assert message.said("ja", {"group": "sg-1", "peer": "全世界"}) == "sg-1 の全世界に開放"
    assert message.said("ja", {"group": "sg-1", "peer": "10.0.0.0/8"}) == "sg-1 の 10.0.0.0/8 に開放"


def test_modules_are_found_by_being_there() -> None:
    names = {m.__name__.rpartition(".")[2] for m in modules()}
    assert names >= {
        "iam", "sign_in", "ec2_network", "ec2_instances", "s3", "cloudtrail_config", "kms_secrets", "lambda_ssm",
        "organizations", "bedrock", "rds", "generic", "config_items", "flows",
    }  # fmt: skip
