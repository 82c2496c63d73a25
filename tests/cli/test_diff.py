from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from lgsp.capture.files import Writer
from lgsp.capture.record import Answered, Asked, Body, Record
from lgsp.cli import lgsp
from lgsp.cli.diff import diff


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(diff, [str(each) for each in arguments], catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return -1, done.stdout, str(done.exception)
    return done.exit_code, done.stdout, done.stderr


def made(path: Path, *amounts: float, keys: str = "") -> Path:
    with Writer.create(path, {}) as writer:
        for number, amount in enumerate(amounts):
            reply = Answered(200, body=Body.of(json.dumps({"amount": amount}).encode()))
            key = keys[number] if keys else ""
            writer.write(
                Record(t=number, service="s", operation="GET /a", key=key, request=Asked("GET", "/a"), reply=reply)
            )
    return path


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    return made(tmp_path / "a.lgsp.jsonl", 1, 2, 3)


def test_the_same_is_0_and_a_difference_1_unless_it_is_near_enough(ours: Path, tmp_path: Path) -> None:
    theirs = made(tmp_path / "b.lgsp.jsonl", 1, 2.5, 3)
    assert run(ours, ours)[0] == 0
    code, out, _ = run(ours, theirs, "--json")
    told = json.loads(out)
    assert (code, told["pairs"], told["findings"], told["groups"][0]["path"]) == (1, 3, 1, "reply.body.amount")
    assert run(ours, theirs, "--tolerance", "reply.body.amount=0.5")[0] == 0
    for rule in ("--ignore", "--shape"):
        assert run(ours, theirs, rule, "reply.*")[0] == 0
    assert run(ours, theirs, "--subset", "reply.body")[0] == 1


def test_the_findings_are_written_for_pipelines_and_pull_requests(ours: Path, tmp_path: Path) -> None:
    theirs = made(tmp_path / "b.lgsp.jsonl", 9, 2, 3)
    code, out, _ = run(ours, theirs, "--junit", tmp_path / "j.xml", "--markdown", tmp_path / "m.md")
    assert (code, out.splitlines()[1]) == (1, "       1 s GET /a (gateway): reply.body.amount: different")
    assert 'failures="1"' in (tmp_path / "j.xml").read_text()
    assert (
        "| 1 | s GET /a (gateway) | reply.body.amount | different | 1: 1 became 9 |" in (tmp_path / "m.md").read_text()
    )


def test_a_replay_is_paired_by_its_keys(ours: Path, tmp_path: Path) -> None:
    again = made(tmp_path / "again.lgsp.jsonl", 3, 1, 2, keys="312")
    assert run(ours, again, "--by", "replay")[0] == 0
    assert run(ours, again)[0] == 1


def test_what_could_not_be_compared_is_inconclusive(ours: Path, tmp_path: Path) -> None:
    empty = made(tmp_path / "empty.lgsp.jsonl")
    assert run(empty, empty)[0] == 4
    code, _, said = run(ours, empty)
    assert (code, "try another --by" in said) == (4, True)
    broken = tmp_path / "broken.lgsp.jsonl"
    lines = ours.read_bytes().splitlines(keepends=True)
    broken.write_bytes(b"".join([lines[0], *lines[1:3], b"nonsense\n"]))
    code, _, said = run(broken, broken)
    assert (code, "broken.lgsp.jsonl:4" in said) == (4, True)


@pytest.mark.parametrize("wrong", ["reply.body", "=1", "a=x", "a=-1", "a=inf", "a=nan"])
def test_a_tolerance_that_is_none_is_named(wrong: str, ours: Path) -> None:
    code, _, problem = run(ours, ours, "--tolerance", wrong)
    assert (code, "write PATH=NUMBER" in problem) == (-1, True)


def test_rules_come_from_files_and_noise_from_two_runs_of_one_build(ours: Path, tmp_path: Path) -> None:
    theirs = made(tmp_path / "b.lgsp.jsonl", 9, 2, 3)
    rules = tmp_path / "rules.yaml"
    rules.write_text('diff:\n  - {at: "reply.body.amount", compare: tolerance, of: 8, service: s}\n')
    assert run(ours, theirs, "--rules", rules)[0] == 0
    runs = [made(tmp_path / f"{name}.lgsp.jsonl", *amounts) for name, amounts in (("x", (1, 2, 3)), ("y", (4, 5, 3)))]
    code, _, said = run(ours, theirs, "--noise-from", *runs, "--noise-to", tmp_path / "noise.yaml")
    assert (code, "3 pairs taught 1 rules; with them the two runs have 0 findings" in said) == (0, True)
    assert (
        '{at: "reply.body.amount", compare: "shape", service: "s", operation: "GET /a"}  # 2 of 3 pairs'
        in (tmp_path / "noise.yaml").read_text()
    )
    assert run(ours, theirs, "--rules", tmp_path / "noise.yaml")[0] == 0
    assert run(ours, theirs, "--noise-to", tmp_path / "noise.yaml") == (-1, "", "--noise-to writes what --noise-from learned: name two captures with it")  # fmt: skip


def test_the_findings_are_a_page_too(ours: Path, tmp_path: Path) -> None:
    assert run(ours, made(tmp_path / "b.lgsp.jsonl", 9, 2, 3), "--html", tmp_path / "d.html")[0] == 1
    assert "reply.body.amount" in (tmp_path / "d.html").read_text()


class Amounts(BaseHTTPRequestHandler):
    """Answers `/a/7` with the amount 7, and with 1 more where the path says so."""

    def do_GET(self) -> None:
        number, _, more = self.path.rpartition("/")[2].partition("+")
        body = json.dumps({"amount": int(number) + len(more)}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the screen of the tests."""


@pytest.fixture
def target() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Amounts) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def replayed(capture: Path, target: str, *words: object) -> tuple[int, str]:
    arguments = ["replay", capture, "--to", target, "--diff", "--speed", "max", "--max-lag", "1h", "--state", capture.parent / "s"]  # fmt: skip
    done = CliRunner().invoke(lgsp, [str(each) for each in (*arguments, *words)], catch_exceptions=False)
    return done.exit_code, done.stdout


def test_a_capture_is_compared_with_its_own_replay(target: str, tmp_path: Path) -> None:
    capture = tmp_path / "amounts.lgsp.jsonl"
    with Writer.create(capture, {}) as writer:
        for number in range(5):
            reply = Answered(200, body=Body.of(f'{{"amount":{number}}}'.encode()))
            writer.write(Record(t=number, request=Asked("GET", f"/a/{number}"), reply=reply))
        writer.write(Record(t=9, request=Asked("GET", "/a/9")))  # nobody answered then
    code, out = replayed(capture, target)
    assert (code, out.splitlines()[-1]) == (0, "6 pairs, 0 of them different; 0 records missing, 0 extra; 0 groups")
    code, out = replayed(capture, target, "--map", "/a/3=/a/3+", "--json")
    assert (code, json.loads(out)["diff"]["different"]) == (0, 0)
    code, out = replayed(capture, target, "--map", "/a/3=/a/3+x", "--json")
    told = json.loads(out)["diff"]
    assert (code, told["pairs"], told["different"]) == (1, 6, 1)
    assert [(group["path"], group["samples"]) for group in told["groups"]] == [
        ("reply.body.amount", [{"record": "4", "ours": 3, "theirs": 4}])
    ]
    rules = tmp_path / "rules.yaml"
    rules.write_text('diff:\n  - {at: "reply.body.amount", compare: tolerance, of: 1}\n')
    assert replayed(capture, target, "--map", "/a/3=/a/3+x", "--rules", rules)[0] == 0
    assert "2 records missing" not in replayed(capture, target, "--until", "2ms")[1]


def timed(path: Path, *, times: float = 1.0, order: str = "abc") -> Path:
    """Ninety calls of one operation, a second apart, of keys in turns; the nth takes 10 ms and n of them, so many times."""
    with Writer.create(path, {}) as writer:
        for number in range(90):
            took = {"total": int(times * (10 + number) * 1_000_000)}
            called = f"{number // 3}{order[number % 3]}"
            asked = Asked("GET", f"/a?id={called}")
            writer.write(
                Record(t=number * 10**9, service="s", operation="GET /a", key=called, request=asked, times=took)
            )
    return path


def test_slower_is_a_finding_where_it_is_asked_for_and_there_are_pairs_enough(tmp_path: Path) -> None:
    ours, slow = timed(tmp_path / "a.lgsp.jsonl"), timed(tmp_path / "b.lgsp.jsonl", times=2)
    assert run(ours, slow)[0] == 0
    code, out, _ = run(ours, slow, "--latency", "20%", "--junit", tmp_path / "j.xml")
    assert (code, [line.split(": ")[1:] for line in out.splitlines() if line.endswith("slower")]) == (
        1,
        [["latency.p50", "slower"], ["latency.p95", "slower"]],
    )
    assert "90 x latency.p95: slower" in (tmp_path / "j.xml").read_text()
    assert run(slow, ours, "--latency", "20%")[0] == 0
    assert run(ours, ours, "--latency", "0%")[0] == 0
    few = made(tmp_path / "few.lgsp.jsonl", 1, 2)
    code, _, said = run(few, few, "--latency", "20%")
    assert (code, "inconclusive: no operation has pairs enough to tell its latency" in said) == (4, True)
    assert "--latency: a rate needs its unit: 20%?" in run(ours, ours, "--latency", "20")[2]


def test_another_order_is_a_finding_where_pairs_are_found_by_another_name_than_their_number(tmp_path: Path) -> None:
    ours, turned = timed(tmp_path / "a.lgsp.jsonl"), timed(tmp_path / "b.lgsp.jsonl", order="acb")
    for by in ("key", "key:request.query.id"):
        code, out, _ = run(ours, turned, "--by", by, "--json")
        assert (code, [(group["kind"], group["pairs"]) for group in json.loads(out)["groups"]]) == (
            1,
            [("out of order", 30)],
        )
        assert run(ours, turned, "--by", by, "--any-order")[0] == 0
        assert run(ours, ours, "--by", by)[0] == 0
    assert run(ours, turned, "--ignore", "request.query")[0] == 0
