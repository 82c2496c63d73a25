"""`lgsp province`: the people and identifiers that the shipped stand-ins know."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from connectors.province.meanings import TABLE
from connectors.province.page import page
from connectors.province.person import person_of
from connectors.province.sheet import Sheet, sheet_of
from lgsp.cli.options import as_json, places, print_json, take_in_own_people


@click.group()
def province() -> None:
    """Show test identifiers and people, as all services see them."""


@province.command("show")
@click.argument("identifier", metavar="ID")
@as_json
@places
def show(identifier: str, config: Path, state: Path, *, json_wanted: bool) -> None:  # noqa: ARG001 - stands on every command
    """Show who or what an identifier is, with what each service wants to hear; exit 1 when nobody has it.

    ID is a citizen id, legacy id, insurance number, health card, driving licence, pupil code, enterprise or dossier code.
    """
    take_in_own_people(config)
    sheet = sheet_of(identifier)
    if json_wanted:
        print_json(asdict(sheet))
    else:
        _print(sheet)
    if not sheet.title:
        raise click.exceptions.Exit(1)


@province.command("sample")
@click.option("--count", metavar="N", type=click.IntRange(0, 1_000), default=0, help="So many ordinary people as well.")
@click.option("--markdown", is_flag=True, help="Print the page docs/test-data.md.")
@as_json
@places
def sample(config: Path, state: Path, *, count: int, markdown: bool, json_wanted: bool) -> None:  # noqa: ARG001 - as above
    """List the identifiers with a fixed meaning, and some ordinary people."""
    take_in_own_people(config)
    if markdown:
        click.echo(page(), nl=False)
        return
    marks = [asdict(mark) | {"title": sheet_of(mark.identifier).title} for mark in TABLE]
    people = [sheet_of(str(person_of(str(n), "sample").id)) for n in range(count)]
    if json_wanted:
        print_json({"meanings": marks, "people": [asdict(one) for one in people]})
        return
    table = Table("kind", "identifier", "meaning", "who, what", box=None, pad_edge=False)
    for mark in marks:
        table.add_row(mark["kind"], mark["identifier"], mark["meaning"], mark["title"])
    for one in people:
        table.add_row("citizen", one.identifier, "", one.title)
    Console().print(table)


def _print(sheet: Sheet) -> None:
    meaning = f" ({sheet.meaning})" if sheet.meaning else ""
    click.echo(f"{sheet.identifier}: {sheet.title or 'nobody has it'}{meaning}")
    for name, value in sheet.facts.items():
        click.echo(f"  {name}: {value}")
    for service, fields in sheet.services.items():
        given = ", ".join(f"{name} {value}" for name, value in fields.items() if value)
        click.echo(f"{service}: {given}")
