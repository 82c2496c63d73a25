"""`lgsp load`: calls on purpose, at moments decided beforehand, and an account that does not flatter."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from lgsp.app import load as running
from lgsp.app.recorded import Recorded, recorded_of
from lgsp.catalogue.service import Catalogue
from lgsp.catalogue.units import parse_duration
from lgsp.cli.call import caller_of, trusting
from lgsp.cli.options import as_json, catalogue_of, places, print_json
from lgsp.cli.run import settings_from
from lgsp.edge.welcome import TESTER
from lgsp.errors import SettingsError
from lgsp.settings import Address
from lgsp.traffic.load.account import PERCENTS, Account, Line, Times
from lgsp.traffic.load.arrivals import Arrivals, Curve, Traced, bursts, constant, parse_stages, stages
from lgsp.traffic.load.limits import Limit, parse_limits
from lgsp.traffic.load.page import Verdict, page
from lgsp.traffic.replay.plan import Writing, writes

_INCONCLUSIVE = 4
CATALOGUE = "catalogue"
HTTP = {"http": "http://127.0.0.1:8280", "https": "https://127.0.0.1:8280"}
AMQP = {"amqp": "amqp://127.0.0.1:5672/lgsp", "amqps": "amqps://127.0.0.1:5671/lgsp"}
"""Kinds of addresses, each with one of them."""


@click.command()
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Calls a second, answered or not."
)
@click.option(
    "--users", type=click.IntRange(min=1), metavar="N", help="Users who ask, wait for the answer, think, ask again."
)
@click.option("--stages", "steps", metavar="30s:100,2m:100", help="Lengths, each with the rate at its end.")
@click.option("--for", "long", metavar="5m", help="How long; stages say it themselves.")
@click.option(
    "--arrivals",
    type=click.Choice(["even", "poisson", "bursty", "trace"]),
    default="even",
    show_default=True,
    help="How calls are spread; bursty: all of ten seconds within two; trace: with the pauses of --mix CAPTURE.",
)
@click.option(
    "--mix",
    default=CATALOGUE,
    show_default=True,
    metavar="catalogue|CAPTURE",
    help="What is asked: the catalogue's examples, or the calls of a capture (ours, HAR, GoReplay).",
)
@click.option("--allow-writes", is_flag=True, help="Of a capture, send what may change something too.")
@click.option("--think", default="1s", show_default=True, help="How long a user thinks, on average.")
@click.option(
    "--service", "only", multiple=True, metavar="ID", help="Only this service, by its own mix; may be repeated."
)
@click.option("--fail", "promises", default="", metavar="'p95<800ms,errors<1%'", help="What must hold; exit 1 if not.")
@click.option("--abort-on-fail", is_flag=True, help="End as soon as it does not hold.")
@click.option("--warm-up", default="0s", show_default=True, help="The beginning that is not judged.")
@click.option("--cool-down", default="0s", show_default=True, help="The end that is not judged.")
@click.option(
    "--max-lag", default="50ms", show_default=True, help="How late (p99) this tool may be itself; else exit 4."
)
@click.option("--max-in-flight", type=click.IntRange(min=1), default=1_000, show_default=True)
@click.option("--to", "url", default="http://127.0.0.1:8280", show_default=True, metavar="URL", help="The gateway.")
@click.option("--allow-target", multiple=True, metavar="HOST", help="A host beyond this machine that may be loaded.")
@click.option("--as", "consumer", default=TESTER, show_default=True, help="Who asks: a consumer's id.")
@click.option("--secret-file", type=click.Path(path_type=Path), help="Its secret [the one in the state directory].")
@click.option("--cacert", type=click.Path(path_type=Path), help="Whom to trust for https.")
@click.option("--seed", type=int, default=2023, show_default=True, help="Seed of all random draws.")
@click.option("--admin", metavar="ADDRESS", help="Where metrics and health are [LGSP_ADMIN; 127.0.0.1:8292].")
@click.option("--report", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write a page of HTML.")
@as_json
@places
def load(config: Path, state: Path, *, json_wanted: bool, **asked: Any) -> None:  # noqa: ANN401 - click's
    """Load a gateway with the calls of the catalogue or of a capture, and say how it did.

    Exit 1 when a promise is broken, 4 when this tool could not keep its own schedule: then the figures judge nobody.
    """
    limits = parse_limits(asked["promises"])
    catalogue = catalogue_of(config)
    for service in asked["only"]:
        catalogue.find(service)
    allow(asked["url"], asked["allow_target"])
    recorded = _recorded(asked, catalogue)
    plan = plan_of(asked, recorded)
    who = caller_of(config, state, asked["consumer"], asked["secret_file"])
    plan = replace(plan, credentials=who, trust=trusting(asked["cacert"], state))
    settings = settings_from(config, state, "127.0.0.1:8292", {"admin": asked["admin"]})
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        watch = _bar(progress, plan.seconds)
        run = running.run(settings, catalogue, plan, limits, abort=asked["abort_on_fail"], watch=watch)
    account = run.account
    verdicts = [
        (Limit(f"lag_p99<{asked['max_lag']}", "lag", "p99", "<", _length("--max-lag", asked["max_lag"]))),
        *limits,
    ]
    if asked["file"]:
        title = f"Load on {plan.url}"
        judged = [Verdict(limit.told(account), limit.holds(account)) for limit in verdicts]
        asked["file"].write_text(page(title, _sentences(plan, run), account, judged), encoding="utf-8")
    if json_wanted:
        print_json(_as_json(plan, run, verdicts))
    else:
        _print(plan, run, verdicts)
    raise click.exceptions.Exit(130 if run.interrupted else exit_code(verdicts, account))


def exit_code(limits: Sequence[Limit], account: Account) -> int:
    """4 where we were late ourselves, else 1 where a promise is broken, else 0."""
    broken = [limit for limit in limits if not limit.holds(account)]
    if any(limit.is_ours for limit in broken):
        return _INCONCLUSIVE
    return 1 if broken else 0


def _recorded(asked: dict[str, Any], catalogue: Catalogue) -> Recorded | None:
    """The calls of the capture that was asked for, if one was. Raises `SettingsError`, `CaptureError`."""
    if asked["mix"] == CATALOGUE:
        return None
    capture = Path(asked["mix"])
    if not capture.exists():
        raise SettingsError(f"--mix {capture}: there is no such capture, and what is no capture is called {CATALOGUE}")
    recorded = recorded_of(capture, catalogue, asked["only"])
    for why, count in recorded.left_out.most_common():
        click.echo(f"{count:,} records of {capture} are left out: {why}", err=True)
    if not recorded.calls:
        raise SettingsError(f"--mix {capture}: none of its records asks for an operation that is to be loaded")
    if not asked["allow_writes"]:
        refuse_writes(recorded.calls, catalogue, asked["url"])
    return recorded


def plan_of(asked: dict[str, Any], recorded: Recorded | None = None) -> running.Plan:
    """What the options mean; `recorded` is the capture that they name. Raises `SettingsError`."""
    given = [name for name in ("rate", "users", "steps") if asked[name] is not None]
    if len(given) != 1:
        raise SettingsError(
            "say how much, in one way: --rate 50 --for 1m, --users 10 --for 1m, or --stages 30s:50,1m:50"
        )
    steps = parse_stages(asked["steps"]) if asked["steps"] else []
    if bool(asked["long"]) == bool(steps):
        raise SettingsError("--for says how long, and --stages says it itself: give one of them")
    seconds = sum(length for length, _ in steps) if steps else _length("--for", asked["long"])
    if seconds <= 0:
        raise SettingsError("--for 0s sends nothing")
    traced = asked["arrivals"] == "trace"
    if traced and (recorded is None or asked["rate"] is None):
        raise SettingsError("--arrivals trace goes with --mix CAPTURE, whose pauses it keeps, and with --rate")
    plan = running.Plan(
        url=asked["url"],
        seconds=seconds,
        seed=asked["seed"],
        arrivals=None if asked["users"] else _arrivals(asked, steps, seconds, recorded),
        users=asked["users"] or 0,
        think=_length("--think", asked["think"]),
        by_chance=True,
        warm_up=_length("--warm-up", asked["warm_up"]),
        cool_down=_length("--cool-down", asked["cool_down"]),
        max_in_flight=asked["max_in_flight"],
        only=asked["only"],
        recorded=recorded.calls if recorded else (),
        in_order=traced,
    )
    if plan.warm_up + plan.cool_down >= seconds:
        raise SettingsError(f"--warm-up and --cool-down leave nothing of {seconds:g} s to judge")
    return plan


def _arrivals(
    asked: dict[str, Any], steps: list[tuple[float, float]], seconds: float, recorded: Recorded | None
) -> Arrivals | Traced:
    if recorded is not None and asked["arrivals"] == "trace":
        return Traced(recorded.moments, asked["rate"], seconds)
    seed = asked["seed"] if asked["arrivals"] == "poisson" else None
    return Arrivals(_curve(asked, steps, seconds), seed)


def _curve(asked: dict[str, Any], steps: list[tuple[float, float]], seconds: float) -> Curve:
    if asked["arrivals"] == "bursty":
        if steps:
            raise SettingsError("--arrivals bursty goes with --rate")
        return bursts(asked["rate"], seconds, on=2.0, off=8.0)
    return stages(steps) if steps else constant(asked["rate"], seconds)


def allow(url: str, allowed: Sequence[str], schemes: Mapping[str, str] = HTTP) -> None:
    """Raise `SettingsError` for a target beyond this machine that was not allowed by name."""
    host = urlsplit(url).hostname or ""
    if urlsplit(url).scheme not in schemes or not host:
        raise SettingsError(f"{url!r} is no address: write it as {next(iter(schemes.values()))}")
    if not Address(host, 0).is_loopback and host not in allowed:
        raise SettingsError(f"{host} is beyond this machine: add --allow-target {host} if it may be loaded")


def refuse_writes(calls: Iterable[Writing], catalogue: Catalogue, where: str) -> None:
    """Raise `SettingsError` where something goes that may change the target."""

    def idempotent(service: str, operation: str) -> bool:
        if service not in catalogue:
            return False
        known = catalogue.find(service).operations.get(operation)
        return known is not None and known.idempotent

    sent = 0

    def counted() -> Iterator[Writing]:
        nonlocal sent
        for call in calls:
            sent += 1
            yield call

    found = writes(counted(), idempotent)
    if found:
        most = ", ".join(f"{name} ({count})" for name, count in found.most_common(5))
        raise SettingsError(
            f"{found.total()} of {sent} calls may change something at {where}: {most}; add --allow-writes if that is meant"
        )


def _length(flag: str, text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise SettingsError(f"{flag}: {error}") from error


def _bar(progress: Progress, seconds: float) -> Callable[[running.Run], None]:
    bar = progress.add_task("starting", total=seconds)

    def watch(run: running.Run) -> None:
        whole = run.account.whole
        says = f"{run.account.sent:,} answered, {whole.errors:.2%} errors, p95 {whole.response.percentile(95) * 1000:.0f} ms"
        progress.update(bar, description=says, advance=1.0)

    return watch


def _sentences(plan: running.Plan, run: running.Run) -> list[str]:
    account = run.account
    how = f"{plan.users} users" if plan.users else repr(plan.arrivals).strip("<>").lower()
    if plan.recorded:
        how += f", {len(plan.recorded):,} recorded calls {'in their order' if plan.in_order else 'by chance'}"
    said = [f"{how}, seed {plan.seed}: {account.sent:,} calls, {account.rate:.1f} judged a second."]
    if account.cut:
        said.append(f"{account.cut:,} calls of warm-up and cool-down are drawn and not judged.")
    if account.unsent:
        said.append(f"{account.unsent:,} calls were due and never went: the run was cut short.")
    if run.aborted:
        said.append(f"Ended early: {run.aborted.told(account)}.")
    return said


def _as_json(plan: running.Plan, run: running.Run, limits: Sequence[Limit]) -> dict[str, Any]:
    account = run.account
    return {
        "to": plan.url,
        "seed": plan.seed,
        "sent": account.sent,
        "judged": account.whole.n,
        "cut": account.cut,
        "unsent": account.unsent,
        "rate": account.rate,
        "aborted_by": run.aborted.text if run.aborted else None,
        **_line_json(account.whole),
        "lag": times_json(account.lag),
        "services": {name: _line_json(line) for name, line in sorted(account.services.items())},
        "limits": [
            {"limit": limit.text, "seen": limit.seen(account), "kept": limit.holds(account)} for limit in limits
        ],
    }


def _line_json(line: Line) -> dict[str, Any]:
    return {
        "errors": line.errors,
        "outcomes": {str(outcome): count for outcome, count in sorted(line.outcomes.items())},
        "response": times_json(line.response),
        "service_time": times_json(line.service),
    }


def times_json(times: Times) -> dict[str, float]:
    """Seconds by name: the percentiles, `mean`, `max`."""
    named = {f"p{percent:g}": times.percentile(percent) for percent in PERCENTS}
    return named | {"mean": times.mean, "max": times.highest}


def _print(plan: running.Plan, run: running.Run, limits: Sequence[Limit]) -> None:
    account = run.account
    for sentence in _sentences(plan, run):
        click.echo(sentence)
    table = Table(box=None, pad_edge=False)
    table.add_column("milliseconds")
    for name in [*(f"p{percent:g}" for percent in PERCENTS), "mean", "max"]:
        table.add_column(name, justify="right")
    rows = (("response (from due)", account.whole.response), ("service (from send)", account.whole.service))
    for name, times in (*rows, ("own lag", account.lag)):
        table.add_row(name, *(f"{value * 1000:,.1f}" for value in times_json(times).values()))
    Console(width=100).print(table)
    counts = ", ".join(f"{outcome} {count:,}" for outcome, count in account.whole.outcomes.most_common())
    click.echo(f"outcomes: {counts}")
    for limit in limits:
        click.echo(f"{'kept  ' if limit.holds(account) else 'BROKEN'} {limit.told(account)}")
    if any(limit.is_ours and not limit.holds(account) for limit in limits):
        click.echo("inconclusive: this tool was late itself; ask for less, or use a faster machine", err=True)
