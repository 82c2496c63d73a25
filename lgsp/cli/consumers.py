"""`lgsp consumers`: who may call."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from lgsp.catalogue.consumer import (
    LIVE_SECRETS,
    WRITTEN,
    Consumer,
    Limit,
    as_yaml,
    consumer_sources,
    parse_consumers,
    read_consumers,
    strangers,
)
from lgsp.catalogue.secret import hashed
from lgsp.catalogue.source import Source, near
from lgsp.catalogue.units import parse_frequency
from lgsp.cli.options import as_json, catalogue_of, places, print_json
from lgsp.edge.welcome import secret_file_of
from lgsp.errors import SettingsError

_secret_file = click.option(
    "--secret-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take the secret that the client already has; default a new one, printed once.",
)


@click.group()
def consumers() -> None:
    """List, add and remove the systems that may call, and change their secrets.

    What a command adds lies in `consumers.d/`; running gateways see it within a second.
    """


@consumers.command("ls")
@as_json
@places
def list_consumers(config: Path, state: Path, *, json_wanted: bool) -> None:  # noqa: ARG001 - stands on every command
    """List the consumers and what they may call."""
    found = read_consumers(config)
    for name, scope in strangers(found.values(), catalogue_of(config)):
        click.echo(f"lgsp: {name}: no service or operation is called {scope!r}", err=True)
    if json_wanted:
        print_json([as_data(consumer) for consumer in found.values()])
        return
    table = Table("id", "key", "organisation", "secrets", "may call", "limits", "", "title", box=None, pad_edge=False)
    for consumer in found.values():
        marks = [consumer.behaviour] + [mark for mark in ("may_force", "disabled") if getattr(consumer, mark)]
        table.add_row(
            consumer.id,
            consumer.client,
            consumer.organisation,
            "local" if consumer.local else str(len(consumer.secrets)),
            ", ".join(consumer.subscriptions) or "nothing",
            str(len(consumer.limits) or ""),
            ", ".join(marks),
            consumer.title,
        )
    Console().print(table)


@consumers.command("add")
@click.argument("consumer_id", metavar="ID")
@click.option("--title", default="", help="What people call it.")
@click.option("--organisation", default="", help="The organisation code of who runs it, 000.00.00.X00.")
@click.option("--key", default="", help="What it asks for tokens with; default its id.")
@_secret_file
@click.option(
    "--subscribe",
    "subscriptions",
    multiple=True,
    metavar="SCOPE",
    help='A service, one operation as "SERVICE METHOD /template", or "*"; may be repeated.',
)
@click.option(
    "--limit", "limits", multiple=True, metavar="[SCOPE=]50/s", help="At most so many calls; may be repeated."
)
@click.option(
    "--certificate", "certificates", multiple=True, metavar="NAME", help="A name of its certificate; may be repeated."
)
@click.option("--network", "networks", multiple=True, metavar="NET", help="Where it may come from; may be repeated.")
@click.option("--calm", is_flag=True, help="No random errors, no simulated latency.")
@click.option("--may-force", is_flag=True, help="It may force outcomes with X-Lgsp-Force.")
@as_json
@places
def add(
    consumer_id: str,
    title: str,
    organisation: str,
    key: str,
    secret_file: Path | None,
    subscriptions: tuple[str, ...],
    limits: tuple[str, ...],
    certificates: tuple[str, ...],
    networks: tuple[str, ...],
    config: Path,
    state: Path,  # noqa: ARG001 - as above
    *,
    calm: bool,
    may_force: bool,
    json_wanted: bool,
) -> None:
    """Add a consumer. Its secret is printed once; what is kept is a hash."""
    secret = _secret(secret_file)
    consumer = Consumer(
        id=consumer_id,
        title=title,
        organisation=organisation,
        key=key,
        secrets=(hashed(secret, secrets.token_bytes(16)),),
        certificates=certificates,
        networks=networks,
        subscriptions=subscriptions,
        limits=tuple(_limit(text) for text in limits),
        behaviour="calm" if calm else "field",
        may_force=may_force,
    )
    file = _file(config, consumer_id)
    if file.exists():
        raise SettingsError(f"{file} exists already: remove the consumer with `lgsp consumers rm {consumer_id}` first")
    _check(config, file, consumer)
    _write(file, consumer)
    _tell(consumer, None if secret_file else secret, file, json_wanted=json_wanted)


@consumers.command("rotate")
@click.argument("consumer_id", metavar="ID")
@_secret_file
@click.option("--finish", is_flag=True, help="End the secret that was replaced before, instead of making a new one.")
@as_json
@places
def rotate(
    consumer_id: str, secret_file: Path | None, config: Path, state: Path, *, finish: bool, json_wanted: bool
) -> None:
    """Give a consumer a new secret. The one before stays valid until the next `rotate`, or `rotate --finish`."""
    consumer = _existing(config, state, consumer_id)
    file = _ours(config, consumer)
    secret = None if finish else _secret(secret_file)
    kept = (*([hashed(secret, secrets.token_bytes(16))] if secret else []), *consumer.secrets)
    changed = consumer.model_copy(update={"secrets": kept[: 1 if finish else LIVE_SECRETS]})
    _write(file, changed)
    _tell(changed, None if secret_file else secret, file, json_wanted=json_wanted)


@consumers.command("rm")
@click.argument("consumer_id", metavar="ID")
@places
def remove(consumer_id: str, config: Path, state: Path) -> None:
    """Remove a consumer: its tokens are worth nothing from then on."""
    file = _ours(config, _existing(config, state, consumer_id))
    file.unlink()
    click.echo(f"{consumer_id} is removed", err=True)


def as_data(consumer: Consumer) -> dict[str, Any]:
    """A consumer for programs, without its hashes."""
    data: dict[str, Any] = consumer.model_dump(exclude={"secrets"})
    return data | {"key": consumer.client, "live_secrets": len(consumer.secrets)}


def _secret(file: Path | None) -> str:
    if file is None:
        return secrets.token_urlsafe(32)
    try:
        secret = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the secret cannot be read from {file}: {error}") from error
    if not secret:
        raise SettingsError(f"{file} is empty: it should hold the secret and nothing else")
    return secret


def _limit(text: str) -> Limit:
    scope, _, frequency = text.rpartition("=")
    try:
        count, seconds = parse_frequency(frequency)
    except ValueError as error:
        raise SettingsError(f"--limit {text}: {error}") from error
    return Limit(scope=scope or "*", count=count, seconds=seconds)


def _file(config: Path, consumer: str) -> Path:
    return config / "consumers.d" / f"{Path(consumer).name}.yaml"


def _check(config: Path, file: Path, consumer: Consumer) -> None:
    """Whether the configuration is a good one with this consumer. Raises `LgspError`."""
    new = Source(str(file.relative_to(config)), as_yaml(consumer).encode())
    parse_consumers([*consumer_sources(config), new])
    catalogue = catalogue_of(config)
    known = [service.id for service in catalogue]
    known += [f"{service.id} {operation}" for service in catalogue for operation in service.operations]
    for _, scope in strangers([consumer], catalogue):
        raise SettingsError(f"no service or operation is called {scope!r}{near(scope, known)}: see lgsp services ls")


def _existing(config: Path, state: Path, consumer_id: str) -> Consumer:
    known = read_consumers(config)
    if consumer_id not in known:
        raise SettingsError(f"there is no consumer {consumer_id!r}{near(consumer_id, list(known))}")
    if known[consumer_id].local:
        raise SettingsError(
            f"the secret of {consumer_id!r} is made by the gateway: for a new one remove "
            f"{secret_file_of(state, consumer_id)} and start again"
        )
    return known[consumer_id]


def _ours(config: Path, consumer: Consumer) -> Path:
    """The file of a consumer that a command wrote. Raises `SettingsError` for one that somebody wrote by hand."""
    file = _file(config, consumer.id)
    if not file.is_file() or not file.read_text("utf-8").startswith(WRITTEN):
        raise SettingsError(
            f"{consumer.id!r} was written by hand, and such a file is not written again: change it there "
            "(a new secret's line comes from `lgsp consumers add` with another id)"
        )
    return file


def _write(file: Path, consumer: Consumer) -> None:
    """Whole or not at all: a gateway may be reading."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(exist_ok=True)
        new.touch(mode=0o640)
        new.write_text(as_yaml(consumer), encoding="utf-8")
        new.replace(file)
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be written ({error.strerror}): name a configuration of your own with --config, "
            "or make one with `lgsp init DIR`"
        ) from error


def _tell(consumer: Consumer, secret: str | None, file: Path, *, json_wanted: bool) -> None:
    if json_wanted:
        print_json({**as_data(consumer), **({"secret": secret} if secret else {})})
        return
    click.echo(f"{consumer.id} (key {consumer.client}) has {len(consumer.secrets)} live secrets, in {file}", err=True)
    if secret:
        click.echo("its new secret, which is not shown again:", err=True)
        click.echo(secret)
