"""For a terminal: paragraphs, and tables in columns. Charts are left out; the tables have their numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from lgsp.monitoring.report.document import Document, Table, in_words

_WIDTH = 110


def as_plain(document: Document) -> str:
    """The report as plain text."""
    lines = [document.title.upper(), ""]
    for paragraph in (*document.banner, *document.lead):
        lines += [*textwrap.wrap(paragraph, _WIDTH), ""]
    for section in document.sections:
        lines += [section.title, "=" * len(section.title), ""]
        for block in section.blocks:
            if isinstance(block, Table):
                lines += [*_table(block, document), ""]
            elif isinstance(block, str):
                lines += [f"  {block.strip('`')}"] if block.startswith("`") else _item(block)
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _item(text: str) -> list[str]:
    # Digests and names stay whole, so that they can be copied.
    return textwrap.wrap(
        text, _WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _table(table: Table, document: Document) -> list[str]:
    rows = [*table.rows, *([table.total] if table.total else [])]
    words = [[in_words(cell, c.sort, document) for cell, c in zip(row, table.columns, strict=True)] for row in rows]
    heads = [column.title for column in table.columns]
    widths = [max(map(len, column)) for column in zip(heads, *words, strict=True)]
    left = [column.sort == "text" for column in table.columns]
    rule = "  ".join("-" * width for width in widths)
    lines = [table.title, "", _line(heads, widths, left), rule]
    lines += [_line(row, widths, left) for row in words[: len(table.rows)]]
    lines += [rule, _line(words[-1], widths, left)] if table.total else []
    return [*lines, *textwrap.wrap(table.note, _WIDTH)]


def _line(cells: Sequence[str], widths: Sequence[int], left: Sequence[bool]) -> str:
    padded = (
        cell.ljust(width) if is_left else cell.rjust(width)
        for cell, width, is_left in zip(cells, widths, left, strict=True)
    )
    return "  ".join(padded).rstrip()
