"""`lgsp bus`: what stands on the broker."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import click

from lgsp.app import CONNECTORS, definitions
from lgsp.cli.options import catalogue_of, places, print_json
from lgsp.errors import SettingsError

SECRETS = ("admin", "gateway", CONNECTORS)


@click.group()
def bus() -> None:
    """What stands on the broker."""


@bus.command("definitions")
@click.option(
    "--secrets", "directory", type=click.Path(path_type=Path), help="Where passwords lie; made where missing."
)
@click.option("--gateway", "gateways", multiple=True, default=("gw1",), show_default=True, help="A gateway's name.")
@click.option("--output", type=click.Path(path_type=Path), help="Write to this file instead of printing.")
@places
def print_definitions(
    config: Path,
    state: Path,
    directory: Path | None,
    gateways: tuple[str, ...],
    output: Path | None,
) -> None:
    """Print RabbitMQ's definitions document: import it on boot, or through the management API.

    Users' passwords lie one a file in the secrets' directory, by default in the state directory.
    """
    passwords = {name: _password(directory or state / "secrets", name) for name in SECRETS}
    document = definitions(catalogue_of(config), passwords, gateways)
    if output is None:
        print_json(document)
        return
    output.write_text(json.dumps(document, indent=2), encoding="utf-8")
    click.echo(f"definitions of {len(document['queues'])} queues lie in {output}", err=True)


def _password(directory: Path, name: str) -> str:
    """The password in a file of its own, made where it is missing."""
    file = directory / f"{name}-password"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file.exists():
            file.touch(mode=0o640)  # for the group: services of one compose file share it, not the user
            file.write_text(secrets.token_urlsafe(24), encoding="utf-8")
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"the secret {file} cannot be read or made: {error.strerror}") from error
