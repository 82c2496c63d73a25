"""`python -m bench [--quick] [--write PAGE]`: measure, print the Markdown table, write `bench/latest.json`."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench.groups import groups
from bench.machine import describe
from bench.process import REPOSITORY, Broken
from bench.ratios import memory_vs_rabbit, ratios
from bench.report import Heading, Run, document, markdown, placed
from bench.runner import FULL, QUICK, Result, run, steps
from lgsp.bus.node import find_server
from lgsp.clock import SystemClock
from lgsp.errors import LgspError

_LATEST = REPOSITORY / "bench" / "latest.json"
_PYTHON = ("aio-pika", "aiormq", "aiohttp", "uvloop")


@click.command()
@click.option("--quick", is_flag=True, help="The ratios that matter, in under 2 minutes.")
@click.option(
    "--only", multiple=True, metavar="GROUP", help="Only this group (bus, http, services ...); may be repeated."
)
@click.option(
    "--write",
    "page",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PAGE",
    help="Put the table into this page too, between its marks (docs/performance.md).",
)
@click.option("--json", "json_wanted", is_flag=True, help="Print what latest.json holds instead of the table.")
def main(*, quick: bool, only: tuple[str, ...], page: Path | None, json_wanted: bool) -> None:
    """Measure lgsp beside its peers on private RabbitMQ nodes; the table goes to standard output."""
    signal.signal(signal.SIGTERM, _stop)
    if page is not None:
        _put(page, "")  # minutes later it would be too late to learn that it has no place for it
    plan = QUICK if quick else FULL
    try:
        find_server()
        with tempfile.TemporaryDirectory(prefix="lgsp-bench-") as place:
            made = groups(Path(place), quick=quick)
            unknown = set(only) - {group.name for group in made}
            if unknown:
                raise click.UsageError(
                    f"no group {', '.join(sorted(unknown))}: there are {', '.join(group.name for group in made)}"
                )
            wanted = [group for group in made if not only or group.name in only]
            with _progress(steps(wanted, plan)) as tell:
                result = run(wanted, plan, Path(place), tell)
    except (LgspError, Broken) as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(2)
    found = dict(ratios(result.rows))
    memory = memory_vs_rabbit(result.rows)
    if memory is not None:
        found["memory_vs_rabbit"] = memory
    when = datetime.fromtimestamp(SystemClock().now(), UTC)
    about = Run(f"{when:%Y-%m-%d %H:%M} UTC", describe(), _versions(), plan.rounds, plan.seconds)
    told = document(about, result.rows, found, result.started, result.pages, result.drawn)
    _LATEST.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    headings = {group.name: Heading(group.title, group.note) for group in wanted}
    table = markdown(about, headings, result.rows, found, result.started, result.pages, result.drawn)
    if page is not None:
        page.write_text(_put(page, table), encoding="utf-8")
    click.echo(json.dumps(told, indent=2, ensure_ascii=False) if json_wanted else table)
    sys.exit(_say_what_broke(result))


def _put(page: Path, table: str) -> str:
    """The text of a page with the table in it; where it has no place for one, bad usage."""
    try:
        return placed(page.read_text(encoding="utf-8"), table)
    except ValueError as error:
        raise click.BadParameter(f"{page}: {error}", param_hint="--write") from error


def _say_what_broke(result: Result) -> int:
    broken = {row.key.candidate: row.broken for row in result.rows if row.broken}
    broken |= {one.name: one.broken for one in result.started if one.broken}
    for candidate, why in broken.items():
        click.echo(f"bench: no figures for {candidate}: {why}", err=True)
    return 1 if broken else 0


def _versions() -> str:
    ours = ", ".join(f"{name} {version(name)}" for name in _PYTHON)
    return f"RabbitMQ from {find_server().parent.parent.name}, {ours}"


def _stop(*_: object) -> NoReturn:
    raise SystemExit(143)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str, int], None]]:
    """A bar on a terminal; elsewhere nothing."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=total)
        yield lambda what, advanced: bar.update(task, description=what, advance=advanced)


if __name__ == "__main__":
    main()
