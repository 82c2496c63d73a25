"""`lgsp certs`: certificates for trying TLS on all hops."""

from __future__ import annotations

import re
from pathlib import Path

import click

from lgsp.cli.options import as_json, places, print_json
from lgsp.clock import SystemClock
from lgsp.edge.tls import hand_out
from lgsp.errors import SettingsError

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")


@click.group()
def certs() -> None:
    """Certificates of a test authority."""


@certs.command("dev")
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option(
    "--server",
    "servers",
    multiple=True,
    default=("gateway", "broker"),
    show_default=True,
    metavar="NAME[=HOST,HOST]",
    help="A server, and the names that its certificate carries beside loopback's; may be repeated.",
)
@click.option(
    "--client", "clients", multiple=True, default=("client",), show_default=True, metavar="NAME", help="Who calls one."
)
@as_json
@places
def dev(
    directory: Path | None,
    servers: tuple[str, ...],
    clients: tuple[str, ...],
    config: Path,  # noqa: ARG001 - stands on every command
    state: Path,
    *,
    json_wanted: bool,
) -> None:
    """Make a test authority, and certificates that it gives to servers and clients, each with its key in one file (0600).

    They lie in DIRECTORY, `tls/` of the state directory by default, where also `--tls` finds its own authority. It is
    made once; certificates are made anew, for 397 days. Whoever has authority.pem can be anybody to those who trust it.
    """
    hosts = {
        name: tuple(filter(None, listed.split(","))) for name, _, listed in (each.partition("=") for each in servers)
    }
    for name in (*hosts, *clients):
        if not _NAME.fullmatch(name) or name == "authority":
            raise SettingsError(
                f"{name!r} names no file here: small letters, digits, dots and hyphens, not `authority`"
            )
    made = hand_out(directory or state / "tls", hosts, clients, SystemClock().now())
    if json_wanted:
        print_json({name: str(file) for name, file in made.items()})
        return
    for name, file in made.items():
        click.echo(f"{name:<12} {file}")
