"""`lgsp bus`: what stands on the broker, what should, and how one becomes the other."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from lgsp.app.broker import ADMIN, CONNECTORS, definitions
from lgsp.bus.drift import Difference, drift
from lgsp.bus.management import Management
from lgsp.catalogue.service import Catalogue
from lgsp.cli.options import as_json, catalogue_of, places, print_json, served_by
from lgsp.edge.tokens import make_key
from lgsp.errors import SettingsError
from lgsp.settings import environment, read_secret

P = ParamSpec("P")
R = TypeVar("R")
ALERTING = ("alert-webhook-token", "alert-mail-password")
"""What Alertmanager shows to those whom it tells; put there what they want instead."""
_secrets = click.option(
    "--secrets", "directory", type=click.Path(path_type=Path), help="Where passwords lie; made where missing."
)
_gateways = click.option(
    "--gateway", "gateways", multiple=True, default=("gw1",), show_default=True, help="A gateway's name."
)
_connectors = click.option(
    "--connectors",
    "answering",
    multiple=True,
    metavar="NAME[=ID,ID]",
    help="A connectors process and the services that it alone may read; may be repeated [connectors, all].",
)


@click.group()
def bus() -> None:
    """What stands on the broker."""


@bus.command("definitions")
@_secrets
@_gateways
@_connectors
@click.option("--output", type=click.Path(path_type=Path), help="Write to this file instead of printing.")
@places
def print_definitions(
    config: Path,
    state: Path,
    directory: Path | None,
    gateways: tuple[str, ...],
    answering: tuple[str, ...],
    output: Path | None,
) -> None:
    """Print RabbitMQ's definitions document: import it on boot, or through the management API.

    Users' passwords lie one a file in the secrets' directory, by default in the state directory; with --secrets the admin
    token, the key that signs access tokens and Alertmanager's credentials lie beside them, for processes that share them.
    """
    place = directory or state / "secrets"
    catalogue = catalogue_of(config)
    served = _served(answering, catalogue)
    passwords = broker_passwords(place, served)
    if directory is not None:
        for name in ("admin-token", *ALERTING):
            _secret(place / name, _word)
        _secret(place / "token-key.pem", lambda: make_key().decode())
    document = definitions(catalogue, passwords, gateways, served)
    if output is None:
        print_json(document)
        return
    output.write_text(json.dumps(document, indent=2), encoding="utf-8")
    click.echo(f"definitions of {len(document['queues'])} queues lie in {output}", err=True)


@dataclass(frozen=True, slots=True)
class Target:
    """A broker behind its management API, what should stand there, and whose rights are nobody's business here."""

    management: Management
    document: dict[str, Any]
    passwords: Mapping[str, str]
    also: Sequence[str]

    def drift(self) -> list[Difference]:
        """How the broker differs now."""
        return drift(self.document, self.management.read(), self.passwords, self.also)


def _at_broker(command: Callable[P, R]) -> Callable[..., R]:
    """The options that say which broker, as whom, and what should stand there; the command gets a `Target`."""

    @click.option(
        "--management",
        metavar="URL",
        help="RabbitMQ's management API [LGSP_BROKER_MANAGEMENT; http://127.0.0.1:15672].",
    )
    @click.option(
        "--broker-user",
        help=f"An administrator there [LGSP_BROKER_USER; {ADMIN}]; the password: LGSP_BROKER_PASSWORD_FILE.",
    )
    @click.option(
        "--ca", type=click.Path(path_type=Path), help="The authority that its certificate comes from, in PEM."
    )
    @click.option("--also", multiple=True, metavar="USER", help="A user whose rights are right as they are.")
    @click.option("--cluster", is_flag=True, help="Synchronous queues are quorum queues too.")
    @_secrets
    @_gateways
    @_connectors
    @as_json
    @places
    @wraps(command)
    def with_target(
        *args: Any,  # noqa: ANN401 - click's
        config: Path,
        state: Path,
        management: str | None,
        broker_user: str | None,
        ca: Path | None,
        also: tuple[str, ...],
        directory: Path | None,
        gateways: tuple[str, ...],
        answering: tuple[str, ...],
        cluster: bool,
        **kwargs: Any,  # noqa: ANN401 - click's
    ) -> R:
        env, catalogue = environment(), catalogue_of(config)
        served = _served(answering, catalogue)
        passwords = broker_passwords(directory or state / "secrets", served)
        user = broker_user or env.get("LGSP_BROKER_USER") or ADMIN
        password = read_secret("LGSP_BROKER_PASSWORD", env) or (passwords[ADMIN] if user == ADMIN else "")
        url = management or env.get("LGSP_BROKER_MANAGEMENT") or "http://127.0.0.1:15672"
        named = passwords | dict.fromkeys(gateways, passwords["gateway"])
        kwargs["target"] = Target(
            Management(url, user, password, ca),
            definitions(catalogue, passwords, gateways, served, cluster=cluster),
            named,
            [user, *also],
        )
        return command(*args, **kwargs)

    return with_target


@bus.command("diff")
@_at_broker
def diff(target: Target, *, json_wanted: bool) -> None:
    """Say how a broker differs from what should stand there: queues, rights, policies, passwords. Exit 1 where it does.

    `guest`, and rights in the virtual host of users that nobody asked for, are differences too.
    """
    found = target.drift()
    _tell(found, json_wanted=json_wanted)
    click.echo(f"{len(found)} differences" if found else "the broker is as it should be", err=True)
    raise click.exceptions.Exit(1 if found else 0)


@bus.command("apply")
@click.option("--remove", is_flag=True, help="Also take away what nobody asked for; queues only if they are empty.")
@_at_broker
def apply(target: Target, *, remove: bool, json_wanted: bool) -> None:
    """Bring a broker to what should stand there, and say what is still other: exit 1 where something is.

    Missing things are made; users' passwords, rights and policies are set. A queue or exchange of another kind is left,
    since making it anew would lose what is in it.
    """
    before = target.drift()
    if any(each.state != "extra" for each in before):
        target.management.bring(target.document)
    if remove:
        # Backwards: a queue goes after its bindings, a user after its rights; the one who does this cannot go at all.
        for each in reversed([each for each in before if each.state == "extra" and each.name[0] not in target.also]):
            target.management.remove(each)
    after = target.drift()
    _tell(after, json_wanted=json_wanted)
    click.echo(f"{len(set(before) - set(after))} differences are gone, {len(after)} are left", err=True)
    if any(each.state == "extra" for each in after) and not remove:
        click.echo("what nobody asked for stays: --remove takes it away", err=True)
    raise click.exceptions.Exit(1 if after else 0)


def _tell(found: Sequence[Difference], *, json_wanted: bool) -> None:
    if json_wanted:
        print_json([asdict(each) for each in found])
        return
    for each in found:
        click.echo(each)


def _served(answering: Sequence[str], catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """The services of each connectors process that was named. Raises `SettingsError`."""
    served = served_by(answering or (CONNECTORS,))
    for name, services in served.items():
        unknown = ", ".join(service for service in services if service not in catalogue)
        if unknown:
            raise SettingsError(f"--connectors {name}: {unknown} is no service: see lgsp services ls")
    return served


def broker_passwords(place: Path, connectors: Sequence[str] | Mapping[str, Any] = (CONNECTORS,)) -> dict[str, str]:
    """The passwords of the broker's users in a directory, made where they are missing. Raises `SettingsError`."""
    names = dict.fromkeys((ADMIN, "gateway", *connectors))
    return {name: _secret(place / f"{name}-password", _word).strip() for name in names}


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
