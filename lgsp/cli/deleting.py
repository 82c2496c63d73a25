"""`lgsp capture prune` and `rm`: captures that nobody needs any more."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from lgsp.app.recording import CAPTURES
from lgsp.capture.formats.moment import iso
from lgsp.capture.retention import DELETED, Deletion, Stored, delete, due, stored_in
from lgsp.catalogue.units import parse_duration
from lgsp.cli.options import as_json, places, print_json
from lgsp.clock import SystemClock
from lgsp.errors import SettingsError
from lgsp.traffic.diff.report import printable

_NS = 1_000_000_000


@click.command()
@click.option("--older-than", required=True, metavar="AGE", help="Counted from the last record: 30d, 12h.")
@click.option("--yes", is_flag=True, help="Do not ask: they are gone for good.")
@as_json
@places
def prune(config: Path, state: Path, *, older_than: str, yes: bool, json_wanted: bool) -> None:  # noqa: ARG001 - stands on every command
    """Delete the captures of the state directory that are so old. What is being written stays, however old.

    A running gateway does so by itself: `--capture-retention`.
    """
    try:
        age = parse_duration(older_than)
    except ValueError as error:
        raise SettingsError(f"--older-than: {error}") from error
    now = SystemClock().now()
    captures = stored_in(state / CAPTURES)
    old = due(captures, now, age)
    for each in old if not yes else ():
        click.echo(f"{printable(each.name)}  {each.bytes:,} bytes, last written {iso(int(each.last) * _NS)}", err=True)
    if old and not yes:
        click.confirm(f"delete {len(old)} for good?", abort=True, err=True)
    gone = delete(state / CAPTURES, old, now, who="command", why=f"prune --older-than {older_than}")
    _tell(gone, captures, state, json_wanted=json_wanted)


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@as_json
@places
def rm(config: Path, state: Path, names: tuple[str, ...], *, json_wanted: bool) -> None:  # noqa: ARG001 - as above
    """Delete captures of the state directory, by the names that `lgsp capture ls` has for them; all of them or none."""
    home = state / CAPTURES
    captures = stored_in(home)
    wanted = [_named(name, captures, home) for name in dict.fromkeys(names)]
    gone = delete(home, wanted, SystemClock().now(), who="command", why="rm")
    _tell(gone, captures, state, json_wanted=json_wanted)


def _named(name: str, captures: Iterable[Stored], home: Path) -> Stored:
    path = Path(name)
    known = {each.name: each for each in captures}
    found = known.get(path.name) if path.parent in {Path(), home} else None
    if found is None:
        near = get_close_matches(path.name, known, 1)
        hint = f"; did you mean {printable(near[0])}?" if near else ": see `lgsp capture ls`"
        raise SettingsError(f"there is no capture {printable(name)} in {home}{hint}")
    if found.held:
        raise SettingsError(f"{found.path} is being written: end it first, `lgsp record stop`")
    return found


def as_data(capture: Stored) -> dict[str, Any]:
    """A capture for programs."""
    return {
        "name": printable(capture.name),
        "path": printable(str(capture.path)),
        "files": len(capture.files),
        "bytes": capture.bytes,
        "last": iso(int(capture.last) * _NS),
        "being_written": capture.held,
    }


def _tell(gone: list[Deletion], captures: list[Stored], state: Path, *, json_wanted: bool) -> None:
    written = [printable(each.name) for each in captures if each.held]
    left, size = len(captures) - len(gone), sum(each.bytes for each in gone)
    names = [printable(each.capture) for each in gone]
    if json_wanted:
        print_json({"deleted": names, "bytes": size, "left": left, "being_written": written})
    else:
        for name in names:
            click.echo(name)
    click.echo(f"deleted {len(gone)}, {size:,} bytes; left {left}, of which being written {len(written)}", err=True)
    if gone:
        click.echo(f"noted in {state / CAPTURES / DELETED}; a running gateway enters it in its ledger", err=True)
