"""`lgsp history`: the past of a scenario, simulated."""

from __future__ import annotations

import importlib.metadata
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from lgsp.catalogue.parse import read_catalogue
from lgsp.cli.options import as_json, places, print_json
from lgsp.clock import SystemClock
from lgsp.errors import SettingsError
from lgsp.ledger.past import FILE, About, write_past
from lgsp.monitoring.recordings import (
    BUDGET,
    BURN_1H,
    BUS_RATE,
    INFO,
    LEFT,
    OWNER_RATE,
    OWNER_RATIO,
    WINDOWS,
    bus_ratio_of,
    errors_of,
    lost_of,
    rate_of,
    ratio_of,
)
from lgsp.settings import make_state
from lgsp.traffic.period import Period
from lgsp.traffic.scenario import Scenario, read_scenario

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lgsp.catalogue.service import Catalogue
    from lgsp.traffic.facts import Fact
    from lgsp.traffic.history import History
    from lgsp.traffic.recorded import Names

_LOAD = "promtool tsdb create-blocks-from openmetrics --max-block-duration=2160h"


@click.command()
@click.option(
    "--scenario",
    "scenario_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The scenario [the configuration's first with a period].",
)
@click.option("--seed", type=int, default=2023, show_default=True, help="Seed of all random draws.")
@click.option("--until", type=click.Choice(["now"]), help="Move it by whole weeks, so that it ends yesterday.")
@click.option("--as-dated", is_flag=True, help="Keep the days of the scenario (the default).")
@click.option(
    "--with", "changes", multiple=True, metavar="CHANGE", help='"outage SERVICE 2023-03-10T09:00 2h" or "growth 1.5x".'
)
@click.option("--openmetrics", type=click.Path(path_type=Path, dir_okay=False), help="Write it for Prometheus as well.")
@click.option("--instance", default="127.0.0.1:8290", show_default=True, help="The label `instance` of those samples.")
@click.option("--once", is_flag=True, help="Do nothing where a simulated past lies already: for a first start.")
@click.option("--check", is_flag=True, help="Only say whether the scenario's facts come out; exit 1 when one does not.")
@as_json
@places
def history(
    config: Path,
    state: Path,
    *,
    scenario_file: Path | None,
    seed: int,
    until: str | None,
    as_dated: bool,
    changes: tuple[str, ...],
    openmetrics: Path | None,
    instance: str,
    once: bool,
    check: bool,
    json_wanted: bool,
) -> None:
    """Simulate the past of a scenario, call by call, and write it beside the ledger, marked as simulated.

    Nothing sleeps: 225.5 million calls take seconds. The same seed and scenario give the same bytes.
    """
    if until and as_dated:
        raise SettingsError("--until now moves the past and --as-dated does not: choose one")
    if once and (state / FILE).is_file():
        click.echo(f"{state / FILE} is there already: without --once it is made anew", err=True)
        return
    file, scenario, period = _named(scenario_file) if scenario_file else _first_with_a_period(config / "scenarios")
    try:
        from lgsp.traffic import chronicle, facts  # noqa: PLC0415 - numpy is an extra
    except ModuleNotFoundError as error:
        raise SettingsError(
            "lgsp history counts with numpy, which is not installed: pip install 'lgsp[history]'"
        ) from error
    catalogue = read_catalogue(config)
    profiles = {service.id: service.profile for service in catalogue if service.profile}
    change = chronicle.parse_changes(changes, scenario, period.loads)
    told = change.applied(period)
    with Progress(console=Console(stderr=True), transient=True, disable=json_wanted) as progress:
        bar = progress.add_task("simulating", total=(3 if change.outages else 2) * len(told.loads))
        teller = chronicle.Teller(scenario, told, seed, lambda: progress.advance(bar), profiles)
        made = teller.simulate(change.outages)
        if check:
            _say_facts(list(facts.facts(told, made)), json_wanted=json_wanted)
            return
        plain = teller.simulate() if change.outages else made
        today = datetime.fromtimestamp(SystemClock().now(), UTC).astimezone(scenario.zone).date()
        move = chronicle.move_until(told.last, today) if until else chronicle.Move()
        moved = chronicle.moved(made, move)
        if openmetrics:  # first: where the past itself lies, `--once` finds nothing left to do
            labels = {"job": "lgsp-gateway", "instance": instance}
            _write(openmetrics, chronicle.open_metrics(moved, catalogue, labels, scenario.zone, _names()))
        described = teller.about(moved, move, file, changes, importlib.metadata.version("lgsp"))
        rows = chronicle.hour_rows(moved, catalogue, seed, progress=lambda: progress.advance(bar))
        described = write_past(make_state(state) / FILE, described, rows, chronicle.stream_rows(moved, told, move))
        spent = _budgets(moved, chronicle.moved(plain, move), catalogue, scenario)
    _say(described, state / FILE, openmetrics, spent, json_wanted=json_wanted)


