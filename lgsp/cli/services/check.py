"""`lgsp services validate|schema|test`: whether it is right."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table

from lgsp.catalogue.parse import read_catalogue
from lgsp.catalogue.profile import USUAL, window_at
from lgsp.catalogue.schema import format_schema
from lgsp.catalogue.service import Service, Window
from lgsp.catalogue.source import Source
from lgsp.cli.options import as_json, catalogue_of, places, print_json, take_in_own_people
from lgsp.cli.words import in_words, say, translated
from lgsp.clock import SystemClock
from lgsp.errors import CatalogueError
from lgsp.runtime.rehearsal import rehearse
from lgsp.runtime.sampling import Drawn, sample_service


@click.command("validate")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@in_words
@places
def validate(file: Path | None, config: Path, state: Path, *, json_wanted: bool) -> None:  # noqa: ARG001 - stands on every command
    """Check the configuration, and FILE as if it stood in `services.d/`.

    Every mistake comes with its file and line; exit 2 when there is one.
    """
    try:
        catalogue = catalogue_of(config) if file is None else read_catalogue(config, as_if_there(file))
        take_in_own_people(config)
    except CatalogueError as error:
        if not json_wanted:
            raise
        print_json({"services": 0, "operations": 0, "problems": [translated(problem) for problem in error.problems]})
        raise click.exceptions.Exit(2) from error
    operations = sum(len(service.operations) for service in catalogue)
    if json_wanted:
        print_json({"services": len(catalogue), "operations": operations, "problems": []})
    else:
        click.echo(say("{}: {} services, {} operations, no mistake", config, len(catalogue), operations), err=True)


def as_if_there(file: Path) -> Source:
    """A file as it would be read from `services.d/`."""
    return Source(f"services.d/{file.name}", file.read_bytes())


@click.command("schema")
@places
def print_schema(config: Path, state: Path) -> None:  # noqa: ARG001 - as above
    """Print the format of a services file as JSON Schema 2020-12, for editors."""
    print_json(format_schema())


@click.command("test")
@click.argument("service_id", metavar="ID")
@click.option("--sample", "calls", type=click.IntRange(100, 10_000_000), metavar="N", help="Draw N calls instead, dry.")
@click.option(
    "--at",
    "moment",
    type=click.DateTime(["%Y-%m-%dT%H:%M"]),
    help="Draw as at this local time [when no hour is special].",
)
@click.option("--seed", type=int, default=2023, show_default=True, help="Of the draws.")
@as_json
@in_words
@places
def run_examples(
    service_id: str,
    config: Path,
    state: Path,  # noqa: ARG001 - as above
    *,
    calls: int | None,
    moment: datetime | None,
    seed: int,
    json_wanted: bool,
) -> None:
    """Run the examples of service ID against its stand-in; exit 1 when one does not hold, 4 when there is none.

    With --sample nothing is called: latencies and errors of N calls are drawn as its stand-in draws them, and laid
    beside what the file promises. Exit 1 when a percentile or a rate is off, 4 when nothing is promised.
    """
    if calls is not None:
        service = catalogue_of(config).find(service_id)
        window = USUAL
        if moment is not None:
            at = moment.replace(tzinfo=ZoneInfo(service.zone)).timestamp()
            window = window_at(service.profile, service.zone, at)
        raise click.exceptions.Exit(_sampled(service, calls, seed, window, json_wanted=json_wanted))
    found = asyncio.run(rehearse(catalogue_of(config).find(service_id), SystemClock()))
    failed = [one for one in found if one.differs]
    if json_wanted:
        print_json([asdict(one) for one in found])
    else:
        for one in found:
            click.echo(f"{'FAIL' if one.differs else 'ok  '}  {one.operation}  {one.example}")
            for difference in one.differs:
                click.echo(f"        {difference}")
        click.echo(say("{} examples, {} do not hold", len(found), len(failed)), err=True)
    raise click.exceptions.Exit(1 if failed else 0 if found else 4)


def _sampled(service: Service, calls: int, seed: int, window: Window, *, json_wanted: bool) -> int:
    """Print what dry draws come to; the exit code."""
    simulated = service.mode == "simulate"
    found = list(sample_service(service, calls, seed, window)) if simulated else []
    off = sum(drawn.is_off for drawn in found)
    if json_wanted:
        print_json(
            {"service": service.id, "calls": calls, "seed": seed, "off": off, "promises": list(map(asdict, found))}
        )
    else:
        table = Table(
            *map(say, ("operations", "what", "promised", "drawn", "may be off by", "")), box=None, pad_edge=False
        )
        for drawn in found:
            values = (_figure(drawn, drawn.promised), _figure(drawn, drawn.drawn), f"{drawn.within:.3%}")
            table.add_row(drawn.operation, drawn.what, *values, "OFF" if drawn.is_off else "ok")
        if found:
            Console(soft_wrap=True).print(table)
        click.echo(say("{} draws with seed {}: {} promises, {} off", calls, seed, len(found), off), err=True)
        if not found:
            why = "it promises neither latency nor errors" if simulated else "its mode simulates nothing"
            click.echo(say("{}: there is nothing to draw: {}", service.id, say(why)), err=True)
    return 1 if off else 0 if found else 4


def _figure(drawn: Drawn, value: float) -> str:
    return f"{value * 1000:.1f} ms" if drawn.what.startswith("p") and drawn.what[1:2].isdigit() else f"{value:.3%}"
