"""`lgsp stack`: the whole installation on this machine, watched."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from lgsp.app.process import run
from lgsp.app.stack import Wanted
from lgsp.app.stack import stack as whole
from lgsp.cli.monitoring import profile_of
from lgsp.cli.options import as_json, places, print_json
from lgsp.settings import make_state


@click.command()
@click.option(
    "--scale",
    type=click.IntRange(min=1, max=3_600),
    default=1,
    show_default=True,
    help="Divide every time of the rules by this: 60 makes an hour a minute.",
)
@click.option(
    "--scenario",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Another day [scenarios/demo.yaml].",
)
@click.option("--pace", type=click.FloatRange(min=0.001), default=1.0, show_default=True, help="How fast the day goes.")
@click.option("--no-traffic", is_flag=True, help="No demo traffic.")
@click.option(
    "--past", is_flag=True, help="Simulate a past up to yesterday in the background, where Prometheus is new."
)
@click.option("--any-port", is_flag=True, help="Free ports instead of the usual ones.")
@as_json
@places
def stack(
    config: Path,
    state: Path,
    *,
    scale: int,
    scenario: Path | None,
    pace: float,
    no_traffic: bool,
    past: bool,
    any_port: bool,
    json_wanted: bool,
) -> None:
    """Run a private RabbitMQ, gateway, connectors, Prometheus, Alertmanager, and Grafana if it is installed.

    From the system's packages, on loopback; stop with Ctrl-C. Rules are loaded, demo traffic runs.
    """
    day = None if no_traffic else scenario or config / "scenarios" / "demo.yaml"
    profile = profile_of(config, scale=scale)

    def announce(addresses: Mapping[str, str]) -> None:
        if json_wanted:
            print_json(addresses)
        else:
            for line in _lines(addresses, state, scale):
                click.echo(line)
        sys.stdout.flush()

    run(whole(Wanted(config, make_state(state), day, pace, profile, any_port, past), announce))


def _lines(addresses: Mapping[str, str], state: Path, scale: int) -> list[str]:
    names = {
        "gateway": "gateway", "admin": "admin", "connectors": "connectors", "prometheus": "prometheus",
        "alertmanager": "alertmanager", "grafana": "grafana", "broker": "broker", "node": "node",
    }  # fmt: skip
    lines = [f"{name:13}{addresses[key]}" for key, name in names.items() if key in addresses]
    if "grafana" not in addresses:
        lines.append("grafana      is not installed: the console is at the admin address")
    places = f"--admin {addresses['admin']} --state {state} --scale {scale} --node {addresses['node']}"
    lines.append(f"drill        lgsp drill run {places} --prometheus {addresses['prometheus']} FILE")
    return lines
