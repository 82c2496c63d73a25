"""Every value of a service as it is in force, and where it is from: a line of a file, or a default."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from lgsp.breaker import Terms
from lgsp.catalogue.calendar import NAME as CALENDAR
from lgsp.catalogue.parse import OPERATION_KEYS, SERVICE_KEYS
from lgsp.catalogue.service import Operation, Service
from lgsp.catalogue.source import Node, Source, read

DEFAULT = "default"
_SECONDS = {"timeout", "max_age", "connect_timeout", "delay", "maximum", "seconds", "p50", "p99", "low", "high"}
_RATIOS = {"objective", "share"}
_RULES = ("request", "replies", "examples")


@dataclass(frozen=True, slots=True)
class Value:
    """One value: its way through the YAML, how it reads, and its origin (`file:line`, or why it is what it is)."""

    key: str
    value: str
    origin: str


def effective(service: Service, source: Source) -> Iterator[Value]:
    """The values of a service, in the format's order. `source` is the file that `service.where` names."""
    root = read(source).root
    entry = _members(root).get(service.id)
    given = {} if entry is None else _members(entry)
    for key in SERVICE_KEYS:
        if key != "operations":
            yield Value(
                key, _shown(key, getattr(service, key)), _origin(source, given.get(key), _default(service, key))
            )
    yield Value("zone", service.zone, CALENDAR if service.zone != "UTC" else f"{DEFAULT}, or {CALENDAR}")
    written = _members(given.get("operations"))
    for operation in service.operations.values():
        yield from _of_operation(operation, source, written.get(operation.name))


def _of_operation(operation: Operation, source: Source, node: Node | None) -> Iterator[Value]:
    given = _members(node)
    for key in OPERATION_KEYS:
        if key == "reply":
            continue  # the short form of `replies`
        value = getattr(operation, key)
        at = given.get(key) or (given.get("reply") if key == "replies" else None)
        shown = f"{len(value or ())}" if key in {"replies", "follows", "examples"} else _shown(key, value)
        if key == "request":
            shown = "none" if value is None else "schema"
        yield Value(f"{operation.name} / {key}", shown, _origin(source, at, _operation_default(operation, key)))


def _default(service: Service, key: str) -> str:
    if key == "connector":
        return "default: there is such a module" if service.connector else "default: the YAML's own replies"
    if key == "context":
        return "default: the id"
    return DEFAULT


def _operation_default(operation: Operation, key: str) -> str:
    if key == "idempotent":
        return f"default of {operation.method}"
    if key in {"latency", "errors"}:
        return "default: the service's"
    return DEFAULT


def _origin(source: Source, node: Node | None, otherwise: str) -> str:
    return otherwise if node is None else f"{source.name}:{node.line}"


def _members(node: Node | None) -> dict[str, Node]:
    if node is None or node.kind != "mapping":
        return {}
    return {key.text: value for key, value in node.entries}


def _shown(key: str, value: object) -> str:
    if value is None or value in ((), "") or value == {}:
        return "none"
    if key in _RATIOS and isinstance(value, float):
        return f"{value * 100:.6g}%"
    if key in _SECONDS and isinstance(value, float):
        return f"{value:g}s"
    if isinstance(value, Terms):
        return (
            f"{value.failures} failures running, or {value.share * 100:.6g}% of {value.calls}; "
            f"{value.pause:g}s to {value.longest_pause:g}s"
        )
    if isinstance(value, str | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if key == "data" and isinstance(value, dict):
        return ", ".join(f"{name} ({table.file}, {len(table.rows)} rows)" for name, table in value.items())
    plain = value.model_dump(mode="json") if hasattr(value, "model_dump") else value
    return json.dumps(plain, ensure_ascii=False, default=str)
