"""`lgsp diff`: two captures held against each other."""

from __future__ import annotations

from pathlib import Path

import click

from lgsp.capture.formats import Report, load
from lgsp.cli.options import as_json, places, print_json
from lgsp.errors import SettingsError
from lgsp.traffic.diff import report
from lgsp.traffic.diff.comparing import Rules
from lgsp.traffic.diff.groups import Compared, compare
from lgsp.traffic.diff.pairing import NAMINGS, pairs

_INCONCLUSIVE = 4
_file = click.Path(path_type=Path, dir_okay=False)
_capture = click.Path(path_type=Path, exists=True)


@click.command()
@click.argument("ours", type=_capture, metavar="A")
@click.argument("theirs", type=_capture, metavar="B")
@click.option("--by", type=click.Choice(list(NAMINGS)), default="seq", show_default=True, help="What records of one pair have in common; replay: B was recorded while A was replayed.")  # fmt: skip
@click.option("--ignore", multiple=True, metavar="PATH", help="Do not compare what is there, as in 'reply.body.*.time'.")  # fmt: skip
@click.option("--subset", multiple=True, metavar="PATH", help="B may have more there.")
@click.option("--unordered", multiple=True, metavar="PATH", help="The order of a list says nothing there.")
@click.option("--shape", multiple=True, metavar="PATH", help="Compare types, names and codes there, not values.")
@click.option("--tolerance", multiple=True, metavar="PATH=NUMBER", help="Numbers may be so far apart there.")
@click.option("--junit", type=_file, help="Write the findings as JUnit XML.")
@click.option("--markdown", type=_file, help="Write the findings for a pull request.")
@as_json
@places
def diff(
    ours: Path,
    theirs: Path,
    config: Path,  # noqa: ARG001 - stands on every command
    state: Path,  # noqa: ARG001 - as above
    *,
    by: str,
    ignore: tuple[str, ...],
    subset: tuple[str, ...],
    unordered: tuple[str, ...],
    shape: tuple[str, ...],
    tolerance: tuple[str, ...],
    junit: Path | None,
    markdown: Path | None,
    json_wanted: bool,
) -> None:
    """Compare the captures A and B (ours, HAR, GoReplay), record by record.

    Exit 1 when they differ, 4 when nothing of them could be compared or a record could not be read.
    """
    rules = Rules(ignore=ignore, subset=subset, unordered=unordered, shape=shape, tolerance=dict(map(_near, tolerance)))
    read = Report()
    compared = compare(pairs(load(ours, read), load(theirs, read), NAMINGS[by]), rules)
    for file, written in ((junit, report.junit), (markdown, report.markdown)):
        if file is not None:
            file.write_text(written(compared), encoding="utf-8", errors="replace")
    if json_wanted:
        print_json(report.as_json(compared) | {"skipped": read.skipped})
    else:
        click.echo(report.text(compared), nl=False)
    for position, reason in read.named:
        click.echo(f"not compared: {position}: {reason}", err=True)
    if not compared.pairs:
        click.echo(f"nothing of {ours} and {theirs} belongs together by {by}: try another --by", err=True)
    raise click.exceptions.Exit(exit_code(compared, read.skipped))


def exit_code(compared: Compared, skipped: int) -> int:
    """1 where pairs differ or records are alone, 4 where no pair was compared or a record not read, else 0."""
    if not compared.pairs:
        return _INCONCLUSIVE
    if compared.groups:
        return 1
    return _INCONCLUSIVE if skipped else 0


def _near(text: str) -> tuple[str, float]:
    """Raises `SettingsError`."""
    path, _, size = text.rpartition("=")
    try:
        number = float(size)
    except ValueError:
        number = -1.0
    if not path or not 0 <= number < float("inf"):
        raise SettingsError(f"--tolerance {text!r} is none: write PATH=NUMBER, as in reply.body.amount=0.01")
    return path, number
