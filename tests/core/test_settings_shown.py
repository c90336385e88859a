"""Settings shown to people: where a secret lies, never the secret."""

from __future__ import annotations

import pytest

from ashiato.core.settings import Channel, Settings
from ashiato.core.settings_shown import HIDDEN, shown


@pytest.mark.parametrize(
    ("url", "value"),
    [
        ("${CHANNEL}", "${CHANNEL}"),
        ("file:/etc/ashiato/channel", "file:/etc/ashiato/channel"),
        ("${HOST}/verysecret", HIDDEN),
        ("slack://verysecret", HIDDEN),
    ],
)
def test_a_secret_beside_the_name_of_a_place_is_hidden_too(url: str, value: str) -> None:
    rows = {s.key: s.value for s in shown(Settings(channels=[Channel(name="desk", url=url)]))}
    assert rows["channels.desk.url"] == value
    assert "verysecret" not in str(rows)
