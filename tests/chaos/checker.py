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
ANSWERED = frozenset({"ok", "business_fault"})


@dataclass(frozen=True, slots=True)
class Call:
    """One request as its caller saw it. `nonce` is the caller's own id of it; times are the caller's monotonic clock.

    `status` 0: the connection broke. `transaction` empty: refused before it was a transaction, or broken.
    `echo` is the nonce that the answer speaks of, empty where it speaks of none.
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
    """A connector began a request."""

    transaction: str
    nonce: str
    method: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which nothing could answer: a process that the test froze, or (`*`) a caller that had no turn."""

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
        ("lost", _lost(answered, rows)),
        ("doubled", _doubled(seen, executed, rows)),
        ("phantom", _phantom(seen, rows)),
        ("false ok", _false_ok(seen, executed, rows)),
        ("hanging", _hanging(seen)),
        ("contradicted", _contradicted(answered, rows)),
        ("crossed", _crossed(seen)),
        ("uncounted", _uncounted(seen)),
        ("left behind", (f"{count} in {queue}" for queue, count in seen.queues.items() if count)),
        ("complaint", seen.complaints),
    ):
        verdict.add(name, found)
    verdict.notes = _notes(seen, executed)
    return verdict


def _lost(answered: Sequence[Call], rows: Mapping[str, Row]) -> Iterator[str]:
    """A caller was told of a transaction that the ledger of its gateway does not have."""
    for call in answered:
        row = rows.get(call.transaction)
        if row is None or row.gateway != call.gateway:
            yield f"{call.transaction} answered by {call.gateway} with {call.outcome}, in no ledger of it"


def _doubled(seen: Witnesses, executed: Mapping[str, list[Execution]], rows: Mapping[str, Row]) -> Iterator[str]:
    """One request entered twice, one transaction in two rows, or a request that may run once run twice."""
    by_caller = Counter((row.gateway, row.caller) for row in seen.rows if row.caller)
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
        if call.status and not call.transaction and (call.gateway, call.nonce) in seen.hashes
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


def _hanging(seen: Witnesses) -> Iterator[str]:
    """Not answered within the budget and a second of time in which anybody could answer; or open at rest."""
    for call in seen.calls:
        took = call.ended - call.began
        if took <= seen.budget + GRACE:
            continue
        paused = sum(
            max(0.0, min(call.ended, pause.ended) - max(call.began, pause.began))
            for pause in seen.pauses
            if pause.gateway in {"*", call.gateway}
        )
        if took - paused > seen.budget + GRACE:
            yield f"{call.nonce} at {call.gateway} took {took:.2f} s, {paused:.2f} s of it paused"
    yield from (f"{count} open at {gateway} at rest" for gateway, count in seen.still_open.items() if count)


def _contradicted(answered: Sequence[Call], rows: Mapping[str, Row]) -> Iterator[str]:
    """Caller and ledger tell two stories, or the status is none of the outcome's."""
    for call in answered:
        row = rows.get(call.transaction)
        if row is not None and (row.outcome, row.service, row.method) != (call.outcome, call.service, call.method):
            yield f"{call.transaction}: the caller has {call.outcome}, the ledger {row.outcome}"
        if call.status not in STATUSES.get(call.outcome, ()):
            yield f"{call.transaction}: {call.outcome} came with HTTP {call.status}"


def _crossed(seen: Witnesses) -> Iterator[str]:
    """An answer to somebody else's request."""
    for call in seen.calls:
        if call.outcome in ANSWERED and call.echo != call.nonce:
            yield f"{call.transaction}: asked for {call.nonce}, answered {call.echo or 'nothing'}"


def _uncounted(seen: Witnesses) -> Iterator[str]:
    """Rows, the ledgers' sums and the last scrape are not the same numbers."""
    rows = Counter((row.gateway, row.service, row.outcome) for row in seen.rows)
    for key in sorted(rows.keys() | seen.hours.keys() | seen.scraped.keys()):
        counts = rows[key], seen.hours.get(key, 0), seen.scraped.get(key, 0)
        if len(set(counts)) > 1:
            yield f"{' '.join(key)}: {counts[0]} rows, {counts[1]} in the hours, {counts[2]} scraped"


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
        "rows": len(seen.rows),
        "executions": len(seen.executions),
        "executed again (GET)": sum(len(runs) - 1 for runs in executed.values()),
        "ended by gateway_crash": sum(row.reason == "gateway_crash" for row in seen.rows),
        "maybe executed": sum(
            row.outcome not in ANSWERED and row.transaction in executed and row.reason != "" for row in seen.rows
        ),
    }


def table(seen: Witnesses, verdict: Verdict) -> str:
    """The five witnesses on one screen."""
    outcomes = list(STATUSES)
    columns = {
        "callers": Counter(call.outcome for call in seen.calls if call.transaction),
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
