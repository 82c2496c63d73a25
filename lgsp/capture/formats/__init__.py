"""Captures of other tools: one small module a format, with `load`, and `save` where it goes both ways.

To add one: a module with `load(stream, name, report) -> Iterator[Record]`, and a line in `FORMATS`.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from lgsp.capture.files import Reader, parts
from lgsp.capture.formats import accesslog, goreplay, har
from lgsp.capture.formats.report import Report
from lgsp.capture.record import CaptureError, Record

Load = Callable[[BinaryIO, str, Report], Iterator[Record]]
Save = Callable[[Iterable[Record], BinaryIO, Report], None]


@dataclass(frozen=True, slots=True)
class Format:
    """How files of other tools are read and, where `save` is there, written; our own has neither. `suffixes` tell them by name."""

    name: str
    suffixes: tuple[str, ...]
    load: Load | None = None
    save: Save | None = field(default=None)


def _native(file: Path, report: Report) -> Iterator[Record]:
    def skip(error: CaptureError) -> None:
        report.read += 1
        report.skip(f"{file.name}:{error.line}", error.problem)

    with closing(Reader.open(file, skip)) as reader:  # whoever reads no further leaves nothing open
        report.header.update({key: value for key, value in reader.header.items() if key != "lgsp_capture"})
        for record in reader:
            report.read += 1
            yield record
    if reader.torn:
        report.read += 1
        report.skip(f"{file.name}: the end", "the last record is only begun: its writer was killed")


NATIVE = "lgsp"
FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        Format(NATIVE, (".lgsp.jsonl",)),
        Format("har", (".har",), har.load, har.save),
        Format("goreplay", (".gor",), goreplay.load, goreplay.save),
        Format("access-log", (".log",), accesslog.load),
    )
}


def format_of(path: Path, named: str = "") -> Format:
    """The format called `named`, or the one that the file's name says. Raises `CaptureError`."""
    if named:
        return FORMATS[named]
    name = path.name.removesuffix(".gz")
    for each in FORMATS.values():
        if name.endswith(each.suffixes) or (path.is_dir() and each.name == NATIVE):
            return each
    known = ", ".join(f"{each.suffixes[0]} ({each.name})" for each in FORMATS.values())
    raise CaptureError(str(path), 0, f"its name says no format: name it, or end it with one of {known}")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file's bytes, out of gzip where it is gzip. Raises `CaptureError`."""
    try:
        stream = path.open("rb")
    except OSError as error:
        raise CaptureError(str(path), 0, f"cannot be read: {error.strerror or error}") from error
    with stream:
        zipped = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        if not zipped:
            yield stream
            return
        with gzip.GzipFile(fileobj=stream) as unzipped, io.BufferedReader(unzipped) as buffered:
            yield buffered


def load(path: Path, report: Report, named: str = "") -> Iterator[Record]:
    """The records of a file of any format; those of other tools are numbered as they come, from 1. Raises `CaptureError` with the place of what makes it unreadable."""
    chosen = format_of(path, named)
    if chosen.load is None:
        for file in parts(path):
            yield from _native(file, report)
        return
    try:
        with _opened(path) as stream:
            for number, record in enumerate(chosen.load(stream, str(path), report), 1):
                yield replace(record, seq=number)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CaptureError(str(path), 0, f"damaged gzip: {error}") from error


__all__ = ["FORMATS", "NATIVE", "Format", "Report", "format_of", "load"]
