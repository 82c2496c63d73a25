"""The forms of a report: for a terminal, for a wiki, for print, for a spreadsheet, for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lgsp.monitoring.report.document import Document
from lgsp.monitoring.report.forms.data import as_data
from lgsp.monitoring.report.forms.markdown import as_markdown
from lgsp.monitoring.report.forms.page import as_page
from lgsp.monitoring.report.forms.plain import as_plain
from lgsp.monitoring.report.forms.sheet import as_sheet

FORMS: Mapping[str, Callable[[Document], str]] = {
    "text": as_plain,
    "md": as_markdown,
    "html": as_page,
    "csv": as_sheet,
    "json": as_data,
}
"""By the name that the command line gives them."""
