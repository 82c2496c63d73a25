"""`lgsp call`: ask a service once, through the gateway or straight over the bus."""

from __future__ import annotations

import asyncio
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from lgsp.app.broker import ask_over_bus
from lgsp.catalogue.consumer import read_consumers
from lgsp.catalogue.service import Operation, Service
from lgsp.cli.explain import explain_call
from lgsp.cli.options import as_json, catalogue_of, places, print_json
from lgsp.clock import SystemClock
from lgsp.edge.tls import authority_file
from lgsp.edge.welcome import TESTER, secret_file_of
from lgsp.errors import BusUnavailable, DeliveryError, SettingsError
from lgsp.model import Outcome, Request
from lgsp.traffic.caller import Caller, Credentials

_GOOD = (Outcome.OK, Outcome.BUSINESS_FAULT)


@dataclass(frozen=True, slots=True)
class Call:
    """One concrete call: `path` below the service's context."""

    service: Service
    operation: Operation
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


def matches(template: str, path: str) -> bool:
    """Whether a concrete path is one of the template's."""
    wanted, given = template.split("/"), path.split("/")
    return len(wanted) == len(given) and all(
        (w.startswith("{") and w.endswith("}") and bool(g)) or w == g for w, g in zip(wanted, given, strict=True)
    )


def resolve(service: Service, text: str) -> tuple[Operation, str | None]:
    """The operation that `text` names, and the concrete path if it gives one.

    `text` is the operation's name, `METHOD /concrete/path`, or the word that a template ends in when only one fits.
    Raises `SettingsError` with what there is.
    """
    if text in service.operations:
        return service.operations[text], None
    method, _, path = text.partition(" ")
    if path:
        fitting = [o for o in service.operations.values() if o.method == method.upper() and matches(o.template, path)]
        # A literal path beats a parameter, as at the gateway.
        fitting.sort(key=lambda operation: operation.template.count("{"))
        if fitting:
            return fitting[0], path
    else:
        fitting = [o for o in service.operations.values() if text == o.template.rpartition("/")[2]]
        if len(fitting) == 1:
            return fitting[0], None
    known = "\n  ".join(service.operations)
    how_many = "more than one operation" if fitting else "no operation"
    raise SettingsError(f"{service.id}: {text!r} names {how_many}; there are\n  {known}")


def prepare(service: Service, text: str, query: str | None, data: str | None) -> Call:
    """The call that the arguments mean; what they leave out is taken from the operation's first example."""
    operation, path = resolve(service, text)
    example = operation.examples[0].request if operation.examples else None
    if example is None and path is None and "{" in operation.template:
        raise SettingsError(f"{operation.name} wants a concrete path: lgsp call {service.id} '{operation.name}'")
    body = b"" if example is None else example.body
    headers = {} if example is None else dict(example.headers)
    if data is not None:
        body = Path(data[1:]).read_bytes() if data.startswith("@") else data.encode()
        headers.setdefault("content-type", "application/json")
    return Call(
        service=service,
        operation=operation,
        path=path or (operation.template if example is None else example.path),
        query=query if query is not None else ("" if example is None or path else example.query),
        headers=headers,
        body=body,
    )


