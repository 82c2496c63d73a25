"""`lgsp ledger`: check it, take it out, copy it."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import click

from lgsp.cli.options import as_json, places, print_json
from lgsp.clock import SystemClock
from lgsp.edge.transactions import moment_us
from lgsp.errors import SettingsError
from lgsp.ledger.backup import back_up
from lgsp.ledger.events import Event
from lgsp.ledger.files import Files, Verified, ledgers_in
from lgsp.ledger.reader import Reader
from lgsp.ledger.verify import verify
from lgsp.ledger.words import describe, moment

_name = click.option("--name", default="", help="The gateway whose ledger it is; default the only one there.")


@click.group()
def ledger() -> None:
    """The account of all transactions: check it, take it out, copy it."""


def _one(state: Path, name: str) -> Files:
    found = ledgers_in(state)
    names = [files.name for files in found]
    if name and name not in names:
        raise SettingsError(f"no ledger of {name!r} lies in {state}; there are {', '.join(names) or 'none'}")
    if not found:
        raise SettingsError(f"no ledger lies in {state}: name the state directory of a gateway with --state")
    if not name and len(found) > 1:
        raise SettingsError(f"{state} holds ledgers of {', '.join(names)}: choose one with --name")
    return found[names.index(name)] if name else found[0]


@ledger.command("verify")
@_name
@click.option("--against", type=click.Path(path_type=Path), help="Checkpoints that were kept elsewhere, one a line.")
@click.option("--key", type=click.Path(path_type=Path), help="The public key that was kept elsewhere.")
@as_json
@places
def verify_ledger(
    config: Path,  # noqa: ARG001 - stands on every command
    state: Path,
    name: str,
    against: Path | None,
    key: Path | None,
    *,
    json_wanted: bool,
) -> None:
    """Check that every row, hour and checkpoint is as it was written; exit 1 and name the first that is not.

    A chain that is checked with what lies beside it proves little: keep copies of the checkpoints and of the public key
    on another machine, and give them with --against and --key.
    """
    files = _one(state, name)
    found = verify(files, against=against, key=key)
    try:
        files.note_verified(Verified(SystemClock().now(), found.is_well))
    except OSError as error:
        click.echo(f"lgsp: /metrics will not tell of this verification: {files.verified}: {error.strerror}", err=True)
    if json_wanted:
        print_json(asdict(found) | {"well": found.is_well})
    else:
        for problem in found.problems:
            click.echo(problem)
        verdict = "as it was written" if found.is_well else f"{len(found.problems)} findings"
        after = f" after row {found.after}" if found.after else ""
        checked = (
            f"{found.rows} rows{after}, {found.events} events, {found.checkpoints} checkpoints, {found.copies} copies"
        )
        click.echo(f"ledger {found.ledger}: {verdict} ({checked})", err=not found.is_well)
    raise click.exceptions.Exit(0 if found.is_well else 1)


@ledger.command()
@_name
@click.option("--csv", "form", flag_value="csv", help="As CSV with a heading.")
@click.option("--jsonl", "form", flag_value="jsonl", default=True, help="As JSON, one row a line [default].")
@click.option("--events", "of_events", is_flag=True, help="What operators did, instead of the rows.")
@click.option("--since", default="", metavar="30m|TIME", help="Only accepted since then; a time is UTC.")
@click.option("--output", type=click.Path(path_type=Path), help="Write to this file instead of printing.")
@places
def export(
    config: Path,  # noqa: ARG001 - stands on every command
    state: Path,
    name: str,
    form: str,
    since: str,
    output: Path | None,
    *,
    of_events: bool,
) -> None:
    """Print every row, in the order of the chain."""
    files, start = _one(state, name), moment_us(since, SystemClock().now())
    rows = iter(map(_told, Reader(files).events(start))) if of_events else _rows(files, start)
    if output is None:
        count = _write(rows, sys.stdout, form)
    else:
        with output.open("w", encoding="utf-8", newline="") as file:
            count = _write(rows, file, form)
    click.echo(f"{count} rows", err=True)


@ledger.command("events")
@_name
@click.option("--since", default="", metavar="30m|TIME", help="Only since then; a time is UTC.")
@as_json
@places
def list_events(
    config: Path,  # noqa: ARG001 - stands on every command
    state: Path,
    name: str,
    since: str,
    *,
    json_wanted: bool,
) -> None:
    """List what operators did (parked and dropped, faults, consumers) and who got in or was refused. The oldest first."""
    found = [_told(event) for event in Reader(_one(state, name)).events(moment_us(since, SystemClock().now()))]
    if json_wanted:
        print_json(found)
        return
    for one in found:
        detail = json.dumps(one["detail"], ensure_ascii=False) if one["detail"] else ""
        click.echo(f"{one['at']}  {one['who']:<10} {one['what']:<18} {one['subject']}  {detail}".rstrip())
    if not found:
        click.echo("nothing was done", err=True)


def _told(event: Event) -> dict[str, Any]:
    named = ("sequence", "who", "what", "subject", "detail")
    return {"at": moment(event.at_us)} | {field: getattr(event, field) for field in named}


def _rows(files: Files, since: int) -> Iterator[dict[str, Any]]:
    for row in Reader(files).rows(since):
        fields = describe(row)
        del fields["text"]
        times: Any = fields.pop("times_ms") or {}
        segments = ("gateway", "queue", "connector", "provider", "back")
        yield fields | {f"{segment}_ms": times.get(segment) for segment in segments}


def _write(rows: Iterator[dict[str, Any]], file: IO[str], form: str) -> int:
    count = 0
    table: csv.DictWriter[str] | None = None
    for count, row in enumerate(rows, 1):  # noqa: B007 - the last count is the answer
        if form == "jsonl":
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            continue
        if table is None:
            table = csv.DictWriter(file, list(row))
            table.writeheader()
        table.writerow(row)
    return count


@ledger.command()
@click.argument("directory", type=click.Path(path_type=Path))
@_name
@as_json
@places
def backup(
    directory: Path,
    config: Path,  # noqa: ARG001 - stands on every command
    state: Path,
    name: str,
    *,
    json_wanted: bool,
) -> None:
    """Copy the ledger to DIRECTORY, as it is at one moment, while the gateway runs.

    The copy is a state directory that `lgsp ledger verify --state DIRECTORY` checks; the signing key stays here.
    """
    made = back_up(_one(state, name), directory)
    if json_wanted:
        print_json([str(path) for path in made])
    else:
        for path in made:
            click.echo(path)
