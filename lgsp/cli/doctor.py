"""`lgsp doctor`: what is missing here, and the command that mends it."""

from __future__ import annotations

import importlib.util
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from lgsp.bus.node import find_server
from lgsp.catalogue.consumer import read_consumers
from lgsp.cli import facts
from lgsp.cli.monitoring import profile_of
from lgsp.cli.options import as_json, catalogue_of, places, print_json
from lgsp.cli.words import in_words, say
from lgsp.errors import BusUnavailable, CatalogueError, SettingsError
from lgsp.monitoring import checkup
from lgsp.monitoring.finding import Finding, Sentence, said
from lgsp.monitoring.profile import parse_matchers, parse_severities
from lgsp.settings import Address, make_state


def examine(config: Path, state: Path, addresses: dict[str, Address]) -> Iterator[Finding]:
    """Everything that `lgsp up` needs from this machine."""
    version = said("{}", ".".join(map(str, sys.version_info[:3])))
    yield Finding("python", sys.version_info >= (3, 11), version, said("install Python 3.11 or newer"))
    parser = importlib.util.find_spec("aiohttp._http_parser")
    kind = said("compiled") if parser else said("pure Python")
    yield Finding("http parser", parser is not None, kind, said("reinstall aiohttp"))
    yield _configuration(config)
    yield _state(state)
    for name, address in addresses.items():
        yield _port(name, address)
    yield _rabbitmq()


def _configuration(config: Path) -> Finding:
    try:
        catalogue, consumers = catalogue_of(config), read_consumers(config)
    except CatalogueError as error:
        mistakes = said("{}: {} mistakes", config, len(error.problems))
        return Finding("configuration", well=False, says=mistakes, mend=said("lgsp services validate"))
    says = said("{}: {} services, {} consumers", config, len(catalogue), len(consumers))
    return Finding("configuration", well=True, says=says)


def _state(state: Path) -> Finding:
    try:
        make_state(state)
    except SettingsError as error:
        return Finding("state", well=False, says=said("{}", error), mend=said("name another directory with --state"))
    return Finding("state", well=True, says=said("{}", state))


def _port(name: str, address: Address) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            mend = said("stop what listens there, or choose another port with --{}", name)
            return Finding(name, well=False, says=said("{}: {}", address, error.strerror), mend=mend)
    return Finding(name, well=True, says=said("{} is free", address))


def _rabbitmq() -> Finding:
    try:
        where = find_server()
    except SettingsError as error:
        return Finding("rabbitmq", well=False, says=said("not installed"), mend=said("{}", error), needed=False)
    return Finding("rabbitmq", well=True, says=said("{}", where), needed=False)


def _looked(what: str, url: str | None, look: Callable[[str], Iterator[Finding]], mend: Sentence) -> Iterator[Finding]:
    """What is found at an address that was given; who does not answer there is a finding too."""
    if url is None:
        return
    try:
        yield from look(url)
    except (BusUnavailable, SettingsError) as error:
        yield Finding(what, well=False, says=said("{}", error), mend=mend)


@click.command()
@click.option("--live", metavar="URL", help="Only ask a running process: exit 0 when its URL answers 200.")
@click.option("--prometheus", metavar="URL", help="Look instead at what watches lgsp: this Prometheus,")
@click.option("--alertmanager", metavar="URL", help="this Alertmanager,")
@click.option("--broker", metavar="URL", help="the Prometheus port of this RabbitMQ, http://127.0.0.1:15692.")
@click.option("--match", default="", metavar="MATCHERS", help="Label matchers of this installation, as in the export.")
@click.option("--severity", "severities", multiple=True, metavar="OURS=YOURS", help="What a severity is called there.")
@click.option("--vhost", default="lgsp", show_default=True, help="Our vhost on the broker.")
@click.option(
    "--scale", type=click.IntRange(1, 3_600), default=1, show_default=True, help="As the rules in force have it."
)
@as_json
@in_words
@places
def doctor(
    config: Path,
    state: Path,
    *,
    live: str | None,
    prometheus: str | None,
    alertmanager: str | None,
    broker: str | None,
    match: str,
    severities: tuple[str, ...],
    vhost: str,
    scale: int,
    json_wanted: bool,
) -> None:
    """Say line by line what is well, what is missing, and the command that mends it; exit 1 when something needed is.

    Without addresses: what `lgsp up` needs on this machine. With them: what a Prometheus, an Alertmanager and a RabbitMQ that
    others set up lack for lgsp. `--match`, `--severity`, `--vhost` and `--scale` as they were given to `lgsp monitoring export`.
    """
    if live:
        raise click.exceptions.Exit(_ask(live))
    if prometheus or alertmanager or broker:
        profile = profile_of(
            config, scale=scale, matchers=parse_matchers(match), severities=parse_severities(severities), vhost=vhost
        )
        services = [service.id for service in catalogue_of(config)]
        found = [
            *_looked(
                "prometheus",
                prometheus,
                lambda url: checkup.of_prometheus(facts.of_prometheus(url, profile), profile),
                said("start it, or name its address with --prometheus"),
            ),
            *_looked(
                "alertmanager",
                alertmanager,
                lambda url: checkup.of_alertmanager(facts.of_alertmanager(url), profile),
                said("start it, or name its address with --alertmanager"),
            ),
            *_looked(
                "broker",
                broker,
                lambda url: checkup.of_broker(facts.of_broker(url), profile, services),
                said("on the broker: rabbitmq-plugins enable rabbitmq_prometheus"),
            ),
        ]
    else:
        addresses = {"listen": Address("127.0.0.1", 8280), "admin": Address("127.0.0.1", 8290)}
        found = list(examine(config, state, addresses))
    _show(found, json_wanted=json_wanted)
    raise click.exceptions.Exit(1 if any(each.needed and not each.well for each in found) else 0)


def _show(found: list[Finding], *, json_wanted: bool) -> None:
    told = [
        {
            "what": each.what,
            "well": each.well,
            "says": say(each.says.text, *each.says.values),
            "mend": "" if each.well else say(each.mend.text, *each.mend.values),
            "needed": each.needed,
        }
        for each in found
    ]
    if json_wanted:
        print_json(told)
        return
    for line in told:
        mark = "ok  " if line["well"] else "MISS" if line["needed"] else "note"
        click.echo(f"{mark} {line['what']}: {line['says']}")
        if not line["well"]:
            click.echo(f"     {line['mend']}")


def _ask(url: str) -> int:
    if not url.startswith(("http://127.", "http://localhost", "http://[::1]")):
        raise SettingsError(f"--live asks this machine only, not {url}")
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - a loopback address, checked above
            return 0 if answer.status == 200 else 1
    except (urllib.error.URLError, TimeoutError) as error:
        click.echo(f"lgsp: {url} does not answer: {error}", err=True)
        return 3
