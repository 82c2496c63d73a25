"""HAR 1.2, as browsers and proxies write it; what we do not use is kept and written again."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, urlencode, urlsplit

from lgsp.capture.formats.moment import iso, nanoseconds, within
from lgsp.capture.formats.report import Report
from lgsp.capture.record import LARGEST, Answered, Asked, Body, CaptureError, Headers, Record, parse

KEPT = "har"
OURS = "_lgsp"
BASE = "http://gateway.lgsp.invalid"
"""Stands before the paths of the gateway, since a HAR knows whole addresses only."""
_MS = 1_000_000
_WORDS = ("tap", "tx", "key", "attempt", "consumer", "service", "operation", "outcome", "reason", "fault")
_WHOLE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_FORM = "application/x-www-form-urlencoded"


def load(stream: BinaryIO, name: str, report: Report) -> Iterator[Record]:
    """A record an entry. Raises `CaptureError` for what is no HAR at all."""
    try:
        document = parse(stream.read().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise CaptureError(name, 0, f"no HAR: no UTF-8 at byte {error.start + 1}") from error
    except json.JSONDecodeError as error:
        raise CaptureError(name, error.lineno, f"no HAR: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise CaptureError(name, 0, f"no HAR: {error}") from error
    log = document.get("log") if isinstance(document, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(log, dict) or not isinstance(entries, list):
        raise CaptureError(name, 0, 'no HAR: {"log":{"entries":[...]}} is missing')
    report.header[KEPT] = {key: value for key, value in log.items() if key != "entries"}
    at = 0
    for number, entry in enumerate(entries):
        report.read += 1
        try:
            record = _record(entry, at)
        except ValueError as error:
            report.skip(f"entries[{number}]", str(error))
            continue
        at = record.t
        yield record


def save(records: Iterable[Record], stream: BinaryIO, report: Report) -> None:
    """One entry for each record that holds HTTP; what holds none is skipped."""
    log = {"version": "1.2", "creator": {"name": "lgsp", "version": "1"}}
    log |= _object(report.header.get(KEPT))
    stream.write(b'{"log":' + _dump(log)[:-1] + b',"entries":[')
    first = True
    for record in records:
        report.read += 1
        if record.request is None:
            report.skip(f"record {record.seq}", f"{record.tap} holds no HTTP request: HAR has no place for it")
            continue
        stream.write((b"\n" if first else b",\n") + _dump(_entry(record, record.request)))
        first = False
    stream.write(b"\n]}}\n")


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _record(entry: Any, before: int) -> Record:  # noqa: ANN401 - JSON
    if not isinstance(entry, dict):
        raise ValueError("an entry is an object")  # noqa: TRY004 - an entry that is wrong, not a call
    rest = dict(entry)
    asked, answered = rest.pop("request", None), rest.pop("response", None)
    if not isinstance(asked, dict):
        raise ValueError("`request` is missing")  # noqa: TRY004 - as above
    try:
        at = within(nanoseconds(rest["startedDateTime"]))
        del rest["startedDateTime"]
    except (KeyError, ValueError, AttributeError):
        at = before  # no time of its own: it keeps its place
        rest.pop("startedDateTime", None)
    ours = rest.pop(OURS, None)
    words = {word: ours[word] for word in _WORDS if word in ours} if isinstance(ours, dict) else {}
    if any(not _is_ours(word, value) for word, value in words.items()):
        raise ValueError(f"`{OURS}` holds something that we did not write")
    times = dict(ours["times"]) if isinstance(ours, dict) and isinstance(ours.get("times"), dict) else {}
    if (total := _total(rest)) is not None:
        times["total"] = total
    return Record(
        t=at,
        request=_asked(asked),
        reply=_answered(answered) if isinstance(answered, dict) else None,
        times={part: value for part, value in times.items() if type(value) is int and abs(value) <= LARGEST},
        extra={KEPT: rest} if rest else {},
        **words,
    )


def _is_ours(word: str, value: object) -> bool:
    return type(value) is int and abs(value) <= LARGEST if word == "attempt" else type(value) is str


def _total(rest: dict[str, Any]) -> int | None:
    time = rest.pop("time", None)
    if type(time) in {int, float} and 0 <= time < 1e12:
        return _ns(time)
    timings = rest.get("timings")
    if not isinstance(timings, dict):
        return None
    parts = [value for part, value in timings.items() if part != "ssl" and type(value) in {int, float} and value > 0]
    total = sum(parts)
    return _ns(total) if total < 1e12 else None


def _ns(milliseconds: float) -> int:
    return round(milliseconds * _MS)


def _asked(fields: dict[str, Any]) -> Asked:
    rest = dict(fields)
    method, url = rest.pop("method", None), rest.pop("url", None)
    if not isinstance(method, str) or not isinstance(url, str) or not method or not url:
        raise ValueError("`request` has no method or no url")
    headers, rest = _headers(rest)
    rest.pop("queryString", None)  # it stands in the url
    body, posted = Body(), rest.pop("postData", None)
    if isinstance(posted, dict):
        posted = dict(posted)
        body = _bytes(posted) or _of_params(posted) or Body()
        if posted:
            rest["postData"] = posted
    if rest.get("bodySize") in (-1, body.size):
        del rest["bodySize"]
    return Asked(method, url.removeprefix(BASE) or "/", headers, body, {KEPT: rest} if rest else {})


def _answered(fields: dict[str, Any]) -> Answered:
    rest = dict(fields)
    status = rest.pop("status", 0)
    headers, rest = _headers(rest)
    content = rest.pop("content", None)
    body = Body()
    if isinstance(content, dict):
        content = dict(content)
        size, cut = content.pop("size", 0), content.pop("_truncated", False) is True
        size = size if type(size) is int and 0 < size <= LARGEST else 0
        read = _bytes(content)
        if read is None:
            body = Body(None, size) if size else Body()
        else:
            body = replace(read, size=size) if cut and size > read.size else read
            if size != body.size:
                content["_size"] = size  # said otherwise than it is: kept as it was said
        if content:
            rest["content"] = content
    if rest.get("bodySize") in (-1, body.size):
        del rest["bodySize"]
    return Answered(
        status if type(status) is int and abs(status) <= LARGEST else 0, headers, body, {KEPT: rest} if rest else {}
    )


def _headers(rest: dict[str, Any]) -> tuple[Headers, dict[str, Any]]:
    """The headers; those of HTTP/2 that are none (`:path`) stay behind."""
    given = rest.pop("headers", None)
    pairs = [
        (each["name"], each["value"])
        for each in (given if isinstance(given, list) else [])
        if isinstance(each, dict) and isinstance(each.get("name"), str) and isinstance(each.get("value"), str)
    ]
    pseudo = [list(pair) for pair in pairs if pair[0].startswith(":")]
    return tuple(pair for pair in pairs if not pair[0].startswith(":")), rest | ({"_pseudo": pseudo} if pseudo else {})


def _bytes(holder: dict[str, Any]) -> Body | None:
    text = holder.pop("text", None)
    if not isinstance(text, str):
        return None
    if holder.get("encoding") == "base64":
        try:
            data = base64.b64decode(text)
        except ValueError:
            return Body.of(text.encode("utf-8", "surrogatepass"))
        del holder["encoding"]
        return Body.of(data)
    return Body.of(text.encode("utf-8", "surrogatepass"))


def _of_params(posted: Mapping[str, Any]) -> Body | None:
    params = posted.get("params")
    if not isinstance(params, list) or not str(posted.get("mimeType", _FORM)).startswith(_FORM):
        return None
    pairs = [(str(p.get("name", "")), str(p.get("value", ""))) for p in params if isinstance(p, dict)]
    return Body.of(urlencode(pairs, errors="surrogatepass").encode())


def _entry(record: Record, asked: Asked) -> dict[str, Any]:
    entry: dict[str, Any] = {"startedDateTime": iso(record.t), "time": record.times.get("total", 0) / _MS}
    entry |= {
        "request": _request(asked),
        "response": _response(record.reply or Answered(0)),
        "cache": {},
        "timings": {"send": 0, "wait": record.times.get("total", 0) / _MS, "receive": 0},
    }
    entry |= _kept(record.extra)
    ours: dict[str, Any] = {word: getattr(record, word) for word in _WORDS if getattr(record, word)}
    parts = {part: value for part, value in record.times.items() if part != "total"}
    entry[OURS] = ours | ({"times": parts} if parts else {})
    return entry


def _request(asked: Asked) -> dict[str, Any]:
    url = asked.url if _WHOLE.match(asked.url) else BASE + asked.url
    kept = dict(_kept(asked.extra))
    request: dict[str, Any] = {
        "method": asked.method or "-",
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _named(kept, asked.headers),
        "queryString": [{"name": n, "value": v} for n, v in parse_qsl(_query(url), keep_blank_values=True)],
        "headersSize": -1,
        "bodySize": asked.body.size,
    }
    posted = _object(kept.pop("postData", {}))
    if asked.body.data:
        request["postData"] = {"mimeType": _type(asked.headers)} | posted | _text(asked.body.data)
    elif posted:
        request["postData"] = posted
    return request | kept


def _response(answered: Answered) -> dict[str, Any]:
    kept, body = dict(_kept(answered.extra)), answered.body
    content = {"size": body.size, "mimeType": _type(answered.headers)} | _object(kept.pop("content", {}))
    content["size"] = content.pop("_size", content["size"])
    if body.data:
        content |= _text(body.data)
        if not body.whole:
            content |= {"size": body.size, "_truncated": True}
    response: dict[str, Any] = {
        "status": answered.status,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _named(kept, answered.headers),
        "content": content,
        "redirectURL": next((value for name, value in answered.headers if name.lower() == "location"), ""),
        "headersSize": -1,
        "bodySize": body.size,
    }
    return response | kept


def _named(kept: dict[str, Any], headers: Headers) -> list[dict[str, str]]:
    pseudo = kept.pop("_pseudo", [])
    pairs = [pair for pair in pseudo if _is_pair(pair)] if isinstance(pseudo, list) else []
    return [{"name": name, "value": value} for name, value in [*pairs, *headers]]


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)


def _text(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(data).decode(), "encoding": "base64"}


def _kept(extra: Mapping[str, Any]) -> Mapping[str, Any]:
    return _object(extra.get(KEPT))


def _object(value: object) -> dict[str, Any]:
    """What a capture says was kept of a HAR may be anything."""
    return value if isinstance(value, dict) else {}


def _query(url: str) -> str:
    try:
        return urlsplit(url).query
    except ValueError:
        return ""


def _type(headers: Headers) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")
