"""A capture asked in an order, at a rate, in rounds, and in pieces."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest
from aiohttp import web
from desks import MS, run, served

from lgsp.capture.files import Writer
from lgsp.capture.record import Answered, Asked, Body, Record


def logging(log: list[tuple[str, str]]) -> web.Application:
    """Answers, and notes who came in which order; the first call of each key takes longest."""

    async def handle(http: web.Request) -> web.Response:
        key, number = http.match_info["key"], http.match_info["number"]
        log.append((key, number))
        await asyncio.sleep(0.004 if number == "0" else 0)
        log.append((key, f"{number} done"))
        return web.json_response({})

    app = web.Application()
    app.router.add_get("/{key}/{number}", handle)
    return app


@pytest.fixture
def of_keys(tmp_path: Path) -> Path:
    """Fifty keys with twenty calls each, five keys in turns: of one key several are in flight unless they wait."""
    path = tmp_path / "keys.lgsp.jsonl"
    with Writer.create(path, {}) as writer:
        for at in range(1_000):
            key, number = at // 100 * 5 + at % 5, at % 100 // 5
            asked = Asked("GET", f"/{key}/{number}", (("X-Key", str(key)),))
            writer.write(Record(t=at * 1_000, request=asked))
    return path


def test_within_a_key_each_call_waits_for_the_one_before(of_keys: Path, tmp_path: Path) -> None:
    log: list[tuple[str, str]] = []
    with served(lambda: logging(log)) as url:
        options = ("--speed", "max", "--max-in-flight", 16, "--order", "key:header:x-key", "--max-lag", "1h", "--json")
        code, said = run("replay", of_keys, "--to", url, *options, "--state", tmp_path)
    assert (code, json.loads(said)["books"]["sent"]) == (0, 1_000)
    wanted = [step for number in range(20) for step in (str(number), f"{number} done")]
    assert all([step for name, step in log if name == str(key)] == wanted for key in range(50))
    assert log.index(("1", "0")) < log.index(("0", "19 done"))


def test_with_a_rate_in_rounds_and_resumed_the_books_balance(of_keys: Path, tmp_path: Path) -> None:
    options = ("--max-lag", "1h", "--json", "--state", tmp_path, "--rate", 4_000, "--until", "0.1ms")
    with served(lambda: logging([])) as url:
        code, said = run("replay", of_keys, "--to", url, *options, "--loop", 3)
        books = json.loads(said)["books"]
        assert (code, books["records"], books["sent"], books["filtered"]) == (
            0,
            3_000,
            300,
            {"outside of --from and --until": 2_700},
        )
        journal = tmp_path / "journal"
        journal.write_text("".join(f"{seq}\n" for seq in range(1, 61)))
        for sent in (40, 0):
            code, said = run("replay", of_keys, "--to", url, *options, "--resume", journal)
            books = json.loads(said)["books"]
            assert (code, books["sent"], books["filtered"]["went in an earlier run"]) == (0, sent, 100 - sent)


def test_rounds_that_were_cut_short_go_on_where_each_of_them_was_and_each_is_compared(tmp_path: Path) -> None:
    """Of three rounds over four records seven calls went before; the target answers otherwise from its second round on."""
    calls, journal, came = tmp_path / "calls.lgsp.jsonl", tmp_path / "journal", Counter[str]()
    with Writer.create(calls, {}) as writer:
        writer.write(
            *(
                Record(t=n * MS, request=Asked("GET", f"/{n}"), reply=Answered(200, (), Body.of(b"[1]")))
                for n in range(4)
            )
        )
    journal.write_text("1\n2\n3\n4\n1.2\n2.2\n1.3\n")

    def app() -> web.Application:
        async def answer(http: web.Request) -> web.Response:
            came[http.headers["x-lgsp-key"]] += 1
            return web.json_response([1] if http.headers["x-lgsp-key"].endswith(".2") else [2])

        made = web.Application()
        made.router.add_get("/{number}", answer)
        return made

    words = (
        "--loop",
        3,
        "--resume",
        journal,
        "--diff",
        "--speed",
        "max",
        "--max-lag",
        "1h",
        "--state",
        tmp_path,
        "--json",
    )
    with served(app) as url:
        code, said = run("replay", calls, "--to", url, *words, "--junit", tmp_path / "j.xml", "--html", tmp_path / "h")
        told = json.loads(said)
        assert came == {"3.2": 1, "4.2": 1, "2.3": 1, "3.3": 1, "4.3": 1}
        assert (code, told["books"]["sent"], told["books"]["filtered"]) == (1, 5, {"went in an earlier run": 7})
        [group] = told["diff"]["groups"]
        assert (told["diff"]["pairs"], group["path"], group["pairs"]) == (5, "reply.body[]", 3)
        assert {sample["record"] for sample in group["samples"]} < {"2.3", "3.3", "4.3"}
        assert 'failures="1"' in (tmp_path / "j.xml").read_text()
        assert "reply.body[]" in (tmp_path / "h").read_text()
        assert run("replay", calls, "--to", url, *words)[0] == 4  # nothing is left to compare
    assert came.total() == 5
    assert sorted(journal.read_text().split()) == sorted(f"{n}{r}" for n in range(1, 5) for r in ("", ".2", ".3"))
