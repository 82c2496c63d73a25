"""The services' stand-ins: one module a service, over one synthetic province."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from connectors.province import meanings, own, register
from connectors.province.dates import local
from connectors.province.told import Told, told


def prepare(config: Path) -> list[str]:
    """Take in the test persons of a configuration, and give every mistake in their files; with one, nobody is taken in."""
    people, problems = own.read_own(config, tuple(meanings.Meaning))
    register.fill([] if problems else people)
    meanings.refresh()
    return problems


def tell(first: date, last: date, now: float) -> list[Told]:
    """What the stand-ins have of some days at a moment (seconds since the epoch), as tables for a report; none of days without anything."""
    return told(first, last, local(now))
