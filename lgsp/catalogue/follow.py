"""The block `follows:` of an operation: what its provider sends of itself after it answered."""

from __future__ import annotations

from typing import Any

from lgsp.catalogue.latency import read_latency
from lgsp.catalogue.reader import Reader
from lgsp.catalogue.replies import RepliesReader
from lgsp.catalogue.service import Fixed, FollowUp, Form, Latency
from lgsp.catalogue.source import Node
from lgsp.catalogue.upstream import read_url

KEYS = ("after", "post", "when", "headers", "body", "secret_file")
NEEDED = ("after", "post")
MOST = 5
LONGEST = 86_400.0
"""Seconds after an answer within which what follows it is sent."""


def read_follows(reader: Reader, replies: RepliesReader, node: Node, where: str) -> tuple[FollowUp, ...]:
    """`[{after: 30s, post: URL, when, headers, body, secret_file}]`. `replies` reads what is written like a reply."""
    nodes = reader.items(node, where)
    if node.kind == "list" and not nodes:
        reader.note(node, where, "there is one thing that follows at least")
    if len(nodes) > MOST:
        reader.note(nodes[MOST], where, f"after one answer at most {MOST} things follow")
    return tuple(_read(reader, replies, item, f"{where} / {number}") for number, item in enumerate(nodes, 1))


def _read(reader: Reader, replies: RepliesReader, node: Node, where: str) -> FollowUp:
    found = {key: value for key, _, value in reader.entries(node, where, KEYS)}
    for needed in NEEDED:
        if needed not in found and node.kind == "mapping":
            reader.note(node, where, f"the key {needed!r} is missing")
    fields: dict[str, Any] = {"after": Latency(distribution=Fixed(seconds=0.0)), "post": ""}
    if "after" in found:
        fields["after"] = _after(reader, found["after"], f"{where} / after")
    if "post" in found:
        fields["post"] = read_url(reader, found["post"], f"{where} / post")
    if "when" in found:
        fields["when"] = replies.conditions(found["when"], f"{where} / when")
    if "secret_file" in found:
        fields["secret_file"] = reader.text(found["secret_file"], f"{where} / secret_file")
    said: dict[str, Any] = {}
    if "headers" in found:
        said["headers"] = replies.headers(found["headers"], f"{where} / headers")
    if "body" in found:
        said["body"] = replies.content(found["body"], f"{where} / body")
    replies.check_body(node, where, said)
    return FollowUp(**fields, form=Form(**said), where=f"{reader.document.name}:{node.line}")


def _after(reader: Reader, node: Node, where: str) -> Latency:
    """A duration, or a block like `latency`; never more than a day."""
    if node.kind == "mapping":
        read = read_latency(reader, node, where)
    else:
        read = Latency(distribution=Fixed(seconds=reader.duration(node, where)))
    fixed = read.distribution.seconds if isinstance(read.distribution, Fixed) else 0.0
    if max(fixed, read.maximum or 0.0) > LONGEST:
        reader.note(node, where, "what follows an answer is sent within 24h")
    return read.model_copy(update={"maximum": min(read.maximum or LONGEST, LONGEST)})
