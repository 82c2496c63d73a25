"""Captures that are none, through every command that reads one: an exit code, a place, and never a traceback."""

from __future__ import annotations

import gzip
import io
import re
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsp.capture.files import Writer
from lgsp.capture.formats import Report, goreplay, har
from lgsp.capture.record import Answered, Asked, Body, Message, Record
from lgsp.cli import lgsp
from lgsp.errors import LgspError

HEAD = b'{"lgsp_capture":1}\n'
MONKEYS = "\n🐵🙈🙉\n".encode()


def whole(tmp_path: Path) -> bytes:
    path = tmp_path / "whole.lgsp.jsonl"
    with Writer.create(path, {}) as writer:
        reply = Answered(200, body=Body.of(b'{"a":1}'))
        writer.write(*(Record(t=number, request=Asked("GET", "/a"), reply=reply) for number in range(9)))
    return path.read_bytes()


def asked(method: str, url: str, more: str = "") -> bytes:
    return f'{{"seq":1,"t":1,"tap":"gateway","req":{{"method":"{method}","url":"{url}"{more}}}}}\n'.encode()


BROKEN: dict[str, bytes] = {
    "empty.lgsp.jsonl": b"",
    "zip.lgsp.jsonl.gz": b"\x1f\x8bxxxx",
    "deep.lgsp.jsonl": HEAD + b"[" * 200_000 + b"\n",
    "types.lgsp.jsonl": HEAD + b'{"seq":1,"t":1,"tap":"gateway","req":{"method":1,"url":[]}}\n{"t":1e99,"tap":{}}\n[]\n1\nnull\n',
    "surrogate.lgsp.jsonl": HEAD + asked("\\ud800", "/\\udfff", ',"headers":[["\\ud800","\\r\\n"]]'),
    "word.lgsp.jsonl": HEAD + b'{"seq":1,"t":1,"tap":"gateway","service":"\\ud800","operation":"\\u001b[2J"}\n',
    "url.lgsp.jsonl": HEAD + asked("GET", "http://[::1") + asked("GET", "//"),
    "header.lgsp.jsonl": HEAD + asked("GET", "/", ',"headers":[["a","b\\r\\nc: d"]]'),
    "taps.lgsp.jsonl": b'{"lgsp_capture":1,"taps":5}\n',
    "words.lgsp.jsonl": b'{"lgsp_capture":1,"taps":[[]]}\n',
    "after.lgsp.jsonl": b'{"lgsp_capture":1,"after":"x"}\n',
    "trailer.lgsp.jsonl": HEAD + b'{"lgsp_end":1,"records":0,"sha256":"x","dropped":-1}\n',
    "types.har": b'{"log":{"entries":[1,{"request":5},{"request":{"method":[],"url":{}}},{"request":{"method":"GET","url":"http://[","headers":{"a":1},"postData":[]},"response":[],"startedDateTime":"9999-99-99"}]}}',
    "list.har": b"[]",
    "bytes.har": b"\xff\xfe",
    "zip.har.gz": b"\x1f\x8b",
    "head.gor": b"1 a x\nGET\n",
    "length.gor": b"1 abc 5 5\nGET / HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n" + MONKEYS,
    "cut.gor.gz": gzip.compress(b"1")[:-3],
    "line.log": b'x\n\xff\n{"time":[]}\n',
    "bytes.gor": b"1 a 1 0\nGET /\xc9/\xff HTTP/1.1\r\nA: \xc9\r\n\r\n" + MONKEYS,
    "sizes.har": b'{"log":{"entries":[{"request":{"method":"GET","url":"/","bodySize":{}},"response":{"bodySize":[]}}]}}',
    "infinite.lgsp.jsonl": HEAD + asked("GET", "/", ',"x":1e999') + b'{"t":1,"tap":"x","times":{"total":1' + b"0" * 400 + b"}}\n",
    "clock.gor": b"1 a 9999999999999999999 0\nGET / HTTP/1.1\r\n\r\n" + MONKEYS,
    "clock.log": b'{"msec":1e999,"request":"GET / HTTP/1.1"}\n{"time":"0001-01-01T00:00:00+23:59","request":"GET / HTTP/1.1"}\n',
    "date.log": b'1.1.1.1 - - [99/Foo/0000:00:00:00 +9999] "GET /" 200 1\n',
}  # fmt: skip


