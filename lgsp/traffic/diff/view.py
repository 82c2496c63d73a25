"""What of a record is compared: a tree of plain values, without what is new in every run by its nature."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

from lgsp.capture.record import Asked, Body, Message, Record, parse, split_url
from lgsp.traffic.diff.comparing import differences
from lgsp.traffic.diff.rules import Ways

NEW_IN_EVERY_RUN = frozenset(
    {
        "accept-encoding", "authorization", "connection", "content-length", "cookie", "date", "host", "keep-alive", "lgsp-answers",
        "lgsp-gateway", "lgsp-key", "lgsp-sent-ns", "lgsp-t3-ns", "lgsp-t4-ns", "lgsp-t5-ns", "lgsp-t6-ns", "set-cookie",
        "traceparent", "transfer-encoding", "user-agent", "x-lgsp-key", "x-transaction-id",
    }
)  # fmt: skip
"""Headers that speak of one run or one connection: never compared."""
_OF_ONE_MESSAGE = frozenset({"correlation_id", "message_id", "reply_to", "expiration", "timestamp", "headers"})
_NAMES = ("tx", "key", "consumer", "reason")
_FORM = "application/x-www-form-urlencoded"
_DECLARES = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_AN_ID = re.compile(r"\d+|.*\d{4}.*|[0-9a-fA-F-]{16,}")


Operation = tuple[str, str, str]
"""Service, operation, and the tap that saw it."""


def view(record: Record) -> dict[str, Any]:
    """The record as a tree: `request`, `reply`, `message`, `outcome`, `reason`, `fault`, those of them that it has."""
    tree: dict[str, Any] = {name: getattr(record, name) for name in ("outcome", "reason", "fault")}
    if record.request is not None:
        tree["request"] = _asked(record.request)
    if record.reply is not None:
        reply = record.reply
        tree["reply"] = {"status": reply.status, "header": _headers(reply.headers), "body": value_of(reply.body)}
    if record.message is not None:
        tree["message"] = _message(record.message)
    return {name: value for name, value in tree.items() if value not in ("", {})}


def operation_of(record: Record) -> tuple[str, str]:
    """Service and operation; of a record that names none, the method and its path without what looks like an id."""
    if record.operation or record.request is None:
        return record.service, record.operation
    path = "/".join("{}" if _AN_ID.fullmatch(part) else part for part in _path(record.request.url).split("/"))
    return record.service, f"{record.request.method} {path}"


def changed(one: Record, other: Record) -> list[str]:
    """The places in which two forms of one record differ, headers of one run among them."""
    found = {name for name in _NAMES if getattr(one, name) != getattr(other, name)}
    found |= {each.path for each in differences(view(one), view(other), Ways([]))}
    for side in ("request", "reply"):
        ours, theirs = getattr(one, side), getattr(other, side)
        headers = zip(ours.headers, theirs.headers, strict=False) if ours and theirs else ()
        found |= {f"{side}.header.{old[0].lower()}" for old, new in headers if old != new}
    return sorted(found) or ["what came with it"]


def at(tree: object, place: str) -> list[Any]:
    """What stands at a place as `request.body.items[].id` of such a tree: none, one, or a value for each item."""
    found = [tree]
    for name in place.split("."):
        word, items = name.removesuffix("[]"), name.endswith("[]")
        found = [value[word] for value in found if isinstance(value, dict) and word in value]
        if items:
            found = [item for value in found if isinstance(value, list) for item in value]
    return found


def value_of(body: Body, content_type: str = "") -> Any:  # noqa: ANN401 - as the body is
    """A body as it is meant: JSON, XML, a form, text; of other bytes, and of a body that was cut, its size and digest."""
    data = body.data or b""
    if not body.whole:
        return {"size": body.size, "sha256": sha256(data).hexdigest()}
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"size": body.size, "sha256": sha256(data).hexdigest()}
    begin = text.lstrip()[:1]
    try:
        if begin in {"{", "["}:
            return parse(text)
        if begin == "<" and not _DECLARES.search(text):
            return _element(ET.fromstring(text), "")  # noqa: S314 - what declares entities stays text
    except (ValueError, RecursionError, ET.ParseError):
        return text
    return _gathered(parse_qsl(text, keep_blank_values=True)) if _FORM in content_type else text


def _asked(asked: Asked) -> dict[str, Any]:
    headers = _headers(asked.headers)
    return {
        "method": asked.method,
        "path": _path(asked.url),
        "query": _gathered(parse_qsl(asked.url.partition("?")[2], keep_blank_values=True)),
        "header": headers,
        "body": value_of(asked.body, str(headers.get("content-type", ""))),
    }


def _message(message: Message) -> dict[str, Any]:
    kept = {name: value for name, value in message.properties.items() if name not in _OF_ONE_MESSAGE}
    headers = message.properties.get("headers")
    if isinstance(headers, Mapping):
        kept["header"] = {name: value for name, value in headers.items() if name.lower() not in NEW_IN_EVERY_RUN}
    return kept | {"body": value_of(message.body)}


def _headers(headers: Iterable[tuple[str, str]]) -> dict[str, Any]:
    lowered = ((name.lower(), value) for name, value in headers if name[:1] != ":")
    return _gathered(pair for pair in lowered if pair[0] not in NEW_IN_EVERY_RUN)


def _gathered(items: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A name that comes once has a value, one that comes again has a list of them."""
    found: dict[str, list[str]] = {}
    for name, value in items:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _path(url: str) -> str:
    return split_url(url).path or "/"


def _element(element: ET.Element, around: str) -> dict[str, Any]:
    """An element without its prefixes, the order of its attributes and the white space around its text."""
    space, _, name = element.tag.rpartition("}")
    inside: dict[str, Any] = {f"@{attribute}": value for attribute, value in element.attrib.items()}
    if space != around:
        inside["@xmlns"] = space.removeprefix("{")
    if text := "".join([element.text or "", *(child.tail or "" for child in element)]).strip():
        inside["#text"] = text
    for child in element:
        for tag, value in _element(child, space).items():
            inside.setdefault(tag, []).append(value)
    return {name: inside}
