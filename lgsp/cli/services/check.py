"""`lgsp services validate|schema|test`: whether it is right."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path

import click

from lgsp.catalogue.parse import read_catalogue
from lgsp.catalogue.schema import format_schema
from lgsp.catalogue.source import Source
from lgsp.cli.options import as_json, catalogue_of, places, print_json, take_in_own_people
from lgsp.cli.words import in_words, say, translated
from lgsp.clock import SystemClock
from lgsp.errors import CatalogueError
from lgsp.runtime.rehearsal import rehearse


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
@as_json
@in_words
@places
def run_examples(service_id: str, config: Path, state: Path, *, json_wanted: bool) -> None:  # noqa: ARG001 - as above
    """Run the examples of service ID against its stand-in; exit 1 when one does not hold, 4 when there is none."""
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
