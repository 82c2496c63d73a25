"""The two front pages tell what there is: every command, every figure, every page."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import click
import pytest
from builders import shipped

from lgsp.cli import lgsp

REPOSITORY = Path(__file__).parents[1]
PAGES = ("README.md", "README.vi.md")


def commands() -> set[str]:
    """`up`, `services ls` ...: what the command line has."""
    return {
        f"{name} {below}".strip()
        for name, command in lgsp.commands.items()
        for below in (command.commands if isinstance(command, click.Group) else [""])
    }


def told(text: str) -> set[str]:
    """The commands of a page's table: `lgsp services ls\\|show` are two."""
    table = "\n".join(line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `lgsp "))
    found: set[str] = set()
    for name, below in re.findall(r"lgsp ([a-z]+)(?: ([a-z]+(?:\\\|[a-z]+)*))?", table):
        found |= {f"{name} {each}" for each in below.split("\\|")} if below else {name}
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_command_stands_in_the_table_and_no_other(page: str) -> None:
    assert told((REPOSITORY / page).read_text()) == commands()


def test_a_command_that_is_missing_is_seen() -> None:
    assert told("| `lgsp bus a\\|b` and `lgsp up [--x]` | what `lgsp init` is |\n") == {"bus a", "bus b", "up"}


@pytest.mark.parametrize("page", PAGES)
def test_operations_and_their_evidence_are_counted_right(page: str) -> None:
    counts = Counter(operation.evidence for service in shipped() for operation in service.operations.values())
    figures = [sum(counts.values()), len(shipped()), *(counts[word] for word in ("documented", "seen", "assumed"))]
    text = (REPOSITORY / page).read_text()
    section = re.split(r"(?m)^## ", text)[
        next(n for n, part in enumerate(re.split(r"(?m)^## ", text)) if str(figures[0]) in part)
    ]
    assert [int(number) for number in re.findall(r"\b\d+\b", section)] == figures


@pytest.mark.parametrize("page", PAGES)
def test_every_page_that_is_named_is_there(page: str) -> None:
    links = re.findall(r"\]\(([^):]+)\)", (REPOSITORY / page).read_text())
    assert len(links) > 5
    assert [link for link in links if not (REPOSITORY / link).exists()] == []
