"""What happened to a call: the command, the admin port, and one text."""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
from click.testing import CliRunner, Result
from ledgers import START, a_ledger, asked, fail, pass_through
from ports import an_admin_port

from lgsp.cli import lgsp
from lgsp.clock import ManualClock
from lgsp.edge.transactions import PATH, Transactions
from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader
from lgsp.model import Outcome, Request

REASONS = {
    Outcome.REJECTED: "throttled",
    Outcome.PROVIDER_ERROR: "provider_fault",
    Outcome.TIMEOUT: "budget_spent",
    Outcome.UNREACHABLE: "provider_down",
    Outcome.BUS_ERROR: "unroutable",
}


async def run(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, lgsp, list(arguments))


def admin_port(directory: Path) -> AbstractAsyncContextManager[str]:
    return an_admin_port(Transactions(Reader(Files(directory, "gw1")), ManualClock(START)).routes())


async def failed_calls(directory: Path) -> list[Request]:
    outcomes = list(REASONS)
    requests = [asked(asked_as=f"YC-{number}", consumer=f"c-{number % 7}") for number in range(100)]
    async with a_ledger(directory) as ledger:
        for number, request in enumerate(requests):
            outcome = outcomes[number % len(outcomes)]
            await fail(ledger, request, outcome, REASONS[outcome])
    return requests


async def test_100_failed_calls_are_each_found_by_both_ids_in_command_and_over_http_with_one_text(
    tmp_path: Path,
) -> None:
    requests = await failed_calls(tmp_path)
    async with admin_port(tmp_path) as url, aiohttp.ClientSession() as session:
        for number, request in enumerate(requests):
            texts = set()
            for name in (request.id, f"YC-{number}"):
                shown = await run("transaction", "show", name, "--state", str(tmp_path), "--lang", "vi")
                assert shown.exit_code == 0, shown.output
                texts.add(shown.stdout.rstrip("\n"))
                async with session.get(f"{url}{PATH}/{name}") as answer:
                    (one,) = (await answer.json())["transactions"]
                texts.add(one["text"]["vi"])
            (text,) = texts
            assert request.id in text
            assert f"({list(REASONS)[number % 5]})" in text


async def test_the_command_asks_a_running_process_too(tmp_path: Path) -> None:
    (request, *_) = await failed_calls(tmp_path)
    async with admin_port(tmp_path) as url:
        there = await run("transaction", "show", request.id, "--admin", url, "--json")
        here = await run("transaction", "show", request.id, "--state", str(tmp_path), "--json")
        assert json.loads(there.stdout) == json.loads(here.stdout)
        listed = await run("transaction", "ls", "--outcome", "timeout", "--limit", "3", "--admin", url, "--json")
        assert [one["outcome"] for one in json.loads(listed.stdout)] == ["timeout"] * 3
        nobody = await run("transaction", "show", "nobody", "--admin", url)
        assert (nobody.exit_code, nobody.stdout) == (1, "")
        assert "no transaction 'nobody'" in nobody.stderr


async def test_a_list_is_a_line_a_transaction(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        await pass_through(ledger, 2)
        (late,) = await pass_through(ledger, 1, Outcome.TIMEOUT)
    shown = await run("transaction", "ls", "--state", str(tmp_path), "--limit", "2")
    lines = shown.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].split() == ["2023-05-24T00:00:00.000Z", late.id, "timeout", "100", "ms", "svc", "GET", "/x"]


async def test_mistakes_are_sentences(tmp_path: Path) -> None:
    for arguments, says in [
        (["show", "x", "--state", str(tmp_path)], "no ledger lies in"),
        (["ls", "--outcome", "fine", "--state", str(tmp_path)], "'fine' is no outcome"),
        (["ls", "--since", "soon", "--state", str(tmp_path)], "is no moment"),
        (["show", "x", "--admin", "ftp://x"], "is no address"),
        (["show", "x", "--admin", "http://127.0.0.1:9"], "name it with --admin"),
    ]:
        result = await run("transaction", *arguments)
        assert says in str(result.exception), arguments
