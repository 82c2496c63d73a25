"""The block `capacity:` of the YAML: how many calls a provider serves at once, how many wait, how often one may ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from lgsp.catalogue.reader import Reader
from lgsp.catalogue.service import Capacity, Overflow, Per
from lgsp.catalogue.source import Node

KEYS = ("workers", "queue", "overflow", "rate", "burst", "per")
OVERFLOW_KEYS = ("status", "retry_after")
_BELONGS = {"queue": "workers", "overflow": "workers", "burst": "rate", "per": "rate"}


def read_capacity(reader: Reader, node: Node, where: str) -> Capacity:
    """`{workers, queue, overflow: {status, retry_after}}`, `{rate, burst, per}`, or both."""
    readers: dict[str, Callable[[Node, str], Any]] = {
        "workers": reader.whole,
        "queue": lambda node, where: reader.whole(node, where, at_least=0),
        "overflow": lambda node, where: _overflow(reader, node, where),
        "rate": reader.frequency,
        "burst": reader.whole,
        "per": lambda node, where: reader.choice(node, where, get_args(Per)),
    }
    found = {key: value for key, _, value in reader.entries(node, where, KEYS)}
    for key, other in _BELONGS.items():
        if key in found and other not in found:
            reader.note(found[key], where, f"`{key}` says nothing without `{other}`")
    if node.kind == "mapping" and not {"workers", "rate"} & found.keys():
        reader.note(node, where, "a capacity has `workers`, a `rate`, or both")
    return Capacity(**{key: readers[key](value, f"{where} / {key}") for key, value in found.items()})


def _overflow(reader: Reader, node: Node, where: str) -> Overflow:
    found = {key: value for key, _, value in reader.entries(node, where, OVERFLOW_KEYS)}
    fields: dict[str, Any] = {}
    if "status" in found:
        fields["status"] = reader.status(found["status"], f"{where} / status")
        if fields["status"] < 400:
            reader.note(found["status"], where, "who finds no room is told so with a status from 400 on")
    if "retry_after" in found:
        fields["retry_after"] = reader.duration(found["retry_after"], f"{where} / retry_after")
    return Overflow(**fields)
