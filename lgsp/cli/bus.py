"""`lgsp bus`: what stands on the broker."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path

import click

from lgsp.app.broker import CONNECTORS, definitions
from lgsp.cli.options import catalogue_of, places, print_json
from lgsp.edge.tokens import make_key
from lgsp.errors import SettingsError

ALERTING = ("alert-webhook-token", "alert-mail-password")
"""What Alertmanager shows to those whom it tells; put there what they want instead."""
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

    Users' passwords lie one a file in the secrets' directory, by default in the state directory; with --secrets the admin
    token, the key that signs access tokens and Alertmanager's credentials lie beside them, for processes that share them.
    """
    place = directory or state / "secrets"
    passwords = broker_passwords(place)
    if directory is not None:
        for name in ("admin-token", *ALERTING):
            _secret(place / name, _word)
        _secret(place / "token-key.pem", lambda: make_key().decode())
    document = definitions(catalogue_of(config), passwords, gateways)
    if output is None:
        print_json(document)
        return
    output.write_text(json.dumps(document, indent=2), encoding="utf-8")
    click.echo(f"definitions of {len(document['queues'])} queues lie in {output}", err=True)


def broker_passwords(place: Path) -> dict[str, str]:
    """The passwords of the broker's users in a directory, made where they are missing. Raises `SettingsError`."""
    return {name: _secret(place / f"{name}-password", _word).strip() for name in SECRETS}


def _word() -> str:
    return secrets.token_urlsafe(24)


def _secret(file: Path, make: Callable[[], str]) -> str:
    """The secret in a file of its own, made where it is missing."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file.exists():
            file.touch(mode=0o640)  # for the group: services of one compose file share it, not the user
            file.write_text(make(), encoding="utf-8")
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"the secret {file} cannot be read or made: {error.strerror}") from error
