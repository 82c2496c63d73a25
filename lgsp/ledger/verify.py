"""Whether an account is what was written: chain, hours, checkpoints, their copies, and the file itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any
from zlib import crc32

from lgsp.errors import LedgerDamaged, SettingsError
from lgsp.ledger import events, schema
from lgsp.ledger.chain import GENESIS, Checkpoint, PublicKey, is_signed, parse, read_public
from lgsp.ledger.files import Files
from lgsp.ledger.hours import HOUR_US, hours_digest, unpack_sketch
from lgsp.ledger.journal import Head, head_of
from lgsp.ledger.links import follow
from lgsp.ledger.row import hashes_in, kind_digest
from lgsp.ledger.schema import CALLERS, ROWS

_MOST = 20
"""Problems of one sort that are named one by one."""


@dataclass
class Verdict:
    """What a verification found. `rows` were checked, after row `after`, which the last seal stands for."""

    ledger: str
    after: int = 0
    rows: int = 0
    checkpoints: int = 0
    copies: int = 0
    events: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Whether everything is as it was written."""
        return not self.problems


def verify(files: Files, *, against: Path | None = None, key: Path | None = None) -> Verdict:
    """Read everything, while the gateway runs or not. `against`: copies of checkpoints that were kept elsewhere.

    Never raises for what it finds in the ledger: that is a problem of the verdict. Raises `SettingsError` when what it
    checks with cannot be read.
    """
    made = Verdict(files.name)
    public = read_public(key or files.public_key)
    copies = list(_copies(against or files.checkpoints, made, required=against is not None))
    try:
        # In this order: whatever the journal attests is in the tables already.
        attested = head_of(files.journal)
        db = schema.connect(files.book, readonly=True)
    except (sqlite3.Error, LedgerDamaged) as error:
        made.problems.append(str(error))
        return made
    try:
        with ThreadPoolExecutor(2) as beside:  # SQLite works for itself: nothing of it waits for Python
            structure, hours = beside.submit(_structure, files.book), beside.submit(_recounted, files.book)
            db.execute("BEGIN")
            documents = _checkpoints(db, made)
            _check_signatures(documents, public, made)
            if _check_rows(db, documents, attested, made):
                made.problems += hours.result()
            _check_copies(db, copies, documents, public, made)
            _check_events(db, documents, copies, made)
            made.problems += structure.result()
    except Exception as error:  # noqa: BLE001 - the bytes of a file that was changed may be anything
        made.problems.append(f"{files.book} cannot be read to its end: {error}")
    finally:
        db.close()
    return made


def _structure(book: Path) -> list[str]:
    """What SQLite itself says of the file."""
    db = schema.connect(book, readonly=True)
    try:
        found = [line for (line,) in db.execute(f"PRAGMA integrity_check({_MOST})")]
        other = schema.strange(db)
        found = [line for line in found if line != "ok"] + [
            f"{name!r} is not as this version makes it" for name in other
        ]
    except schema.UNREADABLE as error:
        found = [str(error)]
    finally:
        db.close()
    return [f"the file is damaged: {line}" for line in found]


def _recounted(book: Path) -> list[str]:
    """What is wrong with the hours: at a moment of their own, in which rows, hours and checkpoints belong together."""
    db = schema.connect(book, readonly=True)
    try:
        db.execute("BEGIN")
        made = Verdict("")
        return list(_hours(db, schema.months(db), _checkpoints(db, made)))
    finally:
        db.close()


def _checkpoints(db: sqlite3.Connection, made: Verdict) -> list[Checkpoint]:
    documents = []
    for number, document in db.execute("SELECT number, document FROM checkpoint ORDER BY number"):
        try:
            documents.append(parse(document, f"checkpoint {number}"))
        except LedgerDamaged as error:
            made.problems.append(str(error))
    made.checkpoints = len(documents)
    return documents


def _check_signatures(documents: list[Checkpoint], public: PublicKey, made: Verdict) -> None:
    previous, number = GENESIS, 0
    for document in documents:
        number += 1
        if document.number != number:
            made.problems.append(f"checkpoint {number} is missing: {document.number} stands in its place")
            number = document.number
        elif document.previous != previous:
            made.problems.append(f"checkpoint {number} does not follow the one before it")
        if not is_signed(document, public):
            made.problems.append(f"checkpoint {number} is not signed with this ledger's key")
        previous = document.digest()


