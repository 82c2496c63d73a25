"""How much may be under way at once, and when to stop asking: `in_flight` and `breaker` of the YAML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lgsp.breaker import USUAL, Terms
from lgsp.catalogue.reader import Reader
from lgsp.catalogue.source import Node

NEVER = "none"
"""What stands in place of a breaker's terms where it never opens."""
KEYS = ("failures", "share", "calls", "pause", "longest_pause")


def read_in_flight(reader: Reader, node: Node, where: str) -> int:
    """How many calls may be under way at once."""
    return reader.whole(node, where)


def read_breaker(reader: Reader, node: Node, where: str) -> Terms | None:
    """When a service is not asked any more; `None` where it always is."""
    if node.kind == "text":
        if node.text != NEVER:
            reader.note(node, where, f"a breaker is a mapping of {', '.join(KEYS)}, or `{NEVER}`", write=NEVER)
        return None
    readers: dict[str, Callable[[Reader, Node, str], Any]] = {
        "failures": lambda reader, node, where: reader.whole(node, where),
        "share": lambda reader, node, where: reader.percent(node, where),
        "calls": lambda reader, node, where: reader.whole(node, where),
        "pause": _pause,
        "longest_pause": _pause,
    }
    found = {key: value for key, _, value in reader.entries(node, where, KEYS)}
    fields = {key: readers[key](reader, value, f"{where} / {key}") for key, value in found.items()}
    first = fields.get("pause", USUAL.pause)
    fields.setdefault("longest_pause", max(first, USUAL.longest_pause))
    if fields["longest_pause"] < first:
        reader.note(found["longest_pause"], where, f"the longest pause is no shorter than the first, {first:g}s")
    return Terms(**fields)


def _pause(reader: Reader, node: Node, where: str) -> float:
    seconds = reader.duration(node, where)
    if seconds <= 0:
        reader.note(node, where, "a pause lies above 0 s")
        return USUAL.pause
    return seconds
