"""What a report is made of, before it has a form: texts, tables with typed cells, charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Language = Literal["vi", "en"]
Cell = str | int | float | bool | None
Sort = Literal["text", "count", "percent", "milliseconds", "bytes", "hour", "day", "yes"]
"""How a cell reads: `percent` is a ratio from 0 to 1, `hour` and `day` are ISO 8601 in the report's zone."""


@dataclass(frozen=True, slots=True)
class Column:
    """`key` names it for programs, `title` for people."""

    key: str
    title: str
    sort: Sort = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; `total`, where there is one, is a row more, and `note` a sentence below."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """One bar for each label."""

    title: str
    labels: Sequence[str]
    values: Sequence[int]
    tone: Literal["whole", "failed"] = "whole"


Block = str | Table | Chart


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, and what stands below it. `name` is for programs."""

    name: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Document:
    """A report. `lead` are its first paragraphs; `facts` the same numbers for programs; `banner` is what nobody may overlook."""

    language: Language
    title: str
    banner: Sequence[str]
    lead: Sequence[str]
    facts: Mapping[str, object]
    sections: Sequence[Section]
    words: Mapping[str, str] = field(default_factory=dict)
    """Words a form needs of its own: `yes`, `no`, `total`."""

    @property
    def tables(self) -> list[Table]:
        """All tables, in order."""
        return [block for section in self.sections for block in section.blocks if isinstance(block, Table)]


def in_words(cell: Cell, sort: Sort, document: Document) -> str:
    """A cell as its reader writes it: `225.500.000` and `99,0%` in one language, `225,500,000` and `99.0%` in the other."""
    language = document.language
    match sort, cell:
        case _, None:
            return "–"
        case "yes", _:
            return document.words["yes" if cell else "no"]
        case "count", int(n):
            return number(n, language)
        case "percent", (int() | float()) as ratio:
            return percent(ratio, language, digits=2)
        case "milliseconds", (int() | float()) as ms:
            return decimal(ms, language, digits=0 if ms >= 10 else 1)
        case "bytes", int(n):
            return _size(n, language)
        case "hour", str(at):
            return in_hour(at, language)
        case "day", str(at):
            return in_day(at, language)
        case _:
            return str(cell)


def number(n: int, language: Language) -> str:
    """A whole number with its thousands set apart."""
    return _local(f"{n:,}", language)


def decimal(value: float, language: Language, digits: int) -> str:
    """A number with so many decimals."""
    return _local(f"{value:,.{digits}f}", language)


def percent(ratio: float, language: Language, digits: int = 1) -> str:
    """A ratio from 0 to 1 as a percentage."""
    return _local(f"{ratio:.{digits}%}", language)


def _local(text: str, language: Language) -> str:
    return text.translate(str.maketrans(",.", ".,")) if language == "vi" else text


def _size(n: int, language: Language) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n >= size:
            return f"{decimal(n / size, language, 1)} {unit}"
    return f"{n} B"


def in_day(iso: str, language: Language) -> str:
    """A day as its reader writes it."""
    return iso if language == "en" else "/".join(reversed(iso.split("-")))


def in_hour(iso: str, language: Language) -> str:
    """An hour as its reader writes it."""
    return iso.replace("T", " ") if language == "en" else f"{iso[11:16]} {in_day(iso[:10], language)}"
