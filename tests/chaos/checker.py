"""Five witnesses, one account: what the callers saw, the ledgers, the executions, the queues, the last scrape.

Pure: what it is given decides, and every disagreement has a name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

GRACE = 1.0
"""Seconds after its budget within which every request is answered."""
STATUSES: Mapping[str, frozenset[int]] = {
    "ok": frozenset({200}),
    "business_fault": frozenset({404}),
    "rejected": frozenset({400, 401, 403, 409, 429}),
    "provider_error": frozenset({502}),
    "timeout": frozenset({504}),
    "unreachable": frozenset({503}),
    "bus_error": frozenset({502, 503, 504}),
}
"""Which HTTP statuses the callers may see for an outcome."""
OPEN = "open"
"""What a caller is told, with status 202, of what is stored and has no outcome yet."""
ANSWERED = frozenset({"ok", "business_fault"})
_TURNED_AWAY = frozenset({"shutting_down", "overloaded"})
"""Reasons of rows that were refused at the door: asked again under the same key, a request may have such a row besides."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request as its caller saw it. `nonce` is the caller's own id of it; times are the caller's monotonic clock.

    `status` 0: the connection broke. `transaction` empty: refused before it was a transaction, or broken.
    `echo` is the nonce that the answer speaks of, empty where it speaks of none. `asked`: so often, under one
    `Idempotency-Key`, because the connection broke before; times and answer are the last one's.
    """

    nonce: str
    gateway: str
    service: str
    method: str
    began: float
    ended: float
    status: int = 0
    outcome: str = ""
    transaction: str = ""
    echo: str = ""
    asked: int = 1


@dataclass(frozen=True, slots=True)
class End:
    """What the sender of a transaction that was answered 202 was told in the end; no outcome: nothing, with a `status`."""

    outcome: str
    status: int
    echo: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One stored transaction as an outbox has it."""

    transaction: str
    gateway: str
    state: str
    outcome: str
    has_body: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One transaction as a ledger has it; `caller` is the keyed hash of the caller's own id."""

    transaction: str
    gateway: str
    service: str
    method: str
    outcome: str
    reason: str
    caller: bytes


@dataclass(frozen=True, slots=True)
class Execution:
    """A connector began a request; of one that was stored: it had its effect."""

    transaction: str
    nonce: str
    method: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which nothing could answer: a gateway that the test froze or that had no core, or (`*`) a caller that had no turn."""

    gateway: str
    began: float
    ended: float


@dataclass
class Witnesses:
    """What each of them says."""

    budget: float
    calls: Sequence[Call] = ()
    rows: Sequence[Row] = ()
    executions: Sequence[Execution] = ()
    queues: Mapping[str, int] = field(default_factory=dict)
    """Messages left on the broker, by queue."""
    scraped: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """Ended, by gateway, service and outcome, as the last scrape has it."""
    still_open: Mapping[str, int] = field(default_factory=dict)
    """Without an outcome at the last scrape, by gateway."""
    hours: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """The ledgers' own sums, by gateway, service and outcome."""
    hashes: Mapping[tuple[str, str], bytes] = field(default_factory=dict)
    """Gateway and nonce to the hash under which that gateway's ledger would know it."""
    ends: Mapping[str, End] = field(default_factory=dict)
    """What callers were told in the end of transactions that were answered 202."""
    requeued: Mapping[str, str] = field(default_factory=dict)
    """What was parked, and the transaction as which it was sent once more."""
    outbox: Sequence[Line] = ()
    """Every line of the outboxes at rest."""
    pauses: Sequence[Pause] = ()
    complaints: Sequence[str] = ()
    """What was seen on the way: an identity that did not hold, a counter that went back, a broken chain."""


