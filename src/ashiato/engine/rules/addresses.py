"""Addresses: IPADDRESS values are 32 hexadecimal digits, so that they compare as Trino's 16 bytes do.

https://trino.io/docs/current/functions/ipaddress.html
"""

from __future__ import annotations

import ipaddress

from sqlglot import exp

from ashiato.engine.dialect import call, number, text
from ashiato.engine.inference import type_of
from ashiato.engine.rules import Context, function
from ashiato.engine.types import BOOLEAN, IP, VARCHAR, set_type


def hexadecimal(value: str) -> str | None:
    """An address as 32 digits (IPv4 mapped into IPv6, as Trino keeps it); None if it is not one."""
    try:
        parsed = ipaddress.ip_address(value.strip())
    except ValueError:
        return None
    mapped = int(parsed) + (0xFFFF << 32) if parsed.version == 4 else int(parsed)
    return f"{mapped:032x}"


def address(value: exp.Expr) -> exp.Expr:
    """`value` as an address; text that is no address becomes NULL."""
    if type_of(value).kind == "ip":
        return value
    if isinstance(value, exp.Literal) and value.is_string:
        digits = hexadecimal(value.this)
        return set_type(text(digits) if digits else exp.cast(exp.Null(), "VARCHAR"), IP)
    return set_type(call("ax_ip", value), IP)


def bounds(network: str) -> tuple[str, str] | None:
    """First and last address of a network in CIDR notation, as digits; None if it is not one."""
    try:
        parsed = ipaddress.ip_network(network.strip(), strict=False)
    except ValueError:
        return None
    first, last = hexadecimal(str(parsed[0])), hexadecimal(str(parsed[-1]))
    return (first, last) if first and last else None


def within(network: exp.Expr, value: exp.Expr) -> exp.Expr:
    """Whether `value` lies in `network`."""
    if isinstance(network, exp.Literal) and network.is_string:
        found = bounds(network.this)
        if found:
            made = exp.Between(this=address(value), low=text(found[0]), high=text(found[1]))
            return set_type(exp.paren(made, copy=False), BOOLEAN)
    return set_type(call("ax_cidr_contains", network, address(value)), BOOLEAN)


@function("is_subnet_of")
def subnet_of(current: exp.Anonymous, _: Context) -> exp.Expr:
    """Whether an address, or a whole network, lies in a network."""
    outer, inner = map(_prefix, current.expressions)
    if inner is current.expressions[1]:
        return within(outer, inner)
    narrower = exp.GTE(this=call("ax_bits_of", inner.copy()), expression=call("ax_bits_of", outer.copy()))
    first = call("ax_ip", call("split_part", inner, text("/"), number(1)))
    return set_type(
        exp.paren(exp.And(this=within(outer, set_type(first, IP)), expression=narrower), copy=False), BOOLEAN
    )


@function("ip_subnet_min", "ip_subnet_max", "ip_subnet_range")
def subnet_bounds(current: exp.Anonymous, _: Context) -> exp.Expr:
    """First and last address of a network."""
    network = _prefix(current.expressions[0])
    first, last = (call("ax_subnet_bound", network.copy(), text(digit)) for digit in "0f")
    if str(current.this).lower() == "ip_subnet_range":
        return exp.Array(expressions=[call("ax_ip_text", first), call("ax_ip_text", last)])
    return set_type(first if str(current.this).lower() == "ip_subnet_min" else last, IP)


@function("contains")
def contains(current: exp.Anonymous, _: Context) -> exp.Expr | None:
    if len(current.expressions) != 2:
        return None
    left, right = map(_prefix, current.expressions)
    if type_of(left).kind == "array":
        return call("ax_contains", left, right)
    network = isinstance(left, exp.Literal) and left.is_string and bounds(left.this) is not None
    if type_of(right).kind == "ip" or (network and "/" in left.name):
        return within(left, right)
    return (
        call("contains", left, right)
        if type_of(left).kind == "varchar"
        else call("list_contains", left, right)
    )


@function("ip_prefix")
def ip_prefix(current: exp.Anonymous, _: Context) -> exp.Expr:
    value = current.expressions[0]
    plain = value.this if isinstance(value, exp.Cast | exp.TryCast) else value
    return set_type(call("ax_ip_prefix", address(plain), current.expressions[1]), VARCHAR)


def _prefix(value: exp.Expr) -> exp.Expr:
    """A cast to IPPREFIX is the network's text itself."""
    to = value.args.get("to") if isinstance(value, exp.Cast | exp.TryCast) else None
    return value.this if to is not None and to.this.name == "IPPREFIX" else value
