"""Where the findings of comparisons go besides the terminal: one file for a pipeline, one page for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from lgsp.traffic.diff import report
from lgsp.traffic.diff.page import page
from lgsp.traffic.diff.report import Part

_FORMS: Mapping[str, Callable[..., str]] = {"junit": report.junit, "html": page}
_FILE = click.Path(path_type=Path, dir_okay=False)


def filed(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--junit` and `--html`."""
    command = click.option("--html", type=_FILE, help="Write the findings as a page.")(command)
    return click.option("--junit", type=_FILE, help="Write the findings as JUnit XML.")(command)


def wanted(asked: Mapping[str, Any]) -> bool:
    """Whether there is a file to write."""
    return any(asked[name] is not None for name in _FORMS)


def file_away(parts: Sequence[Part], asked: Mapping[str, Any]) -> None:
    """Write all the comparisons into each file that was asked for."""
    for name, form in _FORMS.items():
        if asked[name] is not None:
            asked[name].write_text(form(*parts), encoding="utf-8", errors="replace")
