"""`lgsp capture`: recorded transactions in files."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict
from heapq import merge
from itertools import chain
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from lgsp.app.recording import CAPTURES, masking_of
from lgsp.capture.files import PLAIN, Reader, Writer, parts, read
from lgsp.capture.formats import FORMATS, NATIVE, Report, format_of, load
from lgsp.capture.formats.moment import iso
from lgsp.capture.record import CaptureError, Record
from lgsp.capture.retention import stored_in
from lgsp.capture.sorting import SORTED, by_time
from lgsp.capture.verify import verify
from lgsp.capture.where import where
from lgsp.cli.deleting import as_data, prune, rm
from lgsp.cli.options import as_json, places, print_json
from lgsp.errors import SettingsError
from lgsp.taps.recent import percentile
from lgsp.traffic.diff.report import printable
from lgsp.traffic.diff.view import changed
from lgsp.traffic.replay.bind import Binding
from lgsp.traffic.replay.correlate import correlated
from lgsp.traffic.replay.script import written

_path = click.Path(path_type=Path)
_SHOWN = 20
_INCONCLUSIVE = 4


@click.group()
def capture() -> None:
    """Captures: list, look at, check, convert, delete."""


capture.add_command(prune)
capture.add_command(rm)


@capture.command("ls")
@as_json
@places
def list_captures(config: Path, state: Path, *, json_wanted: bool) -> None:  # noqa: ARG001 - stands on every command
    """List the captures in the state directory."""
    found = stored_in(state / CAPTURES)
    if json_wanted:
        print_json([as_data(each) for each in found])
        return
    table = Table("capture", "files", "bytes", "last written", box=None, pad_edge=False)
    for each in found:
        last = "now" if each.held else iso(int(each.last) * 1_000_000_000)
        table.add_row(printable(str(each.path)), str(len(each.files)), f"{each.bytes:,}", last)
    Console(soft_wrap=True).print(table)


@capture.command()
@click.argument("path", type=_path)
@click.option("--stats", is_flag=True, help="Count by operation, with outcomes and percentiles.")
@click.option("--correlate", is_flag=True, help="Print which values of replies later requests have, for `lgsp replay --bind`.")  # fmt: skip
@as_json
@places
def info(path: Path, config: Path, state: Path, *, stats: bool, correlate: bool, json_wanted: bool) -> None:  # noqa: ARG001 - as above
    """What is in a capture: header, records, span, services."""
    if correlate:
        _tell_bindings(correlated(load(path, Report())), json_wanted=json_wanted)
        return
    with closing(Reader.open(parts(path)[0])) as first:
        header = dict(first.header)
    told = {"path": str(path), "header": header} | _summed(read(path), stats=stats)
    if json_wanted:
        print_json(told)
        return
    click.echo(f"{path}: {told['records']} records, {told['transactions']} transactions")
    click.echo(f"from {told['first'] or '-'} to {told['last'] or '-'}; taps {told['taps']}")
    rows: Any = told.get("operations", [])
    if rows:
        table = Table("service", "operation", "records", "outcomes", "p50 ms", "p99 ms", box=None, pad_edge=False)
        for row in rows:
            outcomes = " ".join(f"{name or '-'}:{count}" for name, count in row["outcomes"].items())
            milliseconds = ["-" if row[p] is None else f"{row[p]:.1f}" for p in ("p50_ms", "p99_ms")]
            table.add_row(
                printable(row["service"]), printable(row["operation"]), str(row["records"]), outcomes, *milliseconds
            )
        Console(soft_wrap=True).print(table)


def _tell_bindings(found: Iterable[Binding], *, json_wanted: bool) -> None:
    if not json_wanted:
        click.echo(written(found).encode("utf-8", "replace").decode(), nl=False)
        return
    told = ((each.name, each.source.text, str(each.take), [str(put.place) for put in each.puts]) for each in found)
    print_json({name: {"from": source, "take": take, "put": puts} for name, source, take, puts in told})


def _summed(records: Iterable[Record], *, stats: bool) -> dict[str, Any]:
    taps: Counter[str] = Counter()
    seen: set[str] = set()
    first = last = None
    outcomes: dict[tuple[str, str], Counter[str]] = {}
    took: dict[tuple[str, str], list[float]] = {}
    for record in records:
        taps[record.tap] += 1
        seen.add(record.tx)
        first = record.t if first is None else min(first, record.t)
        last = record.t if last is None else max(last, record.t)
        if stats and record.request is not None:
            name = record.service, record.operation or f"{record.request.method} {record.request.url.split('?')[0]}"
            outcomes.setdefault(name, Counter())[record.outcome] += 1
            if "total" in record.times:
                took.setdefault(name, []).append(record.times["total"] / 1e6)
    told: dict[str, Any] = {
        "records": sum(taps.values()),
        "transactions": len(seen - {""}),
        "taps": dict(taps),
        "first": None if first is None else iso(first),
        "last": None if last is None else iso(last),
    }
    if stats:
        told["operations"] = [
            {
                "service": name[0],
                "operation": name[1],
                "records": sum(counted.values()),
                "outcomes": dict(counted),
                "p50_ms": percentile(sorted(took.get(name, [])), 50),
                "p99_ms": percentile(sorted(took.get(name, [])), 99),
            }
            for name, counted in sorted(outcomes.items())
        ]
    return told


@capture.command("verify")
@click.argument("path", type=_path)
@as_json
@places
def check(path: Path, config: Path, state: Path, *, json_wanted: bool) -> None:  # noqa: ARG001 - as above
    """Check that a capture is as it was written; exit 1 and name what is not.

    A missing trailer is a writer that was killed: it is said, and is no finding.
    """
    found = verify(path)
    if json_wanted:
        print_json(asdict(found) | {"well": found.is_well})
    else:
        for problem in found.problems:
            click.echo(problem)
        click.echo(
            f"{path}: {'as it was written' if found.is_well else f'{len(found.problems)} findings'}; "
            f"{found.records} records, {found.dropped} dropped, complete {found.complete}/{found.transactions}, "
            f"truncated_tail: {found.truncated_tail}, files without trailer: {found.unfinished}"
        )
    raise click.exceptions.Exit(0 if found.is_well else 1)


@capture.command()
@click.argument("inputs", type=_path, nargs=-1, required=True, metavar="IN...")
@click.argument("output", type=_path, metavar="OUT")
@click.option("--from", "source", type=click.Choice(list(FORMATS)), default=None, help="Format of IN [by its name].")
@click.option("--to", "target", type=click.Choice([n for n, f in FORMATS.items() if f.save or n == NATIVE]), default=None, help="Format of OUT [by its name].")  # fmt: skip
@click.option("--where", "condition", default="", metavar="EXPR", help="Only these: 'service=population and status>=500'.")  # fmt: skip
@click.option("--split", type=click.Choice(["service", "tap", "consumer"]), help="OUT is a directory: a file for each value.")  # fmt: skip
@click.option("--sort", "in_order", is_flag=True, help="Write them in the order of their times, and say so in the file.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Exit 1 when anything had to be skipped.")
@as_json
@places
def convert(
    inputs: tuple[Path, ...],
    output: Path,
    config: Path,  # noqa: ARG001 - as above
    state: Path,
    *,
    source: str | None,
    target: str | None,
    condition: str,
    split: str | None,
    in_order: bool,
    strict: bool,
    json_wanted: bool,
) -> None:
    """Bring captures of other tools here, or ours there; filter, merge and split.

    IN and OUT are .lgsp.jsonl[.gz], .har[.gz], .gor[.gz]; access logs (.log) come in only. Several IN become one OUT.
    """
    wanted, report, out = where(condition), Report(), Report()
    for path in inputs:
        format_of(path, source or "")
    # Each in its order, and between them by time: whoever reads the one gets what was said, as it was said.
    merged = merge(*(load(path, report, source or "") for path in inputs), key=lambda record: record.t)
    records = (record for record in merged if wanted(record))
    kept = _counted(by_time(records, state) if in_order else records)
    if split is None:
        _written(kept, output, target or format_of(output).name, report, out, in_order=in_order)
    else:
        _split(kept, output, split, in_order=in_order)
    told = {"read": report.read, "converted": report.converted, "written": kept.count - out.skipped}
    told |= {"skipped": report.skipped + out.skipped}
    reasons = [{"position": position, "reason": reason} for position, reason in report.named + out.named]
    if json_wanted:
        print_json(told | {"reasons": reasons})
    for each in reasons[:_SHOWN]:
        click.echo(f"skipped {each['position']}: {each['reason']}", err=True)
    if len(reasons) > _SHOWN:
        click.echo(f"... and {told['skipped'] - _SHOWN} more; --json lists them", err=True)
    click.echo("; ".join(f"{what} {count}" for what, count in told.items()), err=True)
    raise click.exceptions.Exit(1 if strict and told["skipped"] else 0)


@capture.command()
@click.argument("path", type=_path)
@click.argument("output", type=_path, required=False)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 where there is something to mask.")
@as_json
@places
def redact(path: Path, output: Path | None, config: Path, state: Path, *, only_check: bool, json_wanted: bool) -> None:
    """Write PATH (ours, HAR, GoReplay) masked to OUTPUT (ours), or look whether anything in it is not, and say where.

    What is masked stands in masking.yaml of the configuration; pseudonyms are drawn from the key of the state directory.
    """
    mask = masking_of(config, state)
    if only_check == (output is not None):
        raise SettingsError("name an OUTPUT, or --check, and not both")
    found: list[tuple[int, list[str]]] = []
    count, report = 0, Report()
    with ExitStack() as stack:
        writer = None if output is None else stack.enter_context(Writer.create(output, {"masked": True}))
        for count, each in enumerate(read(path) if format_of(path).load is None else load(path, report), 1):  # noqa: B007 - the last count is the answer
            masked = mask.record(each)
            if masked != each:
                found.append((each.seq, [mask.text(place) for place in changed(each, masked)]))
            if writer is not None:
                writer.write(masked)
    if json_wanted:
        told = [{"seq": seq, "places": where_in} for seq, where_in in found[:1_000]]
        print_json({"records": count, "found": len(found), "skipped": report.skipped, "where": told})
    for seq, where_in in found[:_SHOWN] if only_check else ():
        click.echo(f"{path}: record {seq} holds what should be masked: {', '.join(where_in[:5])}", err=True)
    for position, reason in report.named:
        click.echo(f"skipped {position}: {reason}", err=True)
    click.echo(f"{count} records, {len(found)} {'to mask' if only_check else 'masked'}", err=True)
    raise click.exceptions.Exit((1 if only_check and found else 0) or (_INCONCLUSIVE if report.skipped else 0))


class _counted(Iterator[Record]):  # noqa: N801 - used as a function
    """Records, counted as they pass."""

    def __init__(self, records: Iterator[Record]) -> None:
        self._records = records
        self.count = 0

    def __next__(self) -> Record:
        record = next(self._records)
        self.count += 1
        return record


def _written(
    records: Iterable[Record], output: Path, target: str, report: Report, out: Report, *, in_order: bool
) -> None:
    # The first record is asked for before the header is written: reading it fills the report.
    rest = iter(records)
    first = next(rest, None)
    every = rest if first is None else chain([first], rest)
    # Of one file that was sorted it may still be true, of several it is not: it is said by who sorted.
    report.header.pop(SORTED, None)
    if in_order:
        report.header[SORTED] = True
    save = FORMATS[target].save
    if save is None:
        with Writer.create(output, report.header) as writer:
            for record in every:
                writer.write(record)
        return
    out.header = report.header
    if str(output) == "-":
        save(every, sys.stdout.buffer, out)
        return
    if output.exists():
        raise CaptureError(str(output), 0, "is there already: name another, or remove it first")
    with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as stream:
        save(every, stream, out)


def _split(records: Iterable[Record], output: Path, by: str, *, in_order: bool) -> None:
    output.mkdir(mode=0o700, parents=True, exist_ok=True)
    writers: dict[str, Writer] = {}
    said = {SORTED: True} if in_order else {}
    with ExitStack() as stack:
        for record in records:
            value = re.sub(r"[^A-Za-z0-9._-]", "_", getattr(record, by)) or "none"
            if value not in writers:
                writers[value] = stack.enter_context(Writer.create(output / f"{value}{PLAIN}", {by: value} | said))
            writers[value].write(record)
