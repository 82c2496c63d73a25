"""`lgsp up`, `lgsp gateway`, `lgsp connectors`: the processes."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import click

from lgsp.app import connectors as answering
from lgsp.app import gateway as asking
from lgsp.app import up as whole
from lgsp.app.demo import Traffic
from lgsp.app.process import run
from lgsp.cli.live import show
from lgsp.cli.options import places, served_by
from lgsp.edge.welcome import TESTER, secret_file_of
from lgsp.errors import SettingsError
from lgsp.runtime.recorded import OnMiss
from lgsp.settings import (
    SHORTEST_RETENTION,
    Settings,
    environment,
    make_state,
    parse_address,
    parse_count,
    parse_days,
    parse_size,
    read_secret,
)
from lgsp.taps.recorder import Recorder
from lgsp.traffic.scenario import read_scenario

_listen = click.option("--listen", metavar="ADDRESS", help="Where the gateway listens [LGSP_LISTEN; 127.0.0.1:8280].")
_admin = click.option("--admin", metavar="ADDRESS", help="Where metrics and health are [LGSP_ADMIN].")
_metrics = click.option(
    "--metrics", metavar="ADDRESS", help="/metrics, /livez and /readyz here too, and nothing else [LGSP_METRICS; none]."
)
_open = click.option("--open", "is_open", is_flag=True, help="Allow listening beyond this machine [LGSP_OPEN=yes].")
_tls = click.option(
    "--tls", is_flag=True, help="Listen by HTTPS, on 127.0.0.1:8243 by default, with a test authority [LGSP_TLS=yes]."
)
_tls_name = click.option(
    "--tls-name", "tls_names", multiple=True, metavar="NAME", help="A name that the certificate carries too."
)
_certificate = click.option(
    "--tls-certificate", metavar="FILE", help="The gateway's own certificate, with its key [LGSP_TLS_CERTIFICATE]."
)
_callers = click.option(
    "--client-authority",
    metavar="FILE",
    help="Consumers may be known by certificates that come from it [LGSP_CLIENT_AUTHORITY; none].",
)
_seed = click.option("--seed", type=int, help="Seed of all random draws [LGSP_SEED].")
_calm = click.option("--calm", is_flag=True, help="No random errors, no simulated latency: same request, same answer.")
_keep = click.option("--keep", is_flag=True, help="Keep what stand-ins were told over a restart [LGSP_KEEP=yes].")


def _user(command: Callable[..., Any]) -> Callable[..., Any]:
    """Who we are to the broker, and who it has to be."""
    for option in (
        click.option(
            "--broker-user", help="User on the broker [LGSP_BROKER_USER]; the password: LGSP_BROKER_PASSWORD_FILE."
        ),
        click.option(
            "--broker-ca", metavar="FILE", help="The authority of an amqps:// broker [LGSP_BROKER_CA; the system's]."
        ),
        click.option(
            "--broker-certificate",
            metavar="FILE",
            help="Ours, with its key, for a broker that wants to see one [LGSP_BROKER_CERTIFICATE].",
        ),
    ):
        command = option(command)
    return command


_reach = click.option(
    "--reach",
    multiple=True,
    metavar="HOST[:PORT]",
    help="A host where real providers may be asked and what follows an answer may be sent, may be repeated "
    "[LGSP_REACH, with commas; this machine only].",
)
_captures = click.option(
    "--capture-retention",
    metavar="DAYS",
    help="Captures in the state directory are deleted when they are so old, 1d at least [LGSP_CAPTURE_RETENTION; 30d].",
)
_call_back = click.option(
    "--call-back",
    multiple=True,
    metavar="HOST[:PORT]",
    help="A host where consumers may be called back, may be repeated [LGSP_CALL_BACK, with commas; none].",
)


def _limits(command: Callable[..., Any]) -> Callable[..., Any]:
    """What bounds a gateway and its ledger."""
    for option in (
        click.option(
            "--max-in-flight", metavar="N", help="Calls under way at once, at most [LGSP_MAX_IN_FLIGHT; 2000]."
        ),
        click.option(
            "--max-connections",
            metavar="N",
            help="Connections of one address, at most, and half of the files there are [LGSP_MAX_CONNECTIONS; 4000].",
        ),
        click.option("--max-held", metavar="SIZE", help="Bytes of bodies in hand, at most [LGSP_MAX_HELD; 256MiB]."),
        click.option(
            "--ledger-retention",
            metavar="DAYS",
            help="Rows are kept so long, 31d at least [LGSP_LEDGER_RETENTION; 90d].",
        ),
        click.option(
            "--ledger-checkpoints",
            metavar="FILE",
            help="Where signed checkpoints are copied to, another disk at best [LGSP_LEDGER_CHECKPOINTS; beside it].",
        ),
        click.option(
            "--ledger-places",
            metavar="N",
            help="Transactions under way or waiting for the disk, at most [LGSP_LEDGER_PLACES; 32768].",
        ),
    ):
        command = option(command)
    return command


def _broker(default: str | None) -> Callable[..., Any]:
    says = "`local` for a private RabbitMQ node, or amqp://... [LGSP_BROKER]"
    return click.option("--broker", metavar="local|URL", default=default, help=f"{says}.")


def settings_from(config: Path, state: Path, admin_default: str, flags: dict[str, Any]) -> Settings:
    """Flag, then environment, then default. Raises `SettingsError`."""
    env = environment()

    def first(flag: str, variable: str, default: str) -> str:
        return flags.get(flag) or env.get(variable) or default

    base = Settings(config=config, state=make_state(state))
    tls = bool(flags.get("tls")) or env.get("LGSP_TLS") == "yes"
    for word, variable in (("tls_certificate", "LGSP_TLS_CERTIFICATE"), ("client_authority", "LGSP_CLIENT_AUTHORITY")):
        if first(word, variable, "") and not tls:
            raise SettingsError(f"--{word.replace('_', '-')} is for a gateway that listens by HTTPS: add --tls")
    return replace(
        base,
        name=first("name", "LGSP_NAME", base.name),
        listen=parse_address(first("listen", "LGSP_LISTEN", "127.0.0.1:8243" if tls else str(base.listen))),
        admin=parse_address(first("admin", "LGSP_ADMIN", admin_default)),
        metrics=parse_address(alone) if (alone := first("metrics", "LGSP_METRICS", "")) else None,
        broker=flags.get("broker") or env.get("LGSP_BROKER"),
        broker_user=flags.get("broker_user") or env.get("LGSP_BROKER_USER"),
        broker_password=read_secret("LGSP_BROKER_PASSWORD", env),
        broker_ca=_file(first("broker_ca", "LGSP_BROKER_CA", "")),
        broker_certificate=_file(first("broker_certificate", "LGSP_BROKER_CERTIFICATE", "")),
        tls=tls,
        tls_names=flags.get("tls_names") or tuple(env.get("LGSP_TLS_NAMES", "").split()),
        tls_certificate=_file(first("tls_certificate", "LGSP_TLS_CERTIFICATE", "")),
        client_authority=_file(first("client_authority", "LGSP_CLIENT_AUTHORITY", "")),
        answerers=served_by(flags.get("answering") or tuple(env.get("LGSP_CONNECTORS", "").split())),
        token_key=read_secret("LGSP_TOKEN_KEY", env),
        open=bool(flags.get("is_open")) or env.get("LGSP_OPEN") == "yes",
        seed=flags["seed"] if flags.get("seed") is not None else int(env.get("LGSP_SEED", base.seed)),
        calm=bool(flags.get("calm")),
        keep=bool(flags.get("keep")) or env.get("LGSP_KEEP") == "yes",
        max_in_flight=parse_count(first("max_in_flight", "LGSP_MAX_IN_FLIGHT", str(base.max_in_flight))),
        max_connections=parse_count(first("max_connections", "LGSP_MAX_CONNECTIONS", str(base.max_connections))),
        max_held=parse_size(first("max_held", "LGSP_MAX_HELD", f"{base.max_held >> 20}MiB")),
        retention_days=parse_days(
            first("ledger_retention", "LGSP_LEDGER_RETENTION", f"{base.retention_days}d"), SHORTEST_RETENTION
        ),
        capture_days=parse_days(first("capture_retention", "LGSP_CAPTURE_RETENTION", f"{base.capture_days}d")),
        checkpoints=_file(first("ledger_checkpoints", "LGSP_LEDGER_CHECKPOINTS", "")),
        journal_places=parse_count(first("ledger_places", "LGSP_LEDGER_PLACES", str(base.journal_places)), 64),
        call_back=flags.get("call_back") or _listed(env.get("LGSP_CALL_BACK", "")),
        reach=base.reach + (flags.get("reach") or _listed(env.get("LGSP_REACH", ""))),
    )


def _file(named: str) -> Path | None:
    return Path(named) if named else None


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, re.split(r"[,\s]+", text)))


@click.command()
@_listen
@click.option(
    "--port", type=click.IntRange(0, 65525), help="The gateway's port, the admin port ten above it; 0: two free ones."
)
@click.option(
    "--addresses",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write where it stands into this file, as JSON, once it is up.",
)
@_tls
@_tls_name
@_certificate
@_callers
@_admin
@_metrics
@_broker(None)
@_user
@click.option("--pace", type=click.FloatRange(min=0.001), default=1.0, show_default=True, help="How fast the day goes.")
@click.option("--scenario", type=click.Path(path_type=Path, dir_okay=False), help="Another day [scenarios/demo.yaml].")
@click.option("--no-traffic", is_flag=True, help="No demo traffic.")
@click.option("--past", is_flag=True, help="Simulate a past up to yesterday in the background, where none is there.")
@click.option("--for", "seconds", type=click.FloatRange(min=0), help="Stop after so many seconds.")
@_calm
@_keep
@_seed
@_reach
@_call_back
@_limits
@_captures
@_open
@places
def up(
    config: Path,
    state: Path,
    *,
    port: int | None,
    addresses: Path | None,
    pace: float,
    scenario: Path | None,
    no_traffic: bool,
    past: bool,
    seconds: float | None,
    **flags: Any,  # noqa: ANN401 - click's
) -> None:
    """Run gateway, connectors and demo traffic in one process; stop with Ctrl-C.

    Without --broker on the embedded bus: nothing else to install.
    """
    if port is not None:
        flags["listen"] = flags["listen"] or f"127.0.0.1:{port}"
        flags["admin"] = flags["admin"] or f"127.0.0.1:{port and port + 10}"
    settings = settings_from(config, state, "127.0.0.1:8290", flags)
    watching = show if sys.stdout.isatty() else None
    traffic = None if no_traffic else _traffic(config, scenario, pace)

    def ready(view: whole.View, _: Recorder) -> None:
        if addresses is not None:
            _write_addresses(addresses, view, settings.state)

    run(whole.up(settings, traffic=traffic, seconds=seconds, show=watching, past=past, ready=ready))


def _write_addresses(file: Path, view: whole.View, state: Path) -> None:
    """Where it stands and how to call it, in one step: whoever waits for the file finds it whole."""
    told = {
        "gateway": view.gateway,
        "admin": view.admin,
        "key": TESTER,
        "secret_file": str(secret_file_of(state, TESTER).absolute()),
    }
    new = file.with_name(f".{file.name}.new")
    new.write_text(json.dumps(told) + "\n", encoding="utf-8")
    new.replace(file)


def _traffic(config: Path, file: Path | None, pace: float) -> Traffic | None:
    """The demo traffic of a scenario: the one that was named, or the configuration's own where it has one."""
    named = file or config / "scenarios" / "demo.yaml"
    if named.is_file():
        return Traffic(read_scenario(named), pace)
    if file is not None:
        raise SettingsError(f"there is no scenario {file}: see the files in {config / 'scenarios'}")
    click.echo(f"no demo traffic: {named} is missing", err=True)
    return None


