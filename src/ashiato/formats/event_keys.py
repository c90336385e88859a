"""The key of a CloudTrail event: equal for the copies of one event, from its eventID and its account.

An eventID is a UUID, 128 bits that AWS drew: it needs no hash, only the account mixed in, for an event
that concerns two accounts may come with one id. What is no UUID is hashed.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.formats.entities import every

KEY_BYTES: Final = 16
_UUID: Final = 36
_DASHES: Final = (8, 13, 18, 23)
_ACCOUNT: Final = 12
#: Odd, so that no two accounts are mixed in alike (the fractional parts of golden ratio and root of two).
_MIX = pa.array([0x1E3779B97F4A7C15, 0x6A09E667F3BCC909], pa.int64())


def event_keys(ids: Sequence[str | None], accounts: Sequence[str | None]) -> pa.Array:
    """binary(16) for each pair of eventID and recipientAccountId."""
    mixed = _mixed(ids, accounts)
    if mixed is not None:
        return mixed
    keys = []
    for id_, account in zip(ids, accounts, strict=True):
        one = _mixed([id_], [account])
        keys.append(_hashed(id_, account) if one is None else one[0].as_py())
    return pa.array(keys, pa.binary(KEY_BYTES))


def _mixed(ids: Sequence[str | None], accounts: Sequence[str | None]) -> pa.Array | None:
    """Keys of UUIDs and accounts of twelve digits; None where one of them is something else."""
    try:
        text, digits = "".join(ids), "".join(accounts)  # type: ignore[arg-type]
    except TypeError:
        return None
    n = len(ids)
    if len(text) != _UUID * n or any(text[at::_UUID] != "-" * n for at in _DASHES):
        return None
    if len(digits) != _ACCOUNT * n or not digits.isascii() or not digits.isdigit():
        return None
    # A dash at every place of one and none elsewhere; an id that is short may not be made up for by a long one.
    if text.count("-") != len(_DASHES) * n or set(map(len, ids)) != {_UUID}:  # type: ignore[arg-type]
        return None
    if set(map(len, accounts)) != {_ACCOUNT}:  # type: ignore[arg-type]
        return None
    try:
        halves = binascii.unhexlify(text.replace("-", ""))
    except (binascii.Error, ValueError):
        return None
    numbers = pa.Array.from_buffers(pa.int64(), 2 * n, [None, pa.py_buffer(halves)])
    account = pa.array(accounts, pa.string()).cast(pa.int64())
    place = every(2 * n)
    mix = pc.multiply(
        account.take(pc.shift_right(place, pa.scalar(1, pa.uint64()))),
        _MIX.take(pc.bit_wise_and(place, pa.scalar(1, pa.uint64()))),
    )
    keys = pc.bit_wise_xor(numbers, mix)
    return pa.Array.from_buffers(pa.binary(KEY_BYTES), n, [None, keys.buffers()[1]])


def _hashed(id_: str | None, account: str | None) -> bytes:
    identity = f"{id_}\0{account}".encode("utf-8", "surrogatepass")
    return blake2b(identity, digest_size=KEY_BYTES).digest()
