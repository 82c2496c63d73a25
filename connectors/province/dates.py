"""Dates as the services write them: each in its own way, never normalised."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

_EAST = timedelta(hours=7)


def dmy(day: date) -> str:
    """dd/MM/yyyy: business registration, judicial record."""
    return f"{day:%d/%m/%Y}"


def ymd(day: date) -> str:
    """The form yyyyMMdd: population, social insurance."""
    return f"{day:%Y%m%d}"


def stamp(moment: datetime) -> str:
    """The form yyyyMMddHHmmss, local time: National Portal."""
    return f"{moment:%Y%m%d%H%M%S}"


def parse_dmy(text: str) -> date | None:
    """The day of dd/MM/yyyy with two-digit day and month; `None` for anything else."""
    if len(text) != 10:
        return None
    try:
        return datetime.strptime(text, "%d/%m/%Y").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None


def parse_ymd(text: str) -> date | None:
    """The day of yyyyMMdd; `None` for anything else."""
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None


def local(at: float) -> datetime:
    """A moment (seconds since the epoch) as the province's clocks show it; they are never changed."""
    return (datetime.fromtimestamp(at, UTC) + _EAST).replace(tzinfo=None)