@dataclass
class Verdict:
    """How often each promise was broken, with the first few cases in words."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    notes: dict[str, int] = field(default_factory=dict)
    """What is no mistake, and must not be hidden."""

    @property
    def is_green(self) -> bool:
        """Whether every promise was kept."""
        return not self.counts

    def add(self, what: str, found: Iterable[str]) -> None:
        """Note every case of one kind."""
        for case in found:
            self.counts[what] += 1
            if len(self.examples[what]) < 5:
                self.examples[what].append(case)


def judge(seen: Witnesses) -> Verdict:
    """Hold the witnesses against each other."""
    verdict = Verdict()
    rows = {row.transaction: row for row in seen.rows}
    answered = [call for call in seen.calls if call.transaction]
    executed: dict[str, list[Execution]] = defaultdict(list)
    for execution in seen.executions:
        executed[execution.transaction].append(execution)
    for name, found in (
        ("lost", _lost(seen, answered, rows)),
        ("doubled", _doubled(seen, executed, rows)),
        ("phantom", _phantom(seen, rows)),
        ("false ok", _false_ok(seen, executed, rows)),
        ("hanging", _hanging(seen)),
        ("contradicted", _contradicted(seen, answered, rows)),
        ("crossed", _crossed(seen)),
        ("uncounted", _uncounted(seen)),
        ("left behind", _left_behind(seen)),
        ("complaint", seen.complaints),
    ):
        verdict.add(name, found)
    verdict.notes = _notes(seen, executed)
    return verdict


def _lost(seen: Witnesses, answered: Sequence[Call], rows: Mapping[str, Row]) -> Iterator[str]:
    """A caller was told of a transaction that the ledger of its gateway does not have; or what was given up is not kept."""
    for call in answered:
        row = rows.get(call.transaction)
        if row is None or row.gateway != call.gateway:
            yield f"{call.transaction} answered by {call.gateway} with {call.outcome}, in no ledger of it"
    for transaction, row in rows.items():
        if row.reason == "refused" and transaction not in seen.requeued:
            yield f"{transaction} was given up at {row.gateway}, and was not there to be sent once more"
    for old, new in seen.requeued.items():
        if new not in rows:
            yield f"{old} was sent once more as {new}, which is in no ledger"


def _doubled(seen: Witnesses, executed: Mapping[str, list[Execution]], rows: Mapping[str, Row]) -> Iterator[str]:
    """One request entered twice, one transaction in two rows, or a request that may run once run twice."""
    again = set(seen.requeued.values())
    repeated = {seen.hashes.get((call.gateway, call.nonce)) for call in seen.calls if call.asked > 1}
    by_caller = Counter(
        (row.gateway, row.caller)
        for row in seen.rows
        if row.caller and row.transaction not in again and not (row.reason in _TURNED_AWAY and row.caller in repeated)
    )
    yield from (f"{count} rows of one request at {gateway}" for (gateway, _), count in by_caller.items() if count > 1)
    if len(rows) < len(seen.rows):
        yield from (f"{t} in {n} rows" for t, n in Counter(r.transaction for r in seen.rows).items() if n > 1)
    for transaction, runs in executed.items():
        if len(runs) > 1 and runs[0].method != "GET":
            yield f"{transaction} ({runs[0].method}) was executed {len(runs)} times"


def _phantom(seen: Witnesses, rows: Mapping[str, Row]) -> Iterator[str]:
    """A row that nobody asked for, or an execution without a row."""
    asked = {(gateway, hashed) for (gateway, _), hashed in seen.hashes.items()}
    refused = {
        (call.gateway, seen.hashes[call.gateway, call.nonce])
        for call in seen.calls
        if call.status and not call.transaction and call.asked == 1 and (call.gateway, call.nonce) in seen.hashes
    }
    for row in seen.rows:
        if (row.gateway, row.caller) not in asked:
            yield f"{row.transaction} at {row.gateway} is no request that was made"
        elif (row.gateway, row.caller) in refused:
            yield f"{row.transaction} at {row.gateway} was refused, and has a row"
    for execution in seen.executions:
        if execution.transaction not in rows:
            yield f"{execution.transaction} was executed, and is in no ledger"


def _false_ok(seen: Witnesses, executed: Mapping[str, list[Execution]], rows: Mapping[str, Row]) -> Iterator[str]:
    """Said to be answered by a connector that never had it."""
    for transaction, row in rows.items():
        if row.outcome in ANSWERED and transaction not in executed:
            yield f"{transaction} is {row.outcome} in the ledger of {row.gateway}, and was never executed"
    for call in seen.calls:
        if call.outcome in ANSWERED and call.transaction not in executed:
            yield f"{call.transaction} was told {call.outcome}, and was never executed"
    for transaction, end in seen.ends.items():
        if end.outcome in ANSWERED and transaction not in executed:
            yield f"{transaction} was told {end.outcome} in the end, and was never executed"


def _hanging(seen: Witnesses) -> Iterator[str]:
    """Not answered within the budget and a second of time in which anybody could answer; or open at rest."""
    for call in seen.calls:
        took = call.ended - call.began
        if took <= seen.budget + GRACE:
            continue
        paused = _paused(seen.pauses, call)
        if took - paused > seen.budget + GRACE:
            yield f"{call.nonce} at {call.gateway} took {took:.2f} s, {paused:.2f} s of it paused"
    for call in seen.calls:
        if call.outcome == OPEN:
            end = seen.ends.get(call.transaction, End("", 0))
            if not end.outcome:
                yield f"{call.transaction} at {call.gateway} was answered 202, and its sender was told of no end ({end.status})"
    yield from (f"{count} open at {gateway} at rest" for gateway, count in seen.still_open.items() if count)


def _paused(pauses: Iterable[Pause], call: Call) -> float:
    """Seconds of a call in which nothing could answer it; where two pauses overlap, once."""
    total, until = 0.0, call.began
    for pause in sorted(pauses, key=lambda pause: pause.began):
        if pause.gateway in {"*", call.gateway} and pause.ended > until and pause.began < call.ended:
            total += min(pause.ended, call.ended) - max(pause.began, until)
            until = pause.ended
    return total


def _contradicted(seen: Witnesses, answered: Sequence[Call], rows: Mapping[str, Row]) -> Iterator[str]:
    """Caller and ledger tell two stories, or the status is none of the outcome's."""
    for call in answered:
        row = rows.get(call.transaction)
        outcome, status = call.outcome, call.status
        if outcome == OPEN:
            if status != 202:
                yield f"{call.transaction}: open came with HTTP {status}"
            end = seen.ends.get(call.transaction)
            if end is None or not end.outcome:
                continue
            outcome, status = end.outcome, end.status
        if row is not None and (row.outcome, row.service, row.method) != (outcome, call.service, call.method):
            yield f"{call.transaction}: the caller has {outcome}, the ledger {row.outcome}"
        if status not in STATUSES.get(outcome, ()):
            yield f"{call.transaction}: {outcome} came with HTTP {status}"