def said(path: Path, state: Path) -> dict[str, str]:
    """What every command says to it; the name of an exception that is not ours is a traceback for whoever asked."""
    words = {
        "stats": ("capture", "info", path, "--stats"),
        "correlate": ("capture", "info", path, "--correlate"),
        "verify": ("capture", "verify", path),
        "to-ours": ("capture", "convert", path, path.parent / "out.lgsp.jsonl"),
        "to-har": ("capture", "convert", path, path.parent / "out.har"),
        "to-gor": ("capture", "convert", path, path.parent / "out.gor"),
        "redact": ("capture", "redact", "--check", path),
        "diff": ("diff", path, path, "--noise-from", path, path),
        "replay": ("replay", path, "--to", "http://127.0.0.1:1", "--dry-run"),
        "sorted": ("capture", "convert", path, path.parent / "sorted.lgsp.jsonl", "--sort", "--where", "ms>=0"),
    }
    told = {}
    for name, arguments in words.items():
        done = CliRunner().invoke(lgsp, [str(each) for each in (*arguments, "--state", state)])
        error = done.exception
        ours = error is None or isinstance(error, SystemExit | LgspError)
        told[name] = f"{done.stdout}{done.stderr}{error}" if ours else f"Traceback: {type(error).__name__}: {error}"
    return told


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_broken_capture_is_never_a_traceback(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(BROKEN[name])
    told = said(path, tmp_path / "state")
    assert [what for what, text in told.items() if "Traceback" in text] == [], told
    assert not any("\x1b" in text for text in told.values())


@pytest.mark.parametrize("name", ["bytes.gor", "sizes.har"])
def test_a_service_learns_from_what_is_no_unicode_either(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(BROKEN[name])
    done = CliRunner().invoke(lgsp, ["services", "new", "one", "--from", str(tmp_path / name), "--output", "-"])
    assert done.exception is None or isinstance(done.exception, SystemExit | LgspError), done.exception


@pytest.mark.parametrize("cut", [3, 40, 200, 400])
def test_a_capture_that_was_cut_names_the_place(cut: int, tmp_path: Path) -> None:
    good = whole(tmp_path)
    path = tmp_path / "cut.lgsp.jsonl"
    path.write_bytes(good[:cut] + b"\x00rubbish\x00\n" + good[cut:])
    told = said(path, tmp_path / "state")
    assert not any("Traceback" in text for text in told.values())
    line = good[:cut].count(b"\n") + 1
    assert [what for what in ("verify", "redact", "to-har", "diff") if f"cut.lgsp.jsonl:{line}" not in told[what]] == []


SEEN = [
    Record(
        t=1_772_330_400_000_000_000 + number,
        tx=f"t{number}",
        request=Asked("POST", f"/a?b={number}", (("X", "1"), ("X", "2")), Body.of(b'{"a":[1,{"token":"abcdefgh"}]}')),
        reply=Answered(200, (("content-type", "application/json"),), Body.of(b'{"token":"abcdefgh","n":1.5}')),
        times={"total": 1_000_000, "bus": 1},
    )
    for number in range(3)
]
LOG = b"""10.0.0.1 - - [01/Mar/2026:09:00:00 +0700] "GET /x?a=1 HTTP/1.1" 200 12 "-" "curl"
{"msec":1772330400.000,"request_method":"GET","request_uri":"/m","status":"200","request_time":"0.1","body_bytes_sent":"5"}
{"time_iso8601":"2026-03-01T09:00:00+07:00","request":"GET /z HTTP/1.1","status":503}
"""


@cache
def good() -> dict[str, bytes]:
    """A file of each format."""
    stream, written, replayed = Kept(), io.BytesIO(), io.BytesIO()
    with Writer(stream, {"taps": ["gateway"]}) as writer:
        writer.write(*SEEN, Record(t=5, tap="bus.request", message=Message({"headers": {"a": 1}}, Body.of(b"\xff"))))
    har.save(SEEN, written, Report())
    goreplay.save(SEEN, replayed, Report())
    ours = stream.getvalue()
    files = {"a.lgsp.jsonl": ours, "a.har": written.getvalue(), "a.gor": replayed.getvalue(), "a.log": LOG}
    return files | {"z.lgsp.jsonl.gz": gzip.compress(ours), "z.har.gz": gzip.compress(files["a.har"])}


class Kept(io.BytesIO):
    def close(self) -> None:
        pass


NUMBERS = [
    b"1e999",
    b"-1",
    b"9" * 400,
    b"1" * 5_000,
    b"null",
    b"[]",
    b"{}",
    b"[[]]",
    b'"\\udfff"',
    b'"9999-12-31T23:59:59-23:59"',
]
PIECES = [b"", b"\x00", b"\n", b"\r\n\r\n", b'"', b"\xff\xfe", MONKEYS, *NUMBERS]
VALUE = re.compile(rb'(?<=[:\[,])(?:"(?:[^"\\]|\\.)*"|-?[0-9.]+|true|null)(?=[,\]}])')


@st.composite
def broken(draw: st.DrawFn) -> tuple[str, bytes]:
    """A good file with a value that is another, or with a part cut, changed, or twice; a few times."""
    name = draw(st.sampled_from(sorted(good())))
    data = good()[name]
    for _ in range(draw(st.integers(1, 3))):
        values = [] if name.endswith("gz") else list(VALUE.finditer(data))
        start, stop = sorted(draw(st.tuples(st.integers(0, len(data)), st.integers(0, len(data)))))
        if values and draw(st.booleans()):
            start, stop = draw(st.sampled_from(values)).span()
            data = data[:start] + draw(st.sampled_from(NUMBERS)) + data[stop:]
        elif draw(st.booleans()):
            data = data[:start] + draw(st.sampled_from(PIECES)) + data[min(stop, start + 20) :]
        else:
            data = (
                data[:stop]
                + data[start:stop][:500] * draw(st.integers(0, 1))
                + data[stop:][: draw(st.sampled_from([0, 10**6]))]
            )
    return name, data


@given(broken())
@settings(max_examples=40, derandomize=True)
def test_a_good_file_that_was_broken_somewhere_is_never_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, file: tuple[str, bytes]
) -> None:
    place = tmp_path_factory.mktemp("broken")
    path = place / file[0]
    path.write_bytes(file[1])
    told = said(path, place / "state")
    assert [what for what, text in told.items() if "Traceback" in text] == [], told
    assert all(text for text in told.values())
