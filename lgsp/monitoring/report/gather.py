"""Everything that a report is made of, read from a state directory: ledgers, their verification, the simulated past."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lgsp.errors import LgspError
from lgsp.ledger.chain import parse
from lgsp.ledger.files import Files, ledgers_in
from lgsp.ledger.past import FILE, About, Past
from lgsp.ledger.reader import Reader
from lgsp.ledger.verify import verify
from lgsp.monitoring.report.figures import Figures, Source, Span, Stream, figures, streams_of
from lgsp.monitoring.report.proof import Account


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was found: the numbers, and what speaks for and against them."""

    figures: Figures
    accounts: Sequence[Account]
    past: About | None
    problems: Sequence[str]
    unread: Sequence[tuple[str, str]]
    still_open: int


def gather(state: Path, span: Span, *, check: bool) -> Gathered:
    """Read what a state directory has of the period; with `check`, verify all of it, which takes its time.

    A file that cannot be read speaks against the figures, and the others are read.
    """
    found = _Found(span)
    for files in ledgers_in(state):
        try:
            found.take_ledger(files)
        except LgspError as error:
            found.unread.append((files.name, str(error)))
            continue
        # After its figures were read, so that what was changed before is found.
        if check:
            found.problems += [f"{files.name}: {problem}" for problem in verify(files).problems]
    about = None
    if (state / FILE).is_file():
        try:
            with Past(state / FILE) as past:
                about = past.about
                found.take_past(past)
                if check and not past.is_whole():
                    found.problems.append(
                        f"{past.file.name} is not as it was written: make it again with `lgsp history`"
                    )
        except LgspError as error:
            found.unread.append((FILE, str(error)))
    made = figures(
        span,
        found.sources,
        before=found.before if found.reaches_back else None,
        streams=found.streams,
        left_out=found.left_out,
    )
    return Gathered(made, found.accounts, about, found.problems, found.unread, found.still_open)


@dataclass
class _Found:
    """What was read so far."""

    span: Span
    sources: list[Source] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    seam: float = math.inf
    """The first hour that any ledger has."""
    before: int = 0
    reaches_back: bool = False
    left_out: int = 0
    still_open: int = 0

    def take_ledger(self, files: Files) -> None:
        reader, earlier = Reader(files), self.span.before().hours
        starts = reader.begins()
        source = Source(files.name, synthetic=False, tally=reader.tally(*self.span.hours))
        self.before += reader.tally(*earlier).total
        self.still_open += reader.count_open()
        self.accounts.append(account_of(reader.checkpoint(), files.name, reader.count()))
        self.sources.append(source)
        if starts is not None:
            self.seam = min(self.seam, starts)
            self.reaches_back = self.reaches_back or starts <= earlier[0]

    def take_past(self, past: Past) -> None:
        """Only what lies before every ledger: an hour is told of once."""
        begin, end = self.span.hours
        earlier = self.span.before()
        until = int(max(begin, min(end, self.seam)))
        self.sources.append(Source(past.about.scenario, synthetic=True, tally=past.tally(begin, until)))
        self.left_out = past.count(until, end)
        self.before += past.count(earlier.hours[0], int(min(earlier.hours[1], self.seam)))
        self.reaches_back = self.reaches_back or past.about.first <= earlier.first.isoformat()
        self.streams += streams_of(past.streams(), self.span, past.about.captions)


def account_of(document: str, name: str, rows: int) -> Account:
    """A ledger's standing; `document` is its last checkpoint, empty where it has none."""
    if not document:
        return Account(name, rows)
    checkpoint = parse(document, f"the last checkpoint of {name}")
    return Account(name, rows, checkpoint.number, checkpoint.sequence, checkpoint.root)
