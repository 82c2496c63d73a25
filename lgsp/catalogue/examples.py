"""The block `examples:` of an operation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from lgsp.catalogue.reader import Reader
from lgsp.catalogue.service import Example, ExampleReply, ExampleRequest
from lgsp.catalogue.source import Node
from lgsp.model import Outcome

REQUEST_KEYS = ("path", "query", "headers", "body")
REPLY_KEYS = ("status", "outcome", "compare", "body")
_PARAMETER = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")


def read_examples(reader: Reader, operation: str, node: Node, where: str) -> tuple[Example, ...]:
    """Requests with their replies, by name."""
    return tuple(
        _example(reader, operation, name, value, f"{where} / {name}") for name, _, value in reader.entries(node, where)
    )


def _example(reader: Reader, operation: str, name: str, node: Node, where: str) -> Example:
    found = {key: value for key, _, value in reader.entries(node, where, ("request", "reply"))}
    request = ExampleRequest(path=operation.partition(" ")[2])
    if "request" in found:
        request = _request(reader, operation, found["request"], f"{where} / request")
    elif "{" in operation:
        reader.note(node, where, "an example of a path with parameters gives a concrete `path` in its request")
    reply = _reply(reader, found["reply"], f"{where} / reply") if "reply" in found else ExampleReply()
    return Example(name=name, request=request, reply=reply)


def _request(reader: Reader, operation: str, node: Node, where: str) -> ExampleRequest:
    found = {key: value for key, _, value in reader.entries(node, where, REQUEST_KEYS)}
    template = operation.partition(" ")[2]
    path = reader.text(found["path"], where) if "path" in found else template
    if not fits(template, path):
        reader.note(found.get("path", node), where, f"{path!r} is no concrete path of {template!r}")
    headers = {}
    if "headers" in found:
        members = reader.members(found["headers"], where)
        headers = {key.lower(): reader.text(value, where) for key, _, value in members}
    body = b""
    if "body" in found:
        content = reader.body(found["body"], where)
        body = content.encode() if isinstance(content, str) else _json_bytes(content)
        if not isinstance(content, str):
            headers.setdefault("content-type", "application/json")
    query = reader.text(found["query"], where) if "query" in found else ""
    return ExampleRequest(path=path, query=query, headers=headers, body=body)


def _reply(reader: Reader, node: Node, where: str) -> ExampleReply:
    readers: dict[str, Callable[[Node, str], Any]] = {
        "status": reader.status,
        "outcome": lambda node, where: Outcome(reader.choice(node, where, [str(outcome) for outcome in Outcome])),
        "compare": lambda node, where: reader.choice(node, where, ("exact", "subset")),
        "body": reader.body,
    }
    entries = reader.entries(node, where, REPLY_KEYS)
    return ExampleReply(**{key: readers[key](value, f"{where} / {key}") for key, _, value in entries})


def _json_bytes(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def fits(template: str, path: str) -> bool:
    """Whether a concrete path is one of the template's."""
    wanted, given = template.split("/"), path.split("/")
    return len(wanted) == len(given) and all(
        bool(got) and "{" not in got if _PARAMETER.fullmatch(want) else got == want
        for want, got in zip(wanted, given, strict=True)
    )
