"""Where JSON values begin and end in bytes that do not parse as a whole.

Used when strict decoding of a document has failed: it cuts the bytes into values that can be decoded one
by one, and into broken stretches with their place and reason, so that one bad record costs one record.

The scanner follows JSON's structure (strings, brackets, commas, colons) and leaves the rest (numbers,
escapes, UTF-8) to whoever decodes the value. It does not recurse, and its time is linear in the input.

Finding the next value behind a broken one. From the first byte that no JSON could hold at that place,
two places are looked for, and the nearer one is taken:

* where the brackets of the broken value balance, if what follows may follow a value: right for a wrong
  token inside an otherwise whole value (a control character, `tru`, a missing comma);
* an object that begins with the same key as the values so far (`{"eventVersion":`) and does not stand
  behind `:` or `[`; for values at top level also a line that begins with `{` or `[`: right where a value
  is cut off or lost a quote, after which strings and structure would be taken for each other. Text inside
  a JSON string cannot look like such a beginning, because its quotes are escaped.

One thing structure cannot show: an element cut off behind a whole value of a list of its own. The elements
that follow are then well-formed members of that list, and the only sign is that the array never ends.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

MAX_VALUE = 64 * 1024 * 1024
MAX_DEPTH = 512
MAX_HEADS = 8
#: Deeper than this the end of a value is not looked for: it is an attack, and brackets take time.
HOPELESS_DEPTH = 100_000


@dataclass(frozen=True)
class Value:
    """A value delimited by structure, at byte `offset`. Whether it decodes is for the reader to see."""

    offset: int
    raw: bytes


@dataclass(frozen=True)
class Broken:
    """Bytes that hold no value. `raw` is empty where a document ended cleanly between elements, too early."""

    offset: int
    raw: bytes
    reason: str


# Before Python 3.11.5 a possessive group that fails halfway goes on at a wrong place (gh-106052), so there
# its atomic equivalent stands in, which needs memory for each repetition.
_MANY = rb"(?:%b)*+" if sys.version_info >= (3, 11, 5) else rb"(?>(?:%b)*)"

_WS = rb"[\s\0]*+"
_TEXT = rb'[^"\\\n]*+' + _MANY % rb'\\.[^"\\\n]*+'
_STRING = rb'"' + _TEXT + rb'"'
_BARE = rb"[-+.0-9A-Za-z]"
_SCALAR = rb"(?:" + _STRING + rb"|" + _BARE + rb"++)"
# One match goes from a bracket to the next one. The object's member whose value opens a bracket is matched
# up to its colon, so that a bracket in an object must have a colon before it (checked where it is found).
_MEMBERS = (
    _MANY % (_STRING + _WS + rb":" + _WS + rb"(?:(?=[\[{])|" + _SCALAR + _WS + rb"(?:," + _WS + rb"|(?=\})))")
    + rb"([\[{}])"
)
_ITEMS = _MANY % (_SCALAR + _WS + rb"(?:," + _WS + rb"|(?=\]))") + rb"([\[{\]])"
_IN_OBJECT = re.compile(_WS + _MEMBERS)
_IN_ARRAY = re.compile(_WS + _ITEMS)
_ON_IN_OBJECT = re.compile(_WS + rb"(?:," + _WS + rb"|(?=\}))" + _MEMBERS)
_ON_IN_ARRAY = re.compile(_WS + rb"(?:," + _WS + rb"|(?=\]))" + _ITEMS)
# How far the same patterns get, to say where they stopped.
_REACH = re.compile(_WS + _MANY % (rb",?" + _WS + _SCALAR + _WS + rb"(?=[,:}\]])[,:]?") + _WS)
_CUT_OFF = re.compile(
    _WS + rb"[,:]?" + _WS + rb"(?:" + _STRING + rb'|"' + _TEXT + rb"\\?|" + _BARE + rb"*+)" + _WS + rb"\Z"
)
_BALANCE = re.compile(
    rb'[^\[\]{}"]*+' + _MANY % (rb'"[^"\\]*+' + _MANY % rb'\\.[^"\\]*+' + rb'"[^\[\]{}"]*+') + rb"([\[{}\]])",
    re.DOTALL,
)
_HEAD = re.compile(rb"\{" + _WS + rb'"([^"\\\n]{1,128})"' + _WS + rb":")
_LINE_START = re.compile(rb"\n[\[{]")
_SKIP = rb"[\s\0,\x1e]*+"
_PASS = _SKIP + _MANY % (rb"\xef\xbb\xbf" + _SKIP)
_BETWEEN = re.compile(_PASS)
_TOP_SCALAR = re.compile(
    rb"(?:" + _STRING + rb"|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?|true|false|null)"
)
_BRACKET = re.compile(rb"[\[{]")
_OPEN_OBJECT, _OPEN_ARRAY, _CLOSE_OBJECT, _CLOSE_ARRAY, _COLON = b"{[}]:"
_OPEN = frozenset(b"{[")
_SPACE = frozenset(b" \t\r\n\v\f\0")


class _Scan:
    """State of one pass over `content`: learnt beginnings of values and searches already made."""

    def __init__(
        self,
        content: bytes | memoryview,
        max_depth: int,
        max_value: int,
        follows: re.Pattern[bytes],
        lines: bool,
    ) -> None:
        self.content = content
        self.size = len(content)
        self.max_depth = max_depth
        self.max_value = max_value
        self.follows = follows
        self.heads: set[bytes] = set()
        self.head_pattern: re.Pattern[bytes] | None = None
        self.line_pattern = _LINE_START if lines else None
        # Each search remembers where it looked from and what it found: hostile input must not make it
        # look over the same bytes again.
        self.head_found = (0, 0)
        self.line_found = (0, 0)

    def learn(self, position: int) -> None:
        """Note the first key of the object at `position`."""
        if len(self.heads) < MAX_HEADS and (match := _HEAD.match(self.content, position)):
            key = bytes(match.group(1))
            if key not in self.heads:
                self.heads.add(key)
                self.head_pattern = None

    def end(self, start: int) -> tuple[int, int, str]:
        """Of the object or array at `start`: (end, 0, "") or (-1, place of the fault, reason).

        A value that is whole but too deep has its end and a reason.
        """
        content, max_depth = self.content, self.max_depth
        stack = bytearray((content[start],))
        too_deep = False
        position = start + 1
        match = (_IN_OBJECT if stack[0] == _OPEN_OBJECT else _IN_ARRAY).match(content, position)
        while match:
            position = match.end()
            token = content[position - 1]
            if token in _OPEN:
                if stack[-1] == _OPEN_OBJECT and not self._after_colon(position - 2, start):
                    return -1, position - 1, f"not JSON: a value without a key at byte {position - 1}"
                stack.append(token)
                if len(stack) > max_depth:
                    too_deep = True
                    if len(stack) > HOPELESS_DEPTH:
                        return -1, position, f"nested deeper than {max_depth} levels"
                match = (_IN_OBJECT if token == _OPEN_OBJECT else _IN_ARRAY).match(content, position)
                continue
            # In an object `"key":}` stops here too; the decoder will say so, the structure is whole.
            stack.pop()
            if not stack:
                return position, 0, f"nested deeper than {max_depth} levels" if too_deep else ""
            match = (_ON_IN_OBJECT if stack[-1] == _OPEN_OBJECT else _ON_IN_ARRAY).match(content, position)
        reach = _REACH.match(content, position)
        fault = reach.end() if reach else position
        if fault >= self.size or _CUT_OFF.match(content, fault):
            return -1, self.size, "the document ends inside this value"
        return -1, fault, f"not JSON: unexpected byte 0x{content[fault]:02x} at byte {fault}"

    def _after_colon(self, position: int, start: int) -> bool:
        content = self.content
        while position > start and content[position] in _SPACE:
            position -= 1
        return content[position] == _COLON

    def resume(self, start: int, fault: int) -> int:
        """Where to go on behind a value that begins at `start` and is broken at `fault`."""
        if fault >= self.size:
            return self.size
        boundary = self.boundary(max(fault, start + 1))
        balanced = self._balanced(start, boundary)
        if balanced != -1 and (boundary == self.size or self.follows.match(self.content, balanced)):
            return balanced
        return boundary

    def _balanced(self, start: int, limit: int) -> int:
        content, depth, position = self.content, 0, start
        while match := _BALANCE.match(content, position):
            position = match.end()
            if position > limit:
                return -1
            depth += 1 if content[position - 1] in _OPEN else -1
            if depth == 0:
                return position
            if depth > HOPELESS_DEPTH:
                return -1
        return -1

    def boundary(self, position: int) -> int:
        """The next likely beginning of a value at or behind `position`; the size if there is none."""
        found = self._next_head(position)
        if self.line_pattern is not None:
            since, place = self.line_found
            if not since <= position <= place or since == 0:
                match = self.line_pattern.search(self.content, position)
                place = match.end() - 1 if match else self.size
                self.line_found = (position, place)
            found = min(found, place)
        return found

    def _next_head(self, position: int) -> int:
        if not self.heads:
            return self.size
        if self.head_pattern is None:
            keys = b"|".join(re.escape(key) for key in sorted(self.heads))
            self.head_pattern = re.compile(rb"\{" + _WS + rb'"(?:' + keys + rb')"' + _WS + rb":")
            self.head_found = (0, 0)
        since, place = self.head_found
        if since and since <= position <= place:
            return place
        place = self.size
        for match in self.head_pattern.finditer(self.content, position):
            before = match.start() - 1
            while before >= position and self.content[before] in _SPACE:
                before -= 1
            if before < 0 or self.content[before] not in b":[":
                place = match.start()
                break
        self.head_found = (position, place)
        return place

    def parts(
        self, position: int, closes: Callable[[int], bool], stray: Callable[[int], int]
    ) -> Generator[Value | Broken, None, int]:
        """Values from `position` until `closes` says that the place is the end; returns that place.

        `stray` says where to go on behind a byte that begins no value. Broken stretches that touch become
        one.
        """
        content = self.content
        broken_start, broken_end, reason = -1, -1, ""
        while True:
            between = _BETWEEN.match(content, position)
            position = between.end() if between else position
            finished = position >= self.size or closes(position)
            if finished and position < self.size and broken_start != -1:
                # A `]` behind a broken element may be one of its own: more elements say that it is.
                again = self.boundary(position)
                if again < self.size:
                    position = broken_end = again
                    finished = False
            if finished:
                break
            fault_reason = ""
            end = position
            if content[position] in _OPEN:
                self.learn(position)
                end, fault, fault_reason = self.end(position)
                if end == -1:
                    end = self.resume(position, fault)
            elif (match := _TOP_SCALAR.match(content, position)) and self.follows.match(content, match.end()):
                end = match.end()
            else:
                fault_reason = f"not JSON: unexpected byte 0x{content[position]:02x} at byte {position}"
                end = max(stray(position), position + 1)
            if not fault_reason and end - position > self.max_value:
                fault_reason = f"longer than {self.max_value} bytes"
            if fault_reason:
                if broken_start == -1:
                    broken_start, reason = position, fault_reason
                broken_end = end
            else:
                if broken_start != -1:
                    yield from self._broken(broken_start, broken_end, reason)
                    broken_start = -1
                yield Value(position, bytes(content[position:end]))
            position = end
        if broken_start != -1:
            yield from self._broken(broken_start, broken_end, reason)
        self.clean_end = broken_start == -1
        return position

    def _broken(self, start: int, end: int, reason: str) -> Iterator[Broken]:
        for offset in range(start, end, self.max_value):
            piece = bytes(self.content[offset : min(end, offset + self.max_value)])
            yield Broken(offset, piece, reason)


_FOLLOWS_VALUE = re.compile(_PASS + rb"(?:[\[{\"\-0-9tfn]|\Z)")
_FOLLOWS_ELEMENT = re.compile(_WS + rb"[,\]]")


def values(
    content: bytes | memoryview, *, start: int = 0, max_depth: int = MAX_DEPTH, max_value: int = MAX_VALUE
) -> Iterator[Value | Broken]:
    """JSON values at top level, one after another, from byte `start`; offsets count from byte 0.

    JSON Lines, values without a delimiter (`}{`), a JSON text sequence; whitespace, NUL, commas and byte
    order marks between values are passed over. Text that is no JSON is `Broken` up to the next `{` or `[`.
    A value longer than `max_value` bytes or nested deeper than `max_depth` is `Broken`; a broken stretch
    longer than `max_value` comes in pieces.
    """
    scan = _Scan(content, max_depth, max_value, _FOLLOWS_VALUE, lines=True)

    def stray(position: int) -> int:
        match = _BRACKET.search(content, position + 1)
        return match.start() if match else scan.size

    yield from scan.parts(start, lambda _position: False, stray)


def elements(
    content: bytes, *, start: int, max_depth: int = MAX_DEPTH, max_value: int = MAX_VALUE
) -> Generator[Value | Broken, None, int]:
    """Elements of the array whose `[` stands at byte `start` (see `array_start`).

    The generator's return value is the offset behind the array's `]`. Where the document ends before that,
    the last part is `Broken`: the half element, or empty bytes where it ends between elements. Every
    element that is whole comes out, whatever stands before or behind it.
    """
    scan = _Scan(content, max_depth, max_value, _FOLLOWS_ELEMENT, lines=False)

    def stray(position: int) -> int:
        if content[position] == _CLOSE_OBJECT:
            return position + 1
        if not scan.heads:
            # Nothing is known yet of how an element begins.
            match = _BRACKET.search(content, position + 1)
            return match.start() if match else scan.size
        return scan.boundary(position)

    end = yield from scan.parts(start + 1, lambda position: content[position] == _CLOSE_ARRAY, stray)
    if end < scan.size:
        return end + 1
    if scan.clean_end:
        yield Broken(scan.size, b"", "the document ends inside the array")
    return end


def array_start(content: bytes, key: str, *, start: int = 0) -> int | None:
    """Offset of the `[` of the array under `key` of the object at byte `start`; None if there is none.

    `key` is looked for among the object's own keys; only where the object is broken before it, anywhere.
    """
    between = _BETWEEN.match(content, start)
    position = between.end() if between else start
    wanted = b'"' + key.encode() + b'"'
    if content[position : position + 1] == b"{":
        scan = _Scan(content, MAX_DEPTH, MAX_VALUE, _FOLLOWS_ELEMENT, lines=False)
        match = _IN_OBJECT.match(content, position + 1)
        while match:
            bracket = match.end() - 1
            if content[bracket] == _CLOSE_OBJECT:
                return None
            if content[bracket] == _OPEN_ARRAY:
                before = content[match.start() : bracket].rstrip(b" \t\r\n\v\f\0")
                before = before[:-1].rstrip(b" \t\r\n\v\f\0")
                if before.endswith(wanted) and before[-len(wanted) - 1 : -len(wanted)] != b"\\":
                    return bracket
            end, _, _ = scan.end(bracket)
            if end == -1:
                break
            match = _ON_IN_OBJECT.match(content, end)
    anywhere = re.compile(re.escape(wanted) + _WS + rb":" + _WS + rb"\[")
    found = anywhere.search(content, position)
    return found.end() - 1 if found else None
