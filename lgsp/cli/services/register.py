"""`lgsp services add|rm`: into the configuration, onto the broker, and out again."""

from __future__ import annotations

import asyncio
import json
import re
import time
import urllib.request
from pathlib import Path

import click

from lgsp.app.broker import provision_services
from lgsp.catalogue.consumer import read_consumers
from lgsp.catalogue.live import plan
from lgsp.catalogue.parse import read_catalogue
from lgsp.catalogue.source import near
from lgsp.cli.options import as_json, catalogue_of, places, print_json
from lgsp.cli.services.check import as_if_there
from lgsp.cli.words import in_words, say
from lgsp.errors import BusUnavailable, SettingsError
from lgsp.settings import environment, read_secret

PATIENCE = 10.0
"""Seconds until a running process has seen a file, at most."""
_admin = click.option("--admin", metavar="URL", help="The admin port of a running process: say when it is in force.")


@click.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--broker", metavar="URL", help="Make its queue on this broker, as a user that may [LGSP_BROKER_PASSWORD]."
)
@click.option("--subscribe", "subscribers", multiple=True, metavar="CONSUMER", help="Who may call it; may be repeated.")
@_admin
@as_json
@in_words
@places
def add(
    file: Path,
    broker: str | None,
    subscribers: tuple[str, ...],
    admin: str | None,
    config: Path,
    state: Path,  # noqa: ARG001 - stands on every command
    *,
    json_wanted: bool,
) -> None:
    """Register the services of FILE: checked, provisioned, put into `services.d/`, subscribed.

    Nothing is done when there is a mistake. A file of that name from before is replaced.
    """
    before = catalogue_of(config)
    after = read_catalogue(config, as_if_there(file))
    changes = plan(before, after)
    _know(subscribers, config)
    if broker and changes.added:
        asyncio.run(provision_services(broker, read_secret("LGSP_BROKER_PASSWORD", environment()), changes.added))
    put(config / "services.d" / file.name, file.read_bytes())
    for service in changes.added if subscribers else ():
        put(config / "consumers.d" / _subscriptions_of(service), _subscriptions(service, subscribers).encode())
    in_force = None if admin is None else _wait_until(admin, changes.added)
    if json_wanted:
        print_json(
            {"added": changes.added, "changed": changes.changed, "removed": changes.removed, "in_force": in_force}
        )
        return
    for service in changes.added:
        found = after.find(service)
        click.echo(say("added {}: {} operations under {}", service, len(found.operations), found.context), err=True)
    for service in changes.changed:
        click.echo(say("changed {}", service), err=True)
    if not changes:
        click.echo(say("nothing changed: it is registered already"), err=True)
    if in_force:
        click.echo(say("in force at {}", admin), err=True)


@click.command("rm")
@click.argument("service_id", metavar="ID")
@_admin
@as_json
@in_words
@places
def remove(service_id: str, admin: str | None, config: Path, state: Path, *, json_wanted: bool) -> None:  # noqa: ARG001 - as above
    """Take service ID out of `services.d/`; with --admin say how many of its transactions are open or parked.

    What was accepted before is answered, and its totals stay. A file that holds other services too is left to a person.
    """
    service = catalogue_of(config).find(service_id)
    name = service.where.rpartition(":")[0]
    beside = [other.id for other in catalogue_of(config) if other.where.rpartition(":")[0] == name][1:]
    if not name.startswith("services.d/") or beside:
        raise SettingsError(
            say("{} stands in {}, which is not its own: take it out there by hand", service_id, service.where)
        )
    still_open, parked = (None, None) if admin is None else _left(admin, service_id)
    (config / name).unlink()
    (config / "consumers.d" / _subscriptions_of(service_id)).unlink(missing_ok=True)
    if json_wanted:
        print_json({"removed": service_id, "open": still_open, "parked": parked})
        return
    click.echo(say("removed {}; its totals stay", service_id), err=True)
    if still_open is not None:
        click.echo(say("{} of its transactions are open: they are answered", still_open), err=True)
    if parked:
        click.echo(say("{} are parked: see lgsp parked ls", parked), err=True)


def put(file: Path, data: bytes) -> None:
    """Write a file in one step: whoever watches sees it whole. Raises `SettingsError`."""
    beside = file.with_name(f".{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(data)
        beside.replace(file)
    except OSError as error:
        raise SettingsError(say("{} cannot be written: {}", file, error.strerror)) from error


def _know(consumers: tuple[str, ...], config: Path) -> None:
    known = read_consumers(config)
    for consumer in consumers:
        if consumer not in known:
            raise SettingsError(say("there is no consumer {}", repr(consumer)) + near(consumer, list(known)))


def _subscriptions_of(service: str) -> str:
    return f"subscriptions-{service}.yaml"


def _subscriptions(service: str, consumers: tuple[str, ...]) -> str:
    lines = [f"# Written by `lgsp services add`: who may call {service}, besides those who may by their own entry."]
    lines += [f"{consumer}:\n  also: [{service}]" for consumer in dict.fromkeys(consumers)]
    return "\n".join(lines) + "\n"


def _get(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - the address that the caller gave
            text: str = answer.read().decode()
            return text
    except (OSError, ValueError) as error:
        raise BusUnavailable(
            "bus_unavailable", say("no process answers at {} ({}): start one, or leave out --admin", url, error)
        ) from error


def _left(admin: str, service: str) -> tuple[int, int]:
    """How many transactions of a service are open, and how many are parked."""
    return left_in(_get(f"{admin.rstrip('/')}/metrics"), service)


def left_in(metrics: str, service: str) -> tuple[int, int]:
    """How many transactions of a service are open, and how many are parked, as `/metrics` has it; 0 where it does not."""
    found = (
        re.search(rf'lgsp_{what}_transactions\{{service="{service}"\}} (\S+)', metrics) for what in ("open", "parked")
    )
    still_open, parked = (int(float(each[1])) if each else 0 for each in found)
    return still_open, parked


def _wait_until(admin: str, added: tuple[str, ...]) -> bool:
    """Whether the process has what was added in force; it says why not in its notes."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        metrics = _get(f"{admin.rstrip('/')}/metrics")
        if all(f'service="{name}"' in metrics for name in added):
            return True
        time.sleep(0.1)
    notes = json.loads(_get(f"{admin.rstrip('/')}/readyz?verbose"))["notes"]
    raise SettingsError(
        say("{} has it not in force: {}", admin, "; ".join(notes) or say("is it another configuration?"))
    )
