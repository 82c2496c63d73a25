"""Access logs, common, combined or JSON lines: who asked what when. Arrivals only: no bodies, no headers but two."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

from lgsp.capture.formats.moment import nanoseconds, within
from lgsp.capture.formats.report import Report
from lgsp.capture.record import LARGEST, Answered, Asked, Body, Record, parse

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_LINE = re.compile(
    r"(?P<host>\S+) \S+ (?:\S+|\S.*?) \[(?P<time>[^\]]+)\] " + _QUOTED + r" (?P<status>\d{3}|-) (?P<size>\d+|-)"
    r"(?: " + _QUOTED + " " + _QUOTED + r")?.*"
)
_ASKED = re.compile(r"(\S+) (\S+)(?: HTTP/\d(?:\.\d)?)?")
_MAX_LINE = 1 << 20
_SECONDS = LARGEST / 1e9


def load(stream: BinaryIO, name: str, report: Report) -> Iterator[Record]:  # noqa: ARG001 - a broken line has its number
    """A record a line."""
    for number, raw in enumerate(iter(lambda: stream.readline(_MAX_LINE), b""), 1):
        line = raw.decode("utf-8", "replace").strip()
        if not line or line.startswith("#"):
            continue
        report.read += 1
        try:
            yield _of_json(parse(line)) if line.startswith("{") else _of_line(line)
        except (json.JSONDecodeError, RecursionError) as error:
            report.skip(f"line {number}", f"no JSON: {error}")
        except ValueError as error:
            report.skip(f"line {number}", str(error))


def _of_line(line: str) -> Record:
    found = _LINE.fullmatch(line)
    if not found:
        raise ValueError("neither the common nor the combined format")
    asked, referrer, agent = found[3], found[6], found[7]
    headers = [("referer", referrer), ("user-agent", agent)]
    try:
        at = int(datetime.strptime(found["time"], "%d/%b/%Y:%H:%M:%S %z").timestamp()) * 1_000_000_000
    except (ValueError, OverflowError):
        at = nanoseconds(found["time"])
    size = 0 if found["size"] == "-" else _size(found["size"])
    kept = tuple((name, value.replace('\\"', '"')) for name, value in headers if value and value != "-")
    return _record(at, asked, found["status"], size, kept, 0.0)


def _of_json(fields: Any) -> Record:  # noqa: ANN401 - JSON
    if not isinstance(fields, dict):
        raise ValueError("a line is a JSON object")  # noqa: TRY004 - a line that is wrong, not a call
    texts = {name: str(value) for name, value in fields.items()}
    time = next((texts[name] for name in ("time_iso8601", "time", "timestamp", "@timestamp") if name in texts), "")
    at = int(_number(texts["msec"]) * 1e3) * 1_000_000 if "msec" in texts and not time else nanoseconds(time)
    asked = texts.get("request", f"{texts.get('request_method', '-')} {texts.get('request_uri', '-')}")
    size = texts.get("body_bytes_sent", "0")
    headers = tuple(
        (name, texts[key])
        for name, key in (("referer", "http_referer"), ("user-agent", "http_user_agent"))
        if texts.get(key, "-") not in {"-", ""}
    )
    took = _number(texts["request_time"]) if re.fullmatch(r"\d+(\.\d+)?", texts.get("request_time", "")) else 0.0
    return _record(at, asked, texts.get("status", "-"), _size(size) if size.isdigit() else 0, headers, took)


def _size(text: str) -> int:
    size = int(text)
    if size > LARGEST:
        raise ValueError("a reply of more bytes than there are")
    return size


def _is_status(text: str) -> bool:
    return text.isdecimal() and len(text) < 5


def _number(text: str) -> float:
    """Seconds that a clock shows."""
    seconds = float(text)
    if not abs(seconds) < _SECONDS:
        raise ValueError(f"{text[:40]} seconds are on no clock")
    return seconds


def _record(at: int, asked: str, status: str, size: int, headers: tuple[tuple[str, str], ...], took: float) -> Record:
    found = _ASKED.fullmatch(asked)
    if not found or found[1] == "-":
        raise ValueError("no request in it: `-`, or bytes that were no HTTP")
    reply = Answered(int(status), body=Body(None, size) if size else Body()) if _is_status(status) else None
    times = {"total": int(took * 1e9)} if took else {}
    return Record(t=within(at), request=Asked(found[1], found[2], headers), reply=reply, times=times)
