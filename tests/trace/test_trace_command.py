"""`ashiato trace` on the command line: text, JSON, CSV and the file to attach; ambiguity; what attackers write."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ashiato.core.scope import EVERY_ACCOUNT
from ashiato.core.settings import Settings
from ashiato.intake.collect import Collector
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.trace.as_html import page
from ashiato.trace.as_text import lines
from ashiato.trace.tracing import Wanted, trace
from docs.repository import ashiato

ACCOUNT = "111122223333"
#: Each is somebody's name, agent, bucket, error or tag.
HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</title><style>*{display:none}</style>",
    "a\u202etxt.exe\u2066",
    "\x1b[2J\x1b]0;owned\x07",
    "=HYPERLINK(\"http://evil.example\")",
    "x" * 4000,
)  # fmt: skip


def event(number: int, who: str, **more: Any) -> dict[str, Any]:
    time = datetime(2026, 11, 2, 10, tzinfo=UTC) + timedelta(minutes=number)
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": f"AIDA{number:016}", "arn": f"arn:aws:iam::{ACCOUNT}:user/{who}"[:2048],
            "accountId": ACCOUNT, "userName": who[:1024], "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
        },
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutBucketPolicy",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": who,
        "requestParameters": {"bucketName": who, "key": who},
        "responseElements": None,
        "eventID": str(uuid.UUID(int=number + 1)),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    records = [event(n, text, errorCode=text, errorMessage=text) for n, text in enumerate(HOSTILE)]
    records += [
        event(50, "build", requestParameters={"bucketName": "build"}),
        event(51, "other", requestParameters={"roleName": "build"}, eventSource="iam.amazonaws.com", eventName="CreateRole",
              responseElements={"role": {"arn": f"arn:aws:iam::{ACCOUNT}:role/build", "roleName": "build"}}),
    ]  # fmt: skip
    (folder / "files").mkdir()
    (folder / "files" / "a.json.gz").write_bytes(gzip.compress(json.dumps({"Records": records}).encode()))
    with Home.open_for_writing(folder / "home", "test") as opened:
        Collector(opened, processes=1).run([str(folder / "files")])
    return folder / "home"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, attrs))


ALLOWED = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "header",
    "main",
    "h1",
    "h2",
    "p",
    "code",
    "svg",
    "rect",
    "line",
    "text",
    "ol",
    "ul",
    "li",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "dl",
    "dt",
    "dd",
    "details",
    "summary",
    "pre",
    "span",
    "div",
    "br",
}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_file_holds_no_script_and_fetches_nothing(hostile: Path, language: Any) -> None:
    with Home.open_for_reading(hostile) as home, PinnedLake(home) as lake:
        wanted = Wanted(records=True, language=language)
        document = trace(lake, "AKIAIOSFODNN7EXAMPLE", EVERY_ACCOUNT, Settings(), wanted).as_json()
    text = page(document, language)
    tags = Tags()
    tags.feed(text)
    assert {tag for tag, _ in tags.seen} <= ALLOWED
    names = {name for _, attributes in tags.seen for name, _ in attributes}
    assert not {n for n in names if n.startswith("on") or n in ("href", "src", "style", "action", "srcset")}
    assert len(re.findall(r"<style>", text)) == 1
    assert text.isprintable() or not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    # 49 may be the minute of a time.
    assert not re.search(r"(?<![:\d])49(?![:\d])", text), "a template in a record was not run"
    policy = next(
        value for _, a in tags.seen for name, value in a if name == "content" and "default-src" in str(value)
    )
    assert policy
    assert "'none'" in policy
    assert "unsafe" not in policy


def test_text_has_nothing_that_a_terminal_obeys(hostile: Path) -> None:
    status, out = ashiato("trace", "AKIAIOSFODNN7EXAMPLE", "--home", str(hostile), "--all")
    assert status == 0
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", out)
    assert "\\x1b" in out


def test_csv_starts_no_formula(hostile: Path) -> None:
    status, out = ashiato("trace", "AKIAIOSFODNN7EXAMPLE", "--home", str(hostile), "--format", "csv")
    assert status == 0
    cells = [c for row in csv.reader(io.StringIO(out)) for c in row]
    assert not [c for c in cells if c.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("text", HOSTILE[:-1])
def test_any_name_can_be_traced(hostile: Path, text: str) -> None:
    with Home.open_for_reading(hostile) as home, PinnedLake(home) as lake:
        document = trace(lake, text, EVERY_ACCOUNT, Settings(), Wanted(fold=True)).as_json()
    assert document["entity"]["count"] >= 0
    assert list(lines(document, "en"))
    assert page(document, "ja")


def test_a_name_of_several_things_is_asked_back(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _ = ashiato("trace", "build", "--home", str(hostile))
    assert status == 2
    assert f"arn:aws:iam::{ACCOUNT}:role/build" in capsys.readouterr().err
    status, out = ashiato("trace", "build", "--home", str(hostile), "--json")
    assert status == 2
    asked = json.loads(out[: out.rindex("}") + 1])
    assert asked["ambiguous"] == "build"
    assert len(asked["candidates"]) >= 2
    for candidate in asked["candidates"]:
        status, out = ashiato("trace", candidate["say"], "--home", str(hostile), "--json")
        assert status == 0, out
        assert json.loads(out)["entity"]["arn"] == candidate["value"]


def test_a_thing_that_nobody_knows_is_no_error(hostile: Path) -> None:
    status, out = ashiato("trace", "nobody-of-this-name", "--home", str(hostile))
    assert (status, "No record names nobody-of-this-name" in out) == (0, True)
    status, out = ashiato("trace", " ", "--home", str(hostile))
    assert status == 2


Tracer = Callable[..., dict[str, Any]]


def test_the_text_tells_the_story(estate: tuple[Path, dict[str, Any]], attack: dict[str, Any]) -> None:
    status, out = ashiato("trace", attack["createdUser"], "--home", str(estate[0]))
    assert status == 0
    for told in ("Who is behind it", "Did data leave?", "Timeline, newest first", "Alerts", "Related"):
        assert told in out
    assert f"created by {attack['leakedUser']}" in out
    status, out = ashiato("trace", attack["createdUser"], "--home", str(estate[0]), "--language", "ja")
    assert "タイムライン" in out
