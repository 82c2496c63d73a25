"""What a capture asks of the operations of a catalogue, held at once for a load that asks it again and again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lgsp.capture.formats import Report, load
from lgsp.capture.record import CaptureError, Record
from lgsp.catalogue.service import Catalogue
from lgsp.edge.routes import NoRoute, Routes
from lgsp.traffic.load.mix import LONGER, Call
from lgsp.traffic.replay.plan import Wish, plan

CALLS, BYTES = 100_000, 256 << 20
"""So many records, and so much of their bodies, are held at most."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Calls in the order of their times, and when each was made (seconds from the first); why others of the capture are not here."""

    calls: tuple[Call, ...]
    moments: tuple[float, ...]
    left_out: Counter[str]


def recorded_of(capture: Path, catalogue: Catalogue, only: Collection[str] = ()) -> Recorded:
    """The calls of a capture to `only` these services, or to all; the credentials of who was recorded are not among them.

    Raises `CaptureError` where it cannot be read, or is more than is held at once.
    """
    report, routes = Report(), Routes(catalogue)
    planned, books = plan(_bounded(load(capture, report), capture), Wish())
    left_out = books.skipped + books.filtered + Counter({"could not be read": report.skipped})
    calls, moments = [], []
    for each in planned:
        route = routes.find(each.method, each.target.partition("?")[0])
        if isinstance(route, NoRoute):
            left_out["no operation of this configuration"] += 1
        elif only and route.service.id not in only:
            left_out["another service"] += 1
        else:
            timeout = route.service.timeout + LONGER
            name = route.operation.name
            calls.append(Call(route.service.id, name, each.method, each.target, each.headers, each.body, timeout))
            moments.append(each.due)
    return Recorded(tuple(calls), tuple(moments), +left_out)


def _bounded(records: Iterable[Record], capture: Path) -> Iterator[Record]:
    size = 0
    for number, record in enumerate(records, 1):
        size += record.request.body.size if record.request else 0
        if number > CALLS or size > BYTES:
            raise CaptureError(
                str(capture),
                number,
                f"a load holds {CALLS:,} records and {BYTES >> 20} MiB of bodies at most: cut it with lgsp capture convert "
                "--where, or ask it once with lgsp replay",
            )
        yield record
