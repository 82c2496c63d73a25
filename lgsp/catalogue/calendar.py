"""The calendar of the configuration: `calendar.yaml` names its time zone. Times are UTC inside."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lgsp.catalogue.reader import Reader
from lgsp.catalogue.source import Source, read
from lgsp.errors import CatalogueError

NAME = "calendar.yaml"


def read_zone(directory: Path) -> str:
    """The time zone's name; UTC without a file. Raises `CatalogueError`."""
    file = directory / NAME
    if not file.is_file():
        return "UTC"
    document = read(Source(NAME, file.read_bytes()))
    zone = "UTC"
    if document.root is not None:
        reader = Reader(document)
        for _, _, value in reader.entries(document.root, "", ("zone",)):
            zone = reader.text(value, "zone")
            try:
                ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                reader.note(value, "zone", f"{zone!r} is no time zone: write it as Continent/City")
    if document.problems:
        raise CatalogueError([str(problem) for problem in sorted(document.problems)])
    return zone
