"""The native format: one record, one line of JSON.

A record is what one tap saw of one transaction; those of one transaction share its id (`tx`). `docs/captures.md` has every field.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isinf
from typing import Any
from urllib.parse import SplitResult, urlsplit

from lgsp.errors import LgspError

VERSION = 1
LARGEST = 2**63
"""No number of a record is larger, nor its negative smaller."""
GATEWAY, BUS_REQUEST, BUS_REPLY, CONNECTOR, UPSTREAM = "gateway", "bus.request", "bus.reply", "connector", "upstream"
TAPS = (GATEWAY, BUS_REQUEST, BUS_REPLY, CONNECTOR, UPSTREAM)
Headers = tuple[tuple[str, str], ...]


class CaptureError(LgspError):
    """A capture that cannot be read or written as it lies; says the file, the line (0: the whole of it) and what to do."""

    code = "capture"

    def __init__(self, where: str, line: int, problem: str) -> None:
        super().__init__(f"{where}:{line}: {problem}" if line else f"{where}: {problem}")
        self.where = where
        self.line = line
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes as they travelled. `data` is `None` where they were not kept, and shorter than `size` where they were cut."""

    data: bytes | None = b""
    size: int = 0

    @classmethod
    def of(cls, data: bytes) -> Body:
        """All of it."""
        return cls(data, len(data))

    @property
    def whole(self) -> bool:
        """Whether every byte is there."""
        return self.data is not None and len(self.data) == self.size


EMPTY = Body()


@dataclass(frozen=True, slots=True)
class Asked:
    """An HTTP request. `headers` keep their order and their repeats; `extra` holds fields that we do not know."""

    method: str
    url: str
    headers: Headers = ()
    body: Body = EMPTY
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """An HTTP reply; `status` 0: none came."""

    status: int
    headers: Headers = ()
    body: Body = EMPTY
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """An AMQP message: its properties by their names in `docs/bus.md`, `headers` among them."""

    properties: Mapping[str, Any]
    body: Body = EMPTY


@dataclass(frozen=True, slots=True)
class Record:
    """What one tap saw. `t`: when it began, ns since the epoch; `times`: how long its parts took, ns, `total` among them.

    `seq` is its number in the capture, given by the writer. `key` names it in random draws. `url` of a request is path and
    query as called, or a whole address where it was recorded elsewhere.
    """

    t: int
    tap: str = GATEWAY
    tx: str = ""
    seq: int = 0
    key: str = ""
    attempt: int = 1
    consumer: str = ""
    service: str = ""
    operation: str = ""
    request: Asked | None = None
    reply: Answered | None = None
    message: Message | None = None
    times: Mapping[str, int] = field(default_factory=dict)
    outcome: str = ""
    reason: str = ""
    fault: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


def split_url(url: str) -> SplitResult:
    """The parts of a url as it was recorded; of one that is none, what stands before `?` is its path."""
    try:
        return urlsplit(url)
    except ValueError:
        path, _, query = url.partition("?")
        return SplitResult("", "", path, query, "")


def encode(record: Record) -> bytes:
    """The record's line, its end included."""
    line: dict[str, Any] = {"seq": record.seq, "t": record.t, "tap": record.tap}
    for name in _WORDS:
        if value := getattr(record, name):
            line[name] = value
    if record.attempt != 1:
        line["attempt"] = record.attempt
    if record.request is not None:
        asked = record.request
        line["req"] = {"method": asked.method, "url": asked.url, **_said(asked.headers, asked.body), **asked.extra}
    if record.reply is not None:
        line["res"] = {
            "status": record.reply.status,
            **_said(record.reply.headers, record.reply.body),
            **record.reply.extra,
        }
    if record.message is not None:
        line["amqp"] = dict(record.message.properties)
        line["body"] = _written(record.message.body)
    if record.times:
        line["times"] = dict(record.times)
    return dump({**line, **record.extra})


