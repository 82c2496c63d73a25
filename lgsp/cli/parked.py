"""`lgsp parked`: what was given up, and kept to be sent once more."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from lgsp.cli.ask import ask_admin
from lgsp.cli.options import as_json, places, print_json
from lgsp.edge.parked import PATH

_admin = click.option(
    "--admin", default="http://127.0.0.1:8290", show_default=True, metavar="URL", help="The gateway's admin port."
)


@click.group()
def parked() -> None:
    """Stored transactions that were given up: list, look at, requeue or drop them. They are kept for 30 days."""


@parked.command()
@click.option("--service", default="", help="Only this service's.")
@click.option("--callbacks", is_flag=True, help="The calls back to consumers that were given up.")
@_admin
@as_json
@places
def ls(
    config: Path,  # noqa: ARG001 - stands on every command
    state: Path,
    service: str,
    admin: str,
    *,
    callbacks: bool,
    json_wanted: bool,
) -> None:
    """List what is parked, the oldest first."""
    query = {"service": service} if service else {}
    if callbacks:
        query["callbacks"] = "1"
    told: dict[str, Any] = ask_admin(admin, "GET", PATH, state, query=query)
    found: list[dict[str, Any]] = told["callbacks" if callbacks else "parked"]
    if json_wanted:
        print_json(found)
        return
    for one in found:
        click.echo(_call(one) if callbacks else _line(one))
    if not found:
        click.echo("nothing is parked", err=True)


@parked.command()
@click.argument("transaction", metavar="ID")
@_admin
@as_json
@places
def show(
    config: Path,  # noqa: ARG001 - stands on every command
    state: Path,
    transaction: str,
    admin: str,
    *,
    json_wanted: bool,
) -> None:
    """Show one, without its body."""
    one: dict[str, Any] = ask_admin(admin, "GET", _path(transaction), state)
    if json_wanted:
        print_json(one)
        return
    for name, value in one.items():
        click.echo(f"{name:<12} {value}")


@parked.command()
@click.argument("transactions", metavar="ID...", nargs=-1, required=True)
@_admin
@as_json
@places
def requeue(
    config: Path,  # noqa: ARG001 - stands on every command
    state: Path,
    transactions: tuple[str, ...],
    admin: str,
    *,
    json_wanted: bool,
) -> None:
    """Send them once more, each as a new transaction: the old outcome is final."""
    made = {one: ask_admin(admin, "POST", _path(one), state, {})["transaction"] for one in transactions}
    if json_wanted:
        print_json(made)
        return
    for old, new in made.items():
        click.echo(f"{old} -> {new}")


@parked.command()
@click.argument("transactions", metavar="ID...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask: their bodies are gone for good.")
@_admin
@as_json
@places
def drop(
    config: Path,  # noqa: ARG001 - stands on every command
    state: Path,
    transactions: tuple[str, ...],
    admin: str,
    *,
    yes: bool,
    json_wanted: bool,
) -> None:
    """Forget them, bodies and all. Their rows in the ledger stay."""
    if not yes:
        click.confirm(f"drop {len(transactions)} for good?", abort=True, err=True)
    gone = [ask_admin(admin, "DELETE", _path(one), state)["dropped"] for one in transactions]
    if json_wanted:
        print_json(gone)
        return
    for one in gone:
        click.echo(one)


def _path(transaction: str) -> str:
    return f"{PATH}/{quote(transaction, safe='')}"


def _call(one: dict[str, Any]) -> str:
    why = f"{one['outcome']} {one['reason']}"
    return f"{one['id']}  {why:<28} {one['tries']:>2}x  {one['consumer']}  {one['service']}"


def _line(one: dict[str, Any]) -> str:
    why = f"{one['outcome']} {one['reason']}"
    return f"{one['accepted_at']}  {one['id']}  {why:<28} {one['attempts']:>2}x  {one['service']} {one['operation']}"
