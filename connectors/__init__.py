"""The services' stand-ins: one module a service, over one synthetic province."""

from __future__ import annotations

from pathlib import Path

from connectors.province import meanings, own, register


def prepare(config: Path) -> list[str]:
    """Take in the test persons of a configuration, and give every mistake in their files; with one, nobody is taken in."""
    people, problems = own.read_own(config, tuple(meanings.Meaning))
    register.fill([] if problems else people)
    meanings.refresh()
    return problems
