"""For programs: the facts, and each table under its name as a list of objects."""

from __future__ import annotations

import json
from collections.abc import Sequence

from lgsp.monitoring.report.document import Cell, Column, Document


def as_data(document: Document) -> str:
    """The report as JSON: ratios from 0 to 1, times in milliseconds, days and hours in ISO 8601 in its `zone`."""
    tables = {table.name: [_object(table.columns, row) for row in table.rows] for table in document.tables}
    totals = {table.name: _object(table.columns, table.total) for table in document.tables if table.total}
    return json.dumps({**document.facts, **tables, "totals": totals}, ensure_ascii=False, indent=2) + "\n"


def _object(columns: Sequence[Column], row: Sequence[Cell]) -> dict[str, Cell]:
    return {column.key: cell for column, cell in zip(columns, row, strict=True)}
