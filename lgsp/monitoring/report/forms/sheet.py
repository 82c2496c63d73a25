"""For a spreadsheet: one CSV in the long form, a line for each cell, with numbers as programs write them."""

from __future__ import annotations

import csv
import io

from lgsp.monitoring.report.document import Document

HEADING = ("table", "row", "key", "column", "value")
TOTAL = "total"


def as_sheet(document: Document) -> str:
    """The report's facts and tables. `row` counts from 1, and is `total` in the row that adds up the others; `key` names it."""
    out = io.StringIO()
    table_of = csv.writer(out, lineterminator="\n")
    table_of.writerow(HEADING)
    for name, value in document.facts.items():
        if isinstance(value, dict):
            table_of.writerows(("report", 1, name, key, _plain(each)) for key, each in value.items())
        elif isinstance(value, list):
            table_of.writerows(("report", number, name, "text", each) for number, each in enumerate(value, 1))
        else:
            table_of.writerow(("report", 1, name, "value", _plain(value)))
    for table in document.tables:
        rows = [(str(number), row) for number, row in enumerate(table.rows, 1)]
        rows += [(TOTAL, table.total)] if table.total else []
        for number, row in rows:
            for column, cell in zip(table.columns, row, strict=True):
                table_of.writerow((table.name, number, row[0], column.key, _plain(cell)))
    return out.getvalue()


def _plain(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