@click.command()
@click.option("--name", help="This gateway's name, also that of its reply queue [LGSP_NAME; gw1].")
@_listen
@_tls
@_tls_name
@_certificate
@_callers
@_admin
@_metrics
@_broker("amqp://127.0.0.1:5672/lgsp")
@_user
@click.option(
    "--connectors",
    "answering",
    multiple=True,
    metavar="NAME[=ID,ID]",
    help="A broker user that may answer, and for which services alone; may be repeated [LGSP_CONNECTORS, with spaces; any].",
)
@_call_back
@_limits
@_captures
@click.option("--scenario", type=click.Path(path_type=Path, dir_okay=False), help="Demo traffic of this day [none].")
@click.option("--pace", type=click.FloatRange(min=0.001), default=1.0, show_default=True, help="How fast its day goes.")
@_open
@places
def gateway(config: Path, state: Path, *, scenario: Path | None, pace: float, **flags: Any) -> None:  # noqa: ANN401 - click's
    """Run a gateway: HTTP edge, dispatcher, metrics."""
    settings = settings_from(config, state, "127.0.0.1:8290", flags)
    traffic = None if scenario is None else _traffic(config, scenario, pace)
    run(asking.gateway(settings, traffic=traffic))


@click.command()
@click.option("--name", help="This process's name [LGSP_NAME; connectors].")
@click.option("--only", multiple=True, metavar="ID", help="Only this service; may be repeated.")
@click.option(
    "--from",
    "capture",
    type=click.Path(exists=True, path_type=Path),
    metavar="CAPTURE",
    help="Say what was said in it.",
)
@click.option("--on-miss", type=click.Choice(get_args(OnMiss)), default="fail", show_default=True, help="With --from: what answers a question that is not in it.")  # fmt: skip
@_admin
@_metrics
@_broker("amqp://127.0.0.1:5672/lgsp")
@_user
@_calm
@_keep
@_seed
@_reach
@_captures
@_open
@places
def connectors(
    config: Path,
    state: Path,
    *,
    only: tuple[str, ...],
    capture: Path | None,
    on_miss: OnMiss,
    **flags: Any,  # noqa: ANN401 - click's
) -> None:
    """Run connectors: competing consumers, as many processes as wanted.

    With --from they answer from a capture (ours, .har, .gor): the same question again gets the next of its recorded
    replies, after as long a time. Another one is refused with the nearest question's name, gets its reply (`nearest`),
    the stand-in's (`simulate`) or the real provider's (`upstream`).
    """
    flags["name"] = flags.get("name") or environment().get("LGSP_NAME") or "connectors"
    run(
        answering.connectors(
            settings_from(config, state, "127.0.0.1:8291", flags), only=only, capture=capture, on_miss=on_miss
        )
    )
