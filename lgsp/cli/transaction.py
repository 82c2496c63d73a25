"""`lgsp transaction`: what happened to a call."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from lgsp.cli.ask import ask_admin
from lgsp.cli.options import as_json, places, print_json
from lgsp.clock import SystemClock
from lgsp.edge.transactions import PATH, wanted_of
from lgsp.errors import SettingsError
from lgsp.ledger.files import Files, ledgers_in
from lgsp.ledger.reader import Reader
from lgsp.ledger.words import LANGUAGES, describe
from lgsp.settings import environment


@click.group()
def transaction() -> None:
    """What happened to a call: whose fault, how long where, in words."""


def _asks(command: Callable[..., None]) -> Callable[..., None]:
    says = "Ask the process with this admin port; default the ledgers in the state directory."
    command = click.option("--admin", metavar="URL", default="", help=says)(command)
    return click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the words [LANG].")(command)


@transaction.command()
@click.argument("name", metavar="ID")
@_asks
@as_json
@places
def show(
    name: str,
    config: Path,  # noqa: ARG001 - stands on every command
    state: Path,
    admin: str,
    lang: str | None,
    *,
    json_wanted: bool,
) -> None:
    """Show the transaction ID: its own id, or the one by which the caller knows it.

    That is the request id of the contract, the Idempotency-Key or the traceparent. Exit 1 when there is none.
    """
    if admin:
        found = _ask(admin, f"{PATH}/{urllib.parse.quote(name, safe='')}", state, {})
    else:
        found = [describe(row) for files in _ledgers(state) for row in Reader(files).find(name)]
    if not found:
        click.echo(f"no transaction {name!r} is in the ledger, and no caller knows one by that id", err=True)
    _print(found, lang, json_wanted=json_wanted, full=True)
    raise click.exceptions.Exit(0 if found else 1)


@transaction.command("ls")
@click.option("--service", default="", help="Only of this service.")
@click.option("--consumer", default="", help="Only of this consumer.")
@click.option("--outcome", default="", help="Only with this outcome, or `open`.")
@click.option("--since", default="", metavar="30m|TIME", help="Only accepted since then; a time is UTC.")
@click.option("--limit", default="20", show_default=True, help="So many at most, the newest first.")
@_asks
@as_json
@places
def list_transactions(
    config: Path,  # noqa: ARG001 - stands on every command
    state: Path,
    admin: str,
    lang: str | None,
    *,
    json_wanted: bool,
    **given: str,
) -> None:
    """List transactions, the newest first."""
    asked = {name: value for name, value in given.items() if value}
    wanted = wanted_of(asked, SystemClock().now())
    if admin:
        found = _ask(admin, PATH, state, asked)
    else:
        rows = [row for files in _ledgers(state) for row in Reader(files).ls(wanted)]
        rows.sort(key=lambda row: row.accepted_us, reverse=True)
        found = [describe(row) for row in rows[: wanted.limit]]
    _print(found, lang, json_wanted=json_wanted, full=False)


def _ledgers(state: Path) -> list[Files]:
    found = ledgers_in(state)
    if not found:
        raise SettingsError(
            f"no ledger lies in {state}: name the state directory of a gateway with --state, or --admin"
        )
    return found


def _ask(admin: str, path: str, state: Path, query: dict[str, str]) -> list[dict[str, Any]]:
    told = ask_admin(admin, "GET", path, state, query=query, absent={"transactions": []})
    found: list[dict[str, Any]] = told["transactions"]
    return found


def _print(found: list[dict[str, Any]], lang: str | None, *, json_wanted: bool, full: bool) -> None:
    if json_wanted:
        print_json(found)
    elif full:
        language = lang or ("vi" if environment().get("LANG", "").startswith("vi") else "en")
        click.echo("\n\n".join(one["text"][language] for one in found), nl=bool(found))
    else:
        for one in found:
            took = "" if one["took_ms"] is None else f"{one['took_ms']:.0f} ms"
            why = " ".join(filter(None, (one["outcome"], one["reason"])))
            click.echo(f"{one['accepted_at']}  {one['id']}  {why:<28} {took:>9}  {one['service']} {one['operation']}")
