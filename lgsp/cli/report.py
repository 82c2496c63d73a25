"""`lgsp report`: what a period came to, as the province tells it, with what it can be checked with."""

from __future__ import annotations

import importlib.metadata
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

import connectors
from lgsp.catalogue.calendar import read_zone
from lgsp.cli.options import Language, as_json, catalogue_of, places, speaks
from lgsp.clock import SystemClock
from lgsp.errors import SettingsError
from lgsp.monitoring.report.compose import Standing, compose
from lgsp.monitoring.report.document import Cell, Column, Section, Table
from lgsp.monitoring.report.figures import Span
from lgsp.monitoring.report.forms import FORMS
from lgsp.monitoring.report.gather import gather
from lgsp.monitoring.report.proof import Proof
from lgsp.monitoring.report.words import say


@click.command()
@click.option("--from", "first", required=True, metavar="2023-01-01", help="The first day.")
@click.option("--to", "last", required=True, metavar="2023-05-24", help="The last day; it counts too.")
@click.option("--format", "form", type=click.Choice(list(FORMS)), default="text", show_default=True, help="Its form.")
@click.option("--output", type=click.Path(path_type=Path), help="Write to this file instead of printing.")
@click.option("--check", "digest", metavar="DIGEST", help="Compute the figures anew, and say whether they are these.")
@click.option(
    "--unchecked", is_flag=True, help="Do not verify the ledger, which takes long for many rows: no evidence."
)
@as_json
@speaks
@places
def report(
    config: Path,
    state: Path,
    first: str,
    last: str,
    form: str,
    output: Path | None,
    digest: str | None,
    language: Language,
    *,
    unchecked: bool,
    json_wanted: bool,
) -> None:
    """Report what a period came to, from the ledgers' hours and the simulated past, which is marked wherever it stands.

    The ledgers are verified first. Where one was changed, the report has no evidence line, says so, and exits 1.
    """
    span = span_of(first, last, ZoneInfo(read_zone(config)))
    found = gather(state, span, check=not unchecked)
    if not found.accounts and found.past is None and not found.unread:
        raise SettingsError(
            f"{state} has neither a ledger nor a simulated past: name a state directory with --state, or run `lgsp history`"
        )
    figures = found.figures
    proof = Proof(
        digest=figures.digest(),
        command=f"lgsp report --from {first} --to {last} --check {figures.digest()}",
        version=importlib.metadata.version("lgsp"),
        accounts=found.accounts,
        past=found.past,
        problems=found.problems,
        unread=found.unread,
        is_checked=not unchecked,
    )
    if digest is not None:
        _say_whether(digest, proof)
    now = SystemClock().now()
    today = datetime.fromtimestamp(now, UTC).astimezone(span.zone).date()
    standing = Standing(found.still_open, is_over=span.last < today)
    document = compose(figures, catalogue_of(config), proof, standing, language, _annexes(span, now, language))
    text = FORMS["json" if json_wanted else form](document)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"written to {output}", err=True)
    for problem in (*proof.problems, *(f"{name}: {why}" for name, why in proof.unread)):
        click.echo(f"lgsp: no evidence: {problem}", err=True)
    raise click.exceptions.Exit(1 if proof.is_checked and not proof.holds else 0)


def _annexes(span: Span, now: float, language: Language) -> list[Section]:
    """What the stand-ins' own systems have of the period."""
    nth = 0 if language == "vi" else 1

    def cell(value: object) -> Cell:
        return value[nth] if isinstance(value, tuple) else value  # type: ignore[return-value]

    tables = [
        Table(
            each.name,
            each.title[nth],
            [Column(key, names[nth], sort) for key, names, sort in each.columns],  # type: ignore[arg-type]
            [[cell(value) for value in row] for row in each.rows],
            [cell(value) for value in each.total] if each.total else None,
            each.note[nth],
        )
        for each in connectors.tell(span.first, span.last, now)
    ]
    return [Section("systems", say(language, "systems"), tables)] if tables else []


def span_of(first: str, last: str, zone: ZoneInfo) -> Span:
    """The days from `first` to `last`. Raises `SettingsError` for what is no day, and for an end before the beginning."""
    days = []
    for option, text in (("--from", first), ("--to", last)):
        try:
            days.append(date.fromisoformat(text))
        except ValueError:
            raise SettingsError(f"{option} {text!r} is no day: write it as 2023-05-24") from None
    if days[0] > days[1]:
        raise SettingsError(f"--from {first} lies after --to {last}")
    return Span(days[0], days[1], zone)


def _say_whether(digest: str, proof: Proof) -> None:
    """Print whether figures are those of a digest, and exit: 1 when they are not, or when nobody can vouch for them."""
    same = digest.removeprefix("sha256:") == proof.digest
    if same and proof.holds:
        click.echo(f"as it was written: the figures are sha256:{proof.digest}")
        raise click.exceptions.Exit(0)
    for problem in (*proof.problems, *(f"{name}: {why}" for name, why in proof.unread)):
        click.echo(problem)
    if not same:
        click.echo(f"other figures: these are sha256:{proof.digest}")
    raise click.exceptions.Exit(1)
