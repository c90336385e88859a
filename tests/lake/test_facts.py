"""What is found out of data files: once for each, in portions, as long as there is room."""

from __future__ import annotations

from collections.abc import Sequence

from ashiato.formats.tables import CLOUDTRAIL
from ashiato.lake.catalog import iceberg_schema
from ashiato.lake.facts import FileFacts
from ashiato.lake.table_plan import TablePlan


def plan(*files: str, rows: int = 10) -> TablePlan:
    return TablePlan(CLOUDTRAIL, iceberg_schema(CLOUDTRAIL), files, 0, rows * len(files), 1)


class Reader:
    """Says of each file its path, and remembers what it read at once."""

    def __init__(self) -> None:
        self.read: list[list[str]] = []

    def __call__(self, source: str, count: int) -> Sequence[str]:
        listed = source[source.index("[") + 1 : source.index("]")].replace("'", "").split(", ")
        assert len(listed) == count
        self.read.append(listed)
        return listed


def test_each_file_is_read_once() -> None:
    reader = Reader()
    facts = FileFacts(reader, most=1000, size=len)
    assert list(facts.of(plan("a", "b"))) == [("a", "a"), ("b", "b")]
    assert list(facts.of(plan("b", "c"))) == [("b", "b"), ("c", "c")]
    assert reader.read == [["a", "b"], ["c"]]
    assert list(facts.of(plan())) == []


def test_many_rows_are_read_in_portions_and_only_as_far_as_is_asked() -> None:
    reader = Reader()
    found = FileFacts(reader, most=1000, size=len).of(plan("a", "b", "c", rows=400_000))
    assert next(found) == ("a", "a")
    assert reader.read == [["a"]]
    assert [path for path, _ in found] == ["b", "c"]


def test_what_there_is_no_room_for_is_told_and_not_kept() -> None:
    reader = Reader()
    facts = FileFacts(reader, most=4, size=len)
    for _ in range(2):
        assert list(facts.of(plan("ab", "much too long"))) == [("ab", "ab"), ("much too long",) * 2]
    assert reader.read == [["ab", "much too long"], ["much too long"]]