def dump(value: object) -> bytes:
    """A line of JSON; text that is no Unicode comes back as it was."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"


def parse(text: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """JSON as it is defined: without NaN and infinities, and without numbers that would become one. Raises `ValueError`."""
    return json.loads(text, parse_constant=_refuse, parse_float=_finite)


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise ValueError(f"{text[:40]} is more than a number holds")
    return value


def decode(line: Mapping[str, Any]) -> Record:
    """The record of a line. Raises `ValueError`, whose text names the field that is wrong."""
    rest = dict(line)
    words = {name: _take(rest, name, str, "") for name in _WORDS}
    asked, answered = _take(rest, "req", dict, None), _take(rest, "res", dict, None)
    properties, body = _take(rest, "amqp", dict, None), _take(rest, "body", dict, None)
    if properties is None and body is not None:
        raise ValueError("`body` stands without its `amqp`")
    times = _take(rest, "times", dict, {})
    if not all(type(part) is int and abs(part) <= LARGEST for part in times.values()):
        raise ValueError("`times` holds whole nanoseconds of 64 bits")
    return Record(
        t=_take(rest, "t", int),
        tap=_take(rest, "tap", str),
        seq=_take(rest, "seq", int, 0),
        attempt=_take(rest, "attempt", int, 1),
        request=None if asked is None else _asked(dict(asked)),
        reply=None if answered is None else _answered(dict(answered)),
        message=None if properties is None else Message(properties, _read(body)),
        times=times,
        extra=rest,
        **words,
    )


_WORDS = ("tx", "key", "consumer", "service", "operation", "outcome", "reason", "fault")
_MUST = object()


def _take(fields: dict[str, Any], name: str, kind: type, default: object = _MUST) -> Any:  # noqa: ANN401 - as `kind` says
    value = fields.pop(name, default)
    if value is _MUST:
        raise ValueError(f"`{name}` is missing")
    if value is None and default is not _MUST:
        return default
    if type(value) is not kind and value is not default:
        raise ValueError(f"`{name}` is {type(value).__name__}, not {kind.__name__}")
    if isinstance(value, int) and abs(value) > LARGEST:
        raise ValueError(f"`{name}` has more than 64 bits")
    return value


def _said(headers: Headers, body: Body) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if headers:
        said["headers"] = [list(pair) for pair in headers]
    if body != EMPTY:
        said["body"] = _written(body)
    return said


def _asked(fields: dict[str, Any]) -> Asked:
    method, url = _take(fields, "method", str), _take(fields, "url", str)
    return Asked(method, url, _headers(fields), _read(_take(fields, "body", dict, None)), fields)


def _answered(fields: dict[str, Any]) -> Answered:
    status = _take(fields, "status", int)
    return Answered(status, _headers(fields), _read(_take(fields, "body", dict, None)), fields)


def _headers(fields: dict[str, Any]) -> Headers:
    pairs = _take(fields, "headers", list, [])
    if not all(isinstance(pair, list) and len(pair) == 2 and all(type(p) is str for p in pair) for pair in pairs):
        raise ValueError("`headers` is a list of pairs of texts")
    return tuple((name, value) for name, value in pairs)


def _written(body: Body) -> dict[str, Any]:
    """JSON where it comes back to the same bytes, else text, else base64; `size` where bytes are missing."""
    if body.data is None:
        return {"size": body.size}
    written = _form(body.data)
    return written if body.whole else {**written, "size": body.size}


def _form(data: bytes) -> dict[str, Any]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(data).decode()}
    if text[:1] in {"{", "["}:
        try:
            value = parse(text)
            if dump(value)[:-1] == data:
                return {"json": value}
        except (ValueError, RecursionError):
            pass  # it is text that only begins like JSON
    return {"text": text}


def _read(written: dict[str, Any] | None) -> Body:
    if written is None:
        return EMPTY
    forms = [form for form in ("json", "text", "b64") if form in written]
    if len(forms) > 1:
        raise ValueError(f"a body is one of json, text, b64, not {' and '.join(forms)}")
    size = _take(dict(written), "size", int, None)
    if not forms:
        return Body(None if size else b"", size or 0)
    data = _bytes(forms[0], written[forms[0]])
    return Body(data, len(data) if size is None else size)


def _bytes(form: str, value: Any) -> bytes:  # noqa: ANN401 - JSON has no narrower type
    if form == "json":
        return dump(value)[:-1]
    if type(value) is not str:
        raise ValueError(f"a body's `{form}` is {type(value).__name__}, not str")
    if form == "text":
        return value.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(value, validate=True)
    except ValueError as error:
        raise ValueError(f"a body's `b64` is not base64: {error}") from error