def _crossed(seen: Witnesses) -> Iterator[str]:
    """An answer to somebody else's request."""
    for call in seen.calls:
        end = seen.ends.get(call.transaction)
        if call.outcome in ANSWERED and call.echo != call.nonce:
            yield f"{call.transaction}: asked for {call.nonce}, answered {call.echo or 'nothing'}"
        elif end is not None and end.outcome in ANSWERED and end.echo != call.nonce:
            yield f"{call.transaction}: asked for {call.nonce}, answered {end.echo or 'nothing'} in the end"


def _uncounted(seen: Witnesses) -> Iterator[str]:
    """Rows, the ledgers' sums and the last scrape are not the same numbers."""
    rows = Counter((row.gateway, row.service, row.outcome) for row in seen.rows)
    for key in sorted(rows.keys() | seen.hours.keys() | seen.scraped.keys()):
        counts = rows[key], seen.hours.get(key, 0), seen.scraped.get(key, 0)
        if len(set(counts)) > 1:
            yield f"{' '.join(key)}: {counts[0]} rows, {counts[1]} in the hours, {counts[2]} scraped"


def _left_behind(seen: Witnesses) -> Iterator[str]:
    """Messages in queues at rest; in an outbox what has no outcome, and bodies that nobody needs any more."""
    yield from (f"{count} in {queue}" for queue, count in seen.queues.items() if count)
    for line in seen.outbox:
        if not line.outcome:
            yield f"{line.transaction} at {line.gateway} stands in the outbox as {line.state}, without an outcome"
        elif line.has_body and line.state != "parked":
            yield f"{line.transaction} at {line.gateway} has ended, and its body is kept"
        elif line.state == "parked":
            yield f"{line.transaction} at {line.gateway} is parked still"


def _notes(seen: Witnesses, executed: Mapping[str, list[Execution]]) -> dict[str, int]:
    known = {(row.gateway, row.caller) for row in seen.rows}
    broken = [call for call in seen.calls if not call.status]
    entered = sum((call.gateway, seen.hashes.get((call.gateway, call.nonce), b"")) in known for call in broken)
    return {
        "calls": len(seen.calls),
        "answered with a transaction": sum(bool(call.transaction) for call in seen.calls),
        "refused before they were one": sum(bool(call.status and not call.transaction) for call in seen.calls),
        "connection broke": len(broken),
        "... and in the ledger": entered,
        "answered 202": sum(call.outcome == OPEN for call in seen.calls),
        "asked again under one key": sum(call.asked - 1 for call in seen.calls),
        "stored": len(seen.outbox) + len(seen.requeued),
        "parked, and sent once more": len(seen.requeued),
        "rows": len(seen.rows),
        "executions": len(seen.executions),
        "executed again (GET)": sum(len(runs) - 1 for runs in executed.values()),
        "ended by gateway_crash": sum(row.reason == "gateway_crash" for row in seen.rows),
        "maybe executed": sum(
            row.outcome not in ANSWERED and row.transaction in executed and row.reason != "" for row in seen.rows
        ),
    }


def _last_word(seen: Witnesses, call: Call) -> str:
    return seen.ends[call.transaction].outcome if call.transaction in seen.ends else call.outcome


def table(seen: Witnesses, verdict: Verdict) -> str:
    """The five witnesses on one screen."""
    outcomes = list(STATUSES)
    columns = {
        "callers": Counter(_last_word(seen, call) for call in seen.calls if call.transaction),
        "ledger": Counter(row.outcome for row in seen.rows),
        "scrape": Counter(),
        "hours": Counter(),
    }
    for (_, _, outcome), count in seen.scraped.items():
        columns["scrape"][outcome] += count
    for (_, _, outcome), count in seen.hours.items():
        columns["hours"][outcome] += count
    lines = [f"{'outcome':<18}" + "".join(f"{name:>10}" for name in columns)]
    lines += [f"{o:<18}" + "".join(f"{counts[o]:>10,}" for counts in columns.values()) for o in outcomes]
    lines.append(f"{'all':<18}" + "".join(f"{sum(counts.values()):>10,}" for counts in columns.values()))
    lines.append(f"connectors: {len(seen.executions):,} executions; broker: {sum(seen.queues.values())} messages left")
    lines += [f"  {name:<30}{count:>10,}" for name, count in verdict.notes.items()]
    names = ("lost", "doubled", "phantom", "false ok", "hanging", "contradicted", "crossed", "uncounted", "left behind")
    lines.append("  ".join(f"{name} {verdict.counts[name]}" for name in (*names, "complaint")))
    lines += [f"  {name}: {case}" for name, cases in verdict.examples.items() for case in cases]
    return "\n".join(lines)
