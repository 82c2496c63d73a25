"""Captures that are none, through every command that reads one: an exit code, a place, and never a traceback."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from click.testing import CliRunner

from lgsp.capture.files import Writer
from lgsp.capture.record import Answered, Asked, Body, Record
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


@pytest.mark.parametrize("cut", [3, 40, 200, 400])
def test_a_capture_that_was_cut_names_the_place(cut: int, tmp_path: Path) -> None:
    good = whole(tmp_path)
    path = tmp_path / "cut.lgsp.jsonl"
    path.write_bytes(good[:cut] + b"\x00rubbish\x00\n" + good[cut:])
    told = said(path, tmp_path / "state")
    assert not any("Traceback" in text for text in told.values())
    line = good[:cut].count(b"\n") + 1
    assert [what for what in ("verify", "redact", "to-har", "diff") if f"cut.lgsp.jsonl:{line}" not in told[what]] == []
