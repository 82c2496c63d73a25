"""For a wiki or a mail: Markdown with tables. Charts are left out; the tables have their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from lgsp.monitoring.report.document import Document, Table, in_words


def as_markdown(document: Document) -> str:
    """The report as Markdown."""
    lines = [f"# {document.title}", ""]
    for paragraph in document.banner:
        lines += [f"> **{paragraph}**", ""]
    for paragraph in document.lead:
        lines += [paragraph, ""]
    for section in document.sections:
        lines += [f"## {section.title}", ""]
        for block in section.blocks:
            if isinstance(block, Table):
                lines += [*_table(block, document), ""]
            elif isinstance(block, str):
                lines += [f"- {block}"]
        lines += [""]
    return "\n".join(lines).rstrip() + "\n"


def _table(table: Table, document: Document) -> list[str]:
    rows = [*table.rows, *([table.total] if table.total else [])]
    words = [[in_words(cell, c.sort, document) for cell, c in zip(row, table.columns, strict=True)] for row in rows]
    lines = [f"### {table.title}", "", _line([column.title for column in table.columns])]
    lines.append(_line([":---" if column.sort == "text" else "---:" for column in table.columns]))
    lines += [_line(row) for row in words[: len(table.rows)]]
    lines += [_line([f"**{cell}**" for cell in words[-1]])] if table.total else []
    return [*lines, "", table.note] if table.note else lines


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