def _check_rows(db: sqlite3.Connection, documents: list[Checkpoint], attested: Head, made: Verdict) -> bool:
    """Whether every row is well, so that it is worth to look at what was counted from them."""
    months = schema.months(db)
    start = Head(documents[-1].ends, bytes.fromhex(documents[-1].end_root)) if documents else Head()
    kinds = db.execute("SELECT id, service, operation, consumer FROM kind")
    digests = {number: kind_digest((service, operation, consumer)) for number, service, operation, consumer in kinds}
    rows = chain.from_iterable(db.execute(f"SELECT * FROM {ROWS}{month} ORDER BY seq") for month in months)  # noqa: S608
    head, wrong = follow(rows, start, digests)
    made.after, made.rows = start.sequence, head.sequence - start.sequence
    if wrong:
        made.problems.append(wrong)
        return False
    made.problems += _missing(head, attested.sequence, "the journal")
    if head.sequence == attested.sequence and head.root != attested.root:
        made.problems.append(f"row {head.sequence} has another link than the journal attests")
    if documents and documents[-1].lost:
        made.problems.append(f"{documents[-1].lost} rows were lost before a start, and their numbers given anew")
    made.problems += _roots(db, months, documents, head, "checkpoint")
    made.problems += _sealed_hours(db, documents)
    made.problems += _totals(db, months, documents)
    made.problems += [problem for month in months for problem in _callers(db, month)]
    return True


def _check_events(db: sqlite3.Connection, documents: list[Checkpoint], copies: list[Checkpoint], made: Verdict) -> None:
    """What operators did, against itself and what checkpoints and their copies attest of it."""
    attested = [(f"checkpoint {each.number}", each.events, each.event_root) for each in documents]
    attested += [(f"the copy of checkpoint {each.number}", each.events, each.event_root) for each in copies]
    made.problems += list(events.follow(db, attested))[:_MOST]
    made.events = int(db.execute("SELECT count(*) FROM event").fetchone()[0])


def _missing(head: Head, attested: int, by: str) -> list[str]:
    gone = attested - head.sequence
    return (
        [f"truncated: {head.sequence} rows, {by} attests {attested}: {gone} are missing at the end"] if gone > 0 else []
    )


def _roots(
    db: sqlite3.Connection, months: list[str], documents: list[Checkpoint], head: Head, what: str
) -> Iterator[str]:
    """What checkpoints attest, against the rows that are there."""
    for document in documents:
        name = f"{what} {document.number}"
        if document.sequence > head.sequence:
            yield from _missing(head, document.sequence, name)
        elif (link := _link(db, months, document.sequence)) and link.hex() != document.root:
            yield f"row {document.sequence} has another link than {name} attests: the rows before it were written anew"
        if document.count != document.sequence:
            yield f"{name} counts {document.count} rows at row {document.sequence}"


def _link(db: sqlite3.Connection, months: list[str], sequence: int) -> bytes | None:
    for month in reversed(months):
        found = db.execute(f"SELECT hash FROM {ROWS}{month} WHERE seq = ?", (sequence,)).fetchone()  # noqa: S608
        if found:
            return bytes(found[0])
    return None


def _hours(db: sqlite3.Connection, months: list[str], documents: list[Checkpoint]) -> Iterator[str]:
    """Every hour that is not sealed, counted again from its rows."""
    seal = next((document for document in reversed(documents) if document.sealed), None)
    boundary, sealed_at = (seal.boundary, seal.sequence) if seal else (0, 0)
    floor = boundary * HOUR_US
    kinds = {
        number: (service, consumer)
        for number, service, consumer in db.execute("SELECT id, service, consumer FROM kind")
    }
    counted: dict[tuple[Any, ...], list[int]] = {}
    for month in months:
        for h, kind, outcome, *sums in db.execute(
            f"SELECT done / {HOUR_US} AS h, kind, outcome, count(*), sum(took_us), min(took_us), max(took_us), "  # noqa: S608
            "sum(request_bytes), sum(reply_bytes) FROM (SELECT CASE WHEN seq > ? THEN max(accepted_us + took_us, ?) "
            f"ELSE accepted_us + took_us END AS done, * FROM {ROWS}{month}) WHERE done >= ? GROUP BY h, kind, outcome",
            (sealed_at, floor, floor),
        ):
            key = (h, *kinds[kind], outcome)
            counted[key] = _together(counted[key], sums) if key in counted else sums
    for *key, n, sum_us, min_us, max_us, asked, answered, sketch in db.execute(
        "SELECT * FROM hour WHERE h >= ?", (boundary,)
    ):
        where = f"hour {key[0]} of {key[1]}, {key[2]}, {key[3]}"
        if counted.pop(tuple(key), None) != [n, sum_us, min_us, max_us, asked, answered]:
            yield f"{where} does not match its rows"
        try:
            if sum(unpack_sketch(sketch).values()) != n:
                yield f"{where}: its sketch is of another number of transactions"
        except ValueError as error:
            yield f"{where}: {error}"
    for key in list(counted)[:_MOST]:
        yield f"hour {key[0]} of {key[1]}, {key[2]}, {key[3]} is missing, its rows are there"


