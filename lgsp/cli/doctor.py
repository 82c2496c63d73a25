"""`lgsp doctor`: what is missing here, and the command that mends it."""

from __future__ import annotations

import importlib.util
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from lgsp.bus.node import find_server
from lgsp.catalogue.consumer import read_consumers
from lgsp.cli.options import as_json, catalogue_of, places, print_json
from lgsp.errors import CatalogueError, SettingsError
from lgsp.settings import Address, make_state


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `mend` is what to do where it is not well; `needed` is false where lgsp runs without it."""

    what: str
    well: bool
    says: str
    mend: str = ""
    needed: bool = True


def examine(config: Path, state: Path, addresses: dict[str, Address]) -> Iterator[Finding]:
    """Everything that `lgsp up` needs from this machine."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")
    parser = importlib.util.find_spec("aiohttp._http_parser")
    yield Finding("http parser", parser is not None, "compiled" if parser else "pure Python", "reinstall aiohttp")
    yield _configuration(config)
    yield _state(state)
    for name, address in addresses.items():
        yield _port(name, address)
    yield _broker()


def _configuration(config: Path) -> Finding:
    try:
        catalogue, consumers = catalogue_of(config), read_consumers(config)
    except CatalogueError as error:
        mistakes = f"{config}: {len(error.problems)} mistakes"
        return Finding("configuration", well=False, says=mistakes, mend="lgsp services validate")
    return Finding("configuration", well=True, says=f"{config}: {len(catalogue)} services, {len(consumers)} consumers")


def _state(state: Path) -> Finding:
    try:
        make_state(state)
    except SettingsError as error:
        return Finding("state", well=False, says=str(error), mend="name another directory with --state")
    return Finding("state", well=True, says=str(state))


def _port(name: str, address: Address) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            mend = f"stop what listens there, or choose another port with --{name}"
            return Finding(name, well=False, says=f"{address}: {error.strerror}", mend=mend)
    return Finding(name, well=True, says=f"{address} is free")


def _broker() -> Finding:
    try:
        where = find_server()
    except SettingsError as error:
        return Finding("rabbitmq", well=False, says="not installed", mend=str(error), needed=False)
    return Finding("rabbitmq", well=True, says=str(where), needed=False)


@click.command()
@click.option("--live", metavar="URL", help="Only ask a running process: exit 0 when its URL answers 200.")
@as_json
@places
def doctor(config: Path, state: Path, live: str | None, *, json_wanted: bool) -> None:
    """Say line by line what is well and what is missing; exit 1 when something that is needed is missing."""
    if live:
        raise click.exceptions.Exit(_ask(live))
    addresses = {"listen": Address("127.0.0.1", 8280), "admin": Address("127.0.0.1", 8290)}
    findings = list(examine(config, state, addresses))
    if json_wanted:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = "ok  " if finding.well else "MISS" if finding.needed else "note"
            click.echo(f"{mark} {finding.what}: {finding.says}")
            if not finding.well:
                click.echo(f"     {finding.mend}")
    missing = any(finding.needed and not finding.well for finding in findings)
    raise click.exceptions.Exit(1 if missing else 0)


def _ask(url: str) -> int:
    if not url.startswith(("http://127.", "http://localhost", "http://[::1]")):
        raise SettingsError(f"--live asks this machine only, not {url}")
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - a loopback address, checked above
            return 0 if answer.status == 200 else 1
    except (urllib.error.URLError, TimeoutError) as error:
        click.echo(f"lgsp: {url} does not answer: {error}", err=True)
        return 3