def _write(file: Path, pieces: Iterable[str]) -> None:
    """The file whole, in place of one that was there, or not at all."""
    making = file.with_name(file.name + ".new")
    try:
        with making.open("w", encoding="utf-8") as out:
            out.writelines(pieces)
        making.replace(file)
    finally:
        making.unlink(missing_ok=True)


def _budgets(told: History, plain: History, catalogue: Catalogue, scenario: Scenario) -> list[dict[str, Any]]:
    """The worst month of each service, and what it would have spent in that month without a change."""
    from lgsp.traffic.budgets import spending, worst  # noqa: PLC0415 - numpy is an extra

    without = {(each.service, each.month): each.spent for each in spending(plain, catalogue, scenario.zone)}
    months = worst(spending(told, catalogue, scenario.zone))
    return [asdict(each) | {"spent_unchanged": without[each.service, each.month]} for each in months]


def _names() -> Names:
    """What the shipped rules call their series."""
    from lgsp.traffic.recorded import Names  # noqa: PLC0415 - numpy is an extra

    return Names(
        WINDOWS, rate_of, errors_of, ratio_of, BUDGET, BURN_1H, LEFT, INFO, OWNER_RATE, OWNER_RATIO, BUS_RATE, bus_ratio_of, lost_of
    )  # fmt: skip


def _say(
    described: About, file: Path, openmetrics: Path | None, budgets: list[dict[str, Any]], *, json_wanted: bool
) -> None:
    if json_wanted:
        print_json(asdict(described) | {"file": str(file), "budgets": budgets})
        return
    official = f"{described.official / described.calls:.1%} official success"
    click.echo(f"{described.first} to {described.last}: {described.calls:,} transactions, {official}")
    if described.changes:
        table = Table(box=None, pad_edge=False)
        for column in ("service", "worst month", "official", "SLI", "objective", "budget spent", "unchanged"):
            table.add_column(column, no_wrap=True)
        for each in budgets:
            ratios = (f"{each[name]:.2%}" for name in ("official", "sli", "objective"))
            spent = (f"{each[name]:.0%}" for name in ("spent", "spent_unchanged"))
            table.add_row(each["service"], each["month"], *ratios, *spent)
        Console().print(table)
    click.echo(f"written to {file} (simulated, seed {described.seed}, digest {described.hours_sha256[:16]})", err=True)
    if openmetrics:
        click.echo(f"load it with: {_LOAD} {openmetrics} DATA_DIRECTORY", err=True)


def _named(file: Path) -> tuple[Path, Scenario, Period]:
    if not file.is_file():
        raise SettingsError(f"there is no scenario {file}: name one with --scenario")
    scenario = read_scenario(file)
    if scenario.period is None:
        raise SettingsError(f"{file} has no `period`, so it has no past: see docs/history.md")
    return file, scenario, scenario.period


def _first_with_a_period(directory: Path) -> tuple[Path, Scenario, Period]:
    for file in sorted(directory.glob("*.yaml")):
        scenario = read_scenario(file)
        if scenario.period is not None:
            return file, scenario, scenario.period
    raise SettingsError(f"no scenario in {directory} has a `period`: name one with --scenario")


def _say_facts(found: list[Fact], *, json_wanted: bool) -> None:
    if json_wanted:
        print_json([asdict(fact) | {"holds": fact.holds} for fact in found])
    else:
        table = Table("", "figure", "said", "came out", box=None, pad_edge=False)
        for fact in found:
            table.add_row("ok" if fact.holds else "NO", fact.what, fact.said, fact.came)
        Console().print(table)
    raise click.exceptions.Exit(0 if all(fact.holds for fact in found) else 1)