def _together(one: list[int], other: list[int]) -> list[int]:
    """Number, sum, minimum, maximum and bytes of two parts of an hour."""
    n, sum_us, _, _, asked, answered = (a + b for a, b in zip(one, other, strict=True))
    return [n, sum_us, min(one[2], other[2]), max(one[3], other[3]), asked, answered]


def _sealed_hours(db: sqlite3.Connection, documents: list[Checkpoint]) -> Iterator[str]:
    boundary, digest = 0, GENESIS
    for document in documents:
        if document.sealed:
            digest, start, boundary = hours_digest(db, digest, boundary, document.boundary), boundary, document.boundary
            if digest != document.hours:
                yield f"the hours from {start} to {boundary}, sealed by checkpoint {document.number}, were changed"
                return


def _totals(db: sqlite3.Connection, months: list[str], documents: list[Checkpoint]) -> Iterator[str]:
    """The last checkpoint's totals and the rows since, against all hours."""
    since = documents[-1].sequence if documents else 0
    totals = dict(documents[-1].totals) if documents else {}
    for month in months:
        later = db.execute(f"SELECT outcome, count(*) FROM {ROWS}{month} WHERE seq > ? GROUP BY outcome", (since,))  # noqa: S608
        for outcome, count in later:
            totals[outcome] = totals.get(outcome, 0) + count
    found = dict(db.execute("SELECT outcome, sum(n) FROM hour GROUP BY outcome"))
    if found != totals:
        yield f"the hours count {found}, checkpoint and rows {totals}"


def _callers(db: sqlite3.Connection, month: str) -> Iterator[str]:
    """The look-up by callers' ids, against the rows: the sums of a check of each entry, in any order.

    Rows with one caller's id, nearly all of them, are not looked at by Python one by one.
    """
    wanted = _checks(db, f"SELECT {_ENTRY.format('callers')} FROM {ROWS}{month} WHERE length(callers) = 8")  # noqa: S608 - our own names
    for callers, seq in db.execute(f"SELECT callers, seq FROM {ROWS}{month} WHERE length(callers) > 8"):  # noqa: S608
        wanted += sum(crc32(f"{seq}:".encode() + each) for each in hashes_in(callers))
    if wanted != _checks(db, f"SELECT {_ENTRY.format('caller')} FROM {CALLERS}{month}"):  # noqa: S608 - our own names
        yield f"the look-up by callers' ids of {month} does not match its rows"


_ENTRY = "CAST(seq || ':' || {} AS BLOB)"


def _checks(db: sqlite3.Connection, entries: str) -> int:
    return sum(map(crc32, chain.from_iterable(db.execute(entries))))


def _copies(path: Path, made: Verdict, *, required: bool) -> Iterator[Checkpoint]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        if required:
            raise SettingsError(f"the checkpoints {path} cannot be read: {error.strerror}") from error
        return
    for number, line in enumerate(lines, 1):
        try:
            yield parse(line, f"{path}:{number}")
        except LedgerDamaged as error:
            made.problems.append(str(error))


def _check_copies(
    db: sqlite3.Connection,
    copies: list[Checkpoint],
    documents: list[Checkpoint],
    public: PublicKey,
    made: Verdict,
) -> None:
    """Checkpoints that were kept elsewhere: signed, and what the ledger says of itself now."""
    made.copies = len(copies)
    inside = {document.number: document for document in documents}
    months = schema.months(db)
    for copy in copies:
        if not is_signed(copy, public):
            made.problems.append(f"the copy of checkpoint {copy.number} is not signed with this ledger's key")
        elif copy.number not in inside:
            made.problems.append(
                f"checkpoint {copy.number} of the copies, at row {copy.sequence}, is not in the ledger"
            )
        elif inside[copy.number] != copy:
            made.problems.append(f"checkpoint {copy.number} is another one than its copy")
    made.problems += _roots(db, months, copies, Head(made.after + made.rows), "the copy of checkpoint")
