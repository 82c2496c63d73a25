"""`lgsp diff`: two captures held against each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lgsp.capture.formats import Report, load
from lgsp.catalogue.units import parse_percent
from lgsp.cli.findings import file_away, filed
from lgsp.cli.options import as_json, places, print_json
from lgsp.errors import SettingsError
from lgsp.traffic.diff import report
from lgsp.traffic.diff.beside import Beside
from lgsp.traffic.diff.groups import Compared, compare
from lgsp.traffic.diff.noise import Noise, learn
from lgsp.traffic.diff.pairing import NAMINGS, Naming, naming, pairs
from lgsp.traffic.diff.rules import (
    IGNORE,
    SHAPE,
    SUBSET,
    TOLERANCE,
    UNORDERED,
    Rule,
    Rules,
    read_rules,
    value_of,
    written,
)

_INCONCLUSIVE = 4
_SHOWN = 20
_IN_NO_ORDER = {"seq", "replay"}
"""By their numbers calls are in order; and the order of a replay is its own doing."""
_file = click.Path(path_type=Path, dir_okay=False)
_capture = click.Path(path_type=Path, exists=True)


@click.command()
@click.argument("ours", type=_capture, metavar="A")
@click.argument("theirs", type=_capture, metavar="B")
@click.option("--by", default="seq", show_default=True, metavar="NAME", help=f"What records of one pair have in common: {', '.join(NAMINGS)}, or what stands at a place, key:request.body.id.")  # fmt: skip
@click.option("--rules", "files", multiple=True, type=_file, metavar="FILE", help="Rules in YAML, for single operations too.")  # fmt: skip
@click.option("--ignore", multiple=True, metavar="PATH", help="Do not compare what is there, as in 'reply.body.*.time'.")  # fmt: skip
@click.option("--subset", multiple=True, metavar="PATH", help="B may have more there.")
@click.option("--unordered", multiple=True, metavar="PATH", help="The order of a list says nothing there.")
@click.option("--shape", multiple=True, metavar="PATH", help="Compare types, names and codes there, not values.")
@click.option("--tolerance", multiple=True, metavar="PATH=NUMBER", help="Numbers may be so far apart there.")
@click.option("--latency", metavar="20%", help="Name the operations whose p50 or p95 is slower in B by more than that, not by chance.")  # fmt: skip
@click.option("--any-order", is_flag=True, help="The order of calls says nothing, with whatever --by.")
@click.option("--noise-from", type=(_capture, _capture), metavar="A1 A2", help="Two runs of one build: in what they differ is no finding.")  # fmt: skip
@click.option("--noise-to", type=_file, metavar="FILE", help="Write what was learned from them as rules.")
@click.option("--markdown", type=_file, help="Write the findings for a pull request.")
@filed
@as_json
@places
def diff(ours: Path, theirs: Path, config: Path, state: Path, *, json_wanted: bool, **asked: Any) -> None:  # noqa: ANN401, ARG001 - click's; places stand everywhere
    """Compare the captures A and B (ours, HAR, GoReplay), record by record.

    Exit 1 when they differ, 4 when nothing of them could be compared or a record could not be read.
    """
    by, rules = naming(asked["by"]), rules_of(asked)
    read = Report()
    if asked["noise_from"]:
        rules = _quiet(asked["noise_from"], by, rules, asked["noise_to"], read)
    elif asked["noise_to"]:
        raise SettingsError("--noise-to writes what --noise-from learned: name two captures with it")
    beside = Beside(_limit(asked["latency"]), ordered=asked["by"] not in _IN_NO_ORDER and not asked["any_order"])
    compared = compare(beside.seen(pairs(load(ours, read), load(theirs, read), by)), rules)
    beside.tell(compared)
    tell(compared, asked, f"lgsp diff {ours} {theirs}", read.skipped, json_wanted=json_wanted)
    for position, reason in read.named:
        click.echo(f"not compared: {position}: {reason}", err=True)
    if not compared.pairs:
        click.echo(f"nothing of {ours} and {theirs} belongs together by {asked['by']}: try another --by", err=True)
    if compared.untold:
        click.echo("inconclusive: no operation has pairs enough to tell its latency", err=True)
    raise click.exceptions.Exit(exit_code(compared, read.skipped))


def rules_of(asked: dict[str, Any]) -> Rules:
    """The rules of the files and of the options. Raises `SettingsError`, `CatalogueError`."""
    found = [rule for file in asked["files"] for rule in read_rules(file)]
    for compare_as in (IGNORE, SUBSET, UNORDERED, SHAPE):
        found += [Rule(path, compare_as) for path in asked[compare_as]]
    return Rules([*found, *map(_near, asked["tolerance"])])


def tell(compared: Compared, asked: dict[str, Any], title: str, skipped: int, *, json_wanted: bool) -> None:
    """The findings on stdout, and in the files that were asked for."""
    file_away([report.Part("lgsp diff", title, compared)], asked)
    if asked["markdown"] is not None:
        asked["markdown"].write_text(report.markdown(compared), encoding="utf-8", errors="replace")
    if json_wanted:
        print_json(report.as_json(compared) | {"skipped": skipped})
    else:
        click.echo(report.text(compared), nl=False)


def _quiet(runs: tuple[Path, Path], by: Naming, rules: Rules, file: Path | None, read: Report) -> Rules:
    """The rules, and those that two runs of one build need beyond them."""
    one, other = runs
    noise = learn(pairs(load(one, read), load(other, read), by), rules)
    learned = Rules([*rules.all, *(each.rule for each in noise.rules)])
    left = compare(pairs(load(one, Report()), load(other, Report()), by), learned)
    if file is not None:
        head = [
            f"Noise of {runs[0].name} and {runs[1].name}, {noise.pairs:,} pairs: look through it before you trust it."
        ]
        remarks = [(each.rule, f"{each.pairs:,} of {each.of:,} pairs") for each in noise.rules]
        file.write_text(written(remarks, head), encoding="utf-8", errors="replace")
    _tell_noise(noise, left)
    return learned


def _tell_noise(noise: Noise, left: Compared) -> None:
    click.echo(
        f"noise: {noise.pairs:,} pairs taught {len(noise.rules)} rules; with them the two runs have {left.findings:,} findings",
        err=True,
    )
    for service, operation, path in noise.seldom[:_SHOWN]:
        click.echo(f"not noise, it differs too seldom: {service} {operation}: {path}", err=True)
    if noise.alone:
        click.echo(f"{noise.alone:,} records of the two runs have no partner: try another --by", err=True)


def exit_code(compared: Compared, skipped: int) -> int:
    """1 where pairs differ or records are alone; 4 where no pair was compared, a record not read, or no latency could be told; else 0."""
    if not compared.pairs:
        return _INCONCLUSIVE
    if compared.groups:
        return 1
    return _INCONCLUSIVE if skipped or compared.untold else 0


def _limit(text: str | None) -> float | None:
    """Raises `SettingsError`."""
    try:
        return None if text is None else parse_percent(text)
    except ValueError as error:
        raise SettingsError(f"--latency: {error}") from error


def _near(text: str) -> Rule:
    """Raises `SettingsError`."""
    path, _, size = text.rpartition("=")
    try:
        number = value_of(TOLERANCE, size)
    except ValueError:
        path = ""
    if not path:
        raise SettingsError(f"--tolerance {text!r} is none: write PATH=NUMBER, as in reply.body.amount=0.01")
    return Rule(path, TOLERANCE, number)
