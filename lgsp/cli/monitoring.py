"""`lgsp monitoring`: what watches it all, for Prometheus, Alertmanager and RabbitMQ, ours or others'."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from lgsp.app.broker import definitions
from lgsp.catalogue.calendar import read_zone
from lgsp.cli.bus import broker_passwords
from lgsp.cli.options import as_json, catalogue_of, places, print_json
from lgsp.clock import SystemClock
from lgsp.errors import SettingsError
from lgsp.monitoring.export import BOARDS, Targets, exported, exported_boards, in_vhost
from lgsp.monitoring.profile import Profile, offset_of, parse_matchers, parse_severities
from lgsp.monitoring.routing import Receivers, alertmanager
from lgsp.monitoring.rules import as_yaml, rules
from lgsp.settings import make_state


@click.group()
def monitoring() -> None:
    """What watches lgsp: rules and alerts for Prometheus, routes for Alertmanager."""


_scale = click.option(
    "--scale",
    type=click.IntRange(min=1, max=3_600),
    default=1,
    show_default=True,
    help="Divide every time by this: 60 makes an hour a minute, for a demo.",
)
_output = click.option("--output", type=click.Path(path_type=Path), help="Write to this file instead of printing.")


def profile_of(config: Path, **fields: Any) -> Profile:  # noqa: ANN401 - the profile's own
    """The profile of a configuration's calendar. Raises `SettingsError`, `CatalogueError`."""
    zone = read_zone(config)
    year = datetime.fromtimestamp(SystemClock().now(), UTC).year
    return Profile(zone=zone, offset=offset_of(zone, year), **fields)


def _give(document: dict[str, Any], command: str, scale: int, output: Path | None) -> None:
    text = as_yaml(document, command + (f" --scale {scale}" if scale != 1 else ""))
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"it lies in {output}", err=True)


@monitoring.command("rules")
@_scale
@_output
@places
def print_rules(config: Path, state: Path, scale: int, output: Path | None) -> None:  # noqa: ARG001 - on every command
    """Print the rule file: recording rules and alerts of every service, whichever there are."""
    _give(rules(profile_of(config, scale=scale)), "lgsp monitoring rules", scale, output)


@monitoring.command("routes")
@_scale
@_output
@places
def print_routes(config: Path, state: Path, scale: int, output: Path | None) -> None:  # noqa: ARG001 - on every command
    """Print a configuration for Alertmanager: routes, inhibition, receivers by webhook and mail."""
    _give(alertmanager(profile_of(config, scale=scale), Receivers()), "lgsp monitoring routes", scale, output)


@monitoring.command("boards")
@_scale
@click.option("--output", type=click.Path(path_type=Path), help="Write a file for each into this directory.")
@places
def print_boards(config: Path, state: Path, scale: int, output: Path | None) -> None:  # noqa: ARG001 - on every command
    """Print the boards for Grafana as one JSON list. Only development needs this: what it makes is shipped."""
    try:
        from lgsp.monitoring.dashboards import dashboards  # noqa: PLC0415 - only development has what it is made with
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"{error.name} is not installed: `make generated` brings it; the boards made with it lie in {BOARDS} of the configuration"
        ) from error
    made = dashboards(profile_of(config, scale=scale))
    if output is None:
        print_json([json.loads(text) for text in made.values()])
        return
    output.mkdir(parents=True, exist_ok=True)
    for uid, text in made.items():
        (output / f"{uid}.json").write_text(text, encoding="utf-8")
    click.echo(f"they lie in {output}", err=True)


@monitoring.command("export")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--match", default="", metavar="MATCHERS", help="Label matchers of this installation: 'env=\"prod\"'.")
@click.option("--severity", "severities", multiple=True, metavar="OURS=YOURS", help="What a severity is called there.")
@click.option("--vhost", default="lgsp", show_default=True, help="Our vhost on the broker.")
@click.option(
    "--datasource", default="lgsp-prometheus", show_default=True, help="The uid of that Prometheus in Grafana."
)
@click.option(
    "--console-url", default="http://127.0.0.1:8290", show_default=True, help="Where alerts and boards lead to."
)
@click.option("--boards-url", default="http://127.0.0.1:3000", show_default=True, help="Grafana, where alerts lead to.")
@click.option("--runbook-url", default="docs/runbooks", show_default=True, help="Where the runbooks can be read.")
@click.option(
    "--gateway", "gateways", multiple=True, default=("127.0.0.1:8290",), help="A gateway's admin or metrics port."
)
@click.option("--connectors", multiple=True, default=("127.0.0.1:8291",), help="The same of connectors.")
@click.option("--broker", "brokers", multiple=True, default=("127.0.0.1:15692",), help="RabbitMQ's Prometheus port.")
@click.option(
    "--token-file", default="admin-token", show_default=True, help="Where Prometheus finds the admin token; '': none."
)
@_scale
@as_json
@places
def export(
    directory: Path,
    config: Path,
    state: Path,
    *,
    match: str,
    severities: tuple[str, ...],
    vhost: str,
    datasource: str,
    console_url: str,
    boards_url: str,
    runbook_url: str,
    gateways: tuple[str, ...],
    connectors: tuple[str, ...],
    brokers: tuple[str, ...],
    token_file: str,
    scale: int,
    json_wanted: bool,
) -> None:
    """Write to DIRECTORY what a Prometheus, an Alertmanager, a Grafana and a RabbitMQ of others take in.

    Scrape jobs, rules, routes with inhibition, boards, and RabbitMQ's definitions with users and policies. Passwords of the users lie in
    the state directory, as with `lgsp bus definitions`; the definitions hold their hashes.
    """
    profile = profile_of(
        config,
        scale=scale,
        matchers=parse_matchers(match),
        severities=parse_severities(severities),
        vhost=vhost,
        console=console_url.rstrip("/"),
        boards=boards_url.rstrip("/"),
        runbooks=runbook_url.rstrip("/"),
    )
    targets = Targets(gateways, connectors, brokers, token_file)
    document = in_vhost(
        definitions(catalogue_of(config), broker_passwords(make_state(state) / "secrets"), ["gw1"]), vhost
    )
    written = {
        **exported(profile, targets, Receivers()),
        **exported_boards(config / BOARDS, profile, datasource),
        "rabbitmq.json": json.dumps(document, indent=2) + "\n",
    }
    (directory / "boards").mkdir(parents=True, exist_ok=True)
    for name, text in written.items():
        (directory / name).write_text(text, encoding="utf-8")
    if json_wanted:
        print_json([str(directory / name) for name in written])
        return
    for name in written:
        click.echo(directory / name)
    click.echo("docs/alerts.md says where each of them goes", err=True)
