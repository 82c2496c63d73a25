"""What was measured, for people and for programs: the Markdown of docs/performance.md, and `latest.json`."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from bench.figures import Drawn, Page, Ratio, Row, Started, figures

BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
"""What stands between these lines of a page is the last run's."""


@dataclass(frozen=True, slots=True)
class Run:
    """When and where, and how long a round was."""

    date: str
    machine: str
    versions: str
    rounds: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Heading:
    """A group's title, and what its candidates have alike."""

    title: str
    note: str


def markdown(
    run: Run,
    headings: Mapping[str, Heading],
    rows: Sequence[Row],
    ratios: Mapping[str, Ratio],
    started: Sequence[Started],
    pages: Sequence[Page],
    drawn: Drawn | None = None,
) -> str:
    """The whole report."""
    others = [one.others for row in rows for one in row.rounds]
    spreads = [figures(row.rounds).spread for row in rows if row.rounds]
    parts = [
        f"{run.date}, {run.machine}; {run.versions}. {run.rounds} interleaved rounds of {run.seconds:g} s, medians.",
        noise(others, spreads),
        _table(
            ["ratio, round by round", "median", "lowest to highest"],
            [[f"`{name}`", _number(r.value), f"{_number(r.low)} to {_number(r.high)}"] for name, r in ratios.items()],
        ),
    ]
    for name, heading in headings.items():
        mine = [row for row in rows if row.key.group == name]
        parts += [f"**{heading.title}.** {heading.note[:1].upper()}{heading.note[1:]}.", _rows(mine)]
    if started:
        parts += [
            "**Start-up of lgsp's processes** with the shipped services, until `/readyz` says ok.",
            _started(started),
        ]
    if pages:
        parts += ["**`/metrics`**, as it is after the rounds.", _pages(pages)]
    if drawn is not None:
        parts.append(in_browser(drawn))
    return "\n\n".join(parts) + "\n"


def in_browser(drawn: Drawn) -> str:
    """The console in Chromium, in one sentence."""
    if drawn.broken:
        return f"**The console** in a browser: none: {drawn.broken}"
    return (
        f"**The console** in Chromium, shipped services at 60 calls a second: first paint after {drawn.paint_ms:.0f} ms (median of "
        f"5 openings); scripting of an update of {drawn.rows} services {drawn.update_ms:.1f} ms (median of {drawn.updates}, slowest "
        f"{drawn.slowest_ms:.1f} ms)."
    )


def placed(page: str, table: str) -> str:
    """`page` with `table` between its marks, instead of what was there. Raises `ValueError` when it has no such place."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"there is no line {BEGIN} with a line {END} below it")
    return f"{before}{BEGIN}\n\n{table.strip()}\n\n{END}{after}"


def noise(others: Sequence[float], spreads: Sequence[float]) -> str:
    """How much the machine did beside the bench, in one sentence."""
    if not others or not spreads:
        return "Noise: nothing was measured."
    return (
        f"Noise: other processes used {statistics.median(others):.2f} cores (at most {max(others):.2f}); "
        f"a row's rounds differ by {statistics.median(spreads):.0%} of their median (at most {max(spreads):.0%})."
    )


def document(
    run: Run,
    rows: Sequence[Row],
    ratios: Mapping[str, Ratio],
    started: Sequence[Started],
    pages: Sequence[Page],
    drawn: Drawn | None = None,
) -> dict[str, object]:
    """The same for programs."""
    return {
        "date": run.date,
        "machine": run.machine,
        "versions": run.versions,
        "rounds": run.rounds,
        "seconds": run.seconds,
        "ratios": {name: round(one.value, 4) for name, one in ratios.items()},
        "ends": {name: [round(one.low, 4), round(one.high, 4)] for name, one in ratios.items()},
        "rows": [_row_document(row) for row in rows],
        "started": [_started_document(one) for one in started],
        "metrics": [
            {"name": one.name, "ms": one.ms, "kilobytes": one.kilobytes, "series": one.series} for one in pages
        ],
        "console": None if drawn is None else asdict(drawn),
    }


def _row_document(row: Row) -> dict[str, object]:
    found: dict[str, object] = {"group": row.key.group, "candidate": row.key.candidate, "case": row.key.case}
    if not row.rounds:
        return found | {"broken": row.broken}
    median = figures(row.rounds)
    return found | {
        "per_second": median.per_second,
        "p50_ms": median.p50_ms,
        "p99_ms": median.p99_ms,
        "cpu_us": dict(median.cpu),
        "others_cores": median.others,
        "spread": median.spread,
        "peak_mib": dict(row.memory),
    }


def _started_document(one: Started) -> dict[str, object]:
    if not one.seconds:
        return {"name": one.name, "broken": one.broken}
    return {"name": one.name, "seconds": statistics.median(one.seconds), "mib": one.mib}


def _rows(rows: Iterable[Row]) -> str:
    cells = []
    for row in rows:
        first = [row.key.candidate, row.key.case]
        if not row.rounds:
            cells.append([*first, f"none: {row.broken}", "", "", "", "", "", row.differs])
            continue
        median = figures(row.rounds)
        cells.append(
            [
                *first,
                f"{median.per_second:,.0f}",
                _number(median.p50_ms),
                _number(median.p99_ms),
                _parties(median.cpu),
                _parties(row.memory),
                f"{median.spread:.0%}",
                row.differs,
            ]
        )
    return _table(
        ["", "at once", "a second", "p50 ms", "p99 ms", "CPU µs each", "peak MiB", "spread", "differs"], cells
    )


def _started(started: Iterable[Started]) -> str:
    cells = [
        [f"`{one.name}`", f"{statistics.median(one.seconds):.2f}", f"{max(one.seconds):.2f}", f"{one.mib:.0f}"]
        if one.seconds
        else [f"`{one.name}`", f"none: {one.broken}", "", ""]
        for one in started
    ]
    return _table(["", "seconds", "slowest", "MiB then"], cells)


def _pages(pages: Iterable[Page]) -> str:
    cells = [[one.name, f"{one.ms:.1f}", f"{one.kilobytes:,.0f}", f"{one.series:,}"] for one in pages]
    return _table(["", "ms", "kB", "series"], cells)


def _parties(values: Mapping[str, float]) -> str:
    return ", ".join(f"{party} {value:.0f}" for party, value in values.items())


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = {0, len(head) - 1} if head[-1] == "differs" else {0}
    line = "|".join(" --- " if n in text else " ---: " for n in range(len(head)))
    lines = ["| " + " | ".join(head) + " |", f"|{line}|"]
    lines += ["| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines)