@click.command()
@click.argument("service")
@click.argument("operation")
@click.option("--data", metavar="TEXT|@FILE", help="The body; default the operation's first example.")
@click.option("--query", help="The query string; default the example's.")
@click.option("--via", type=click.Choice(["gateway", "bus"]), default="gateway", show_default=True)
@click.option("--gateway", "gateway_url", default="http://127.0.0.1:8280", show_default=True, metavar="URL")
@click.option("--broker", default="amqp://127.0.0.1:5672/lgsp", show_default=True, metavar="URL")
@click.option("--as", "consumer", default=TESTER, show_default=True, help="Who asks: a consumer's id.")
@click.option(
    "--secret-file", type=click.Path(path_type=Path), help="Its secret; default the one made in the state directory."
)
@click.option(
    "--cacert",
    type=click.Path(path_type=Path),
    help="Whom to trust for https; default the state directory's authority.",
)
@click.option("--key", default="", help="The key of random draws.")
@click.option(
    "--explain", "explains", is_flag=True, help="Send nothing: say which rule of the YAML would answer, and why."
)
@as_json
@places
def call(
    service: str,
    operation: str,
    data: str | None,
    query: str | None,
    via: str,
    gateway_url: str,
    broker: str,
    consumer: str,
    secret_file: Path | None,
    cacert: Path | None,
    key: str,
    config: Path,
    state: Path,
    *,
    explains: bool,
    json_wanted: bool,
) -> None:
    """Ask SERVICE for OPERATION: its name, a concrete path ("GET /vehicles/30A-12345"), or its last word.

    Exit 1 when the answer is no official success, or with --explain when no rule would answer.
    """
    wanted = prepare(catalogue_of(config).find(service), operation, query, data)
    if explains:
        request = Request("explained", service, wanted.operation.name, wanted.path, wanted.query, consumer, key)
        request.body, request.headers = wanted.body, wanted.headers
        raise click.exceptions.Exit(explain_call(wanted.service, wanted.operation, request, json_wanted=json_wanted))
    if via == "gateway":
        caller = caller_of(config, state, consumer, secret_file)
        asking = _over_http(wanted, gateway_url, caller, key, trusting(cacert, state))
    else:
        asking = _over_bus(wanted, broker, consumer, key)
    answer = asyncio.run(asking)
    if json_wanted:
        print_json({**answer, "body": answer["body"].decode(errors="replace")})
    else:
        click.echo(f"{wanted.operation.name}: {answer['status']}, transaction {answer['transaction']}", err=True)
        sys.stdout.buffer.write(answer["body"] + b"\n")
    raise click.exceptions.Exit(0 if answer["official_success"] else 1)


def caller_of(config: Path, state: Path, consumer: str, file: Path | None) -> Credentials:
    """The key of a consumer, and its secret from `file` or from the state directory. Raises `SettingsError`."""
    known = read_consumers(config).get(consumer)
    lies = file or secret_file_of(state, consumer)
    try:
        return Credentials(known.client if known else consumer, lies.read_text("utf-8").strip())
    except OSError as error:
        raise SettingsError(
            f"the secret of {consumer!r} cannot be read from {lies} ({error.strerror}): name its file with --secret-file, "
            "or the gateway's state directory with --state"
        ) from error


def trusting(cacert: Path | None, state: Path) -> ssl.SSLContext:
    """The system's authorities, and the one named or of the state directory. Raises `SettingsError`."""
    made = ssl.create_default_context()
    file = cacert or authority_file(state)
    if cacert or file.is_file():
        try:
            made.load_verify_locations(file)
        except OSError as error:
            raise SettingsError(f"{file} cannot be trusted: it is no certificate in PEM ({error})") from error
    return made


async def _over_http(wanted: Call, url: str, who: Credentials, key: str, trust: ssl.SSLContext) -> dict[str, Any]:
    target = wanted.service.context + wanted.path + (f"?{wanted.query}" if wanted.query else "")
    headers = wanted.headers | ({"x-lgsp-key": key} if key else {})
    try:
        async with Caller(url, SystemClock(), credentials=who, trust=trust) as caller:
            answer = await caller.ask(
                wanted.operation.method, target, headers=headers, body=wanted.body, timeout=wanted.service.timeout + 5
            )
    except DeliveryError as error:
        raise BusUnavailable(
            "bus_unavailable",
            f"no gateway answers at {url.rstrip('/')} ({error}): start one with `lgsp up`, or name it with --gateway",
        ) from error
    outcome = answer.headers.get("x-lgsp-outcome")
    return {
        "status": answer.status,
        "transaction": answer.transaction or None,
        "outcome": outcome,
        "official_success": outcome in _GOOD,
        "headers": dict(answer.headers),
        "body": answer.body,
    }


async def _over_bus(wanted: Call, broker: str, consumer: str, key: str) -> dict[str, Any]:
    reply = await ask_over_bus(
        broker,
        wanted.service,
        wanted.operation,
        path=wanted.path,
        query=wanted.query,
        headers=wanted.headers,
        body=wanted.body,
        consumer=consumer,
        key=key,
    )
    return {
        "status": reply.status,
        "transaction": reply.to,
        "outcome": str(reply.outcome),
        "official_success": reply.outcome in _GOOD,
        "headers": dict(reply.headers),
        "body": reply.body,
    }
