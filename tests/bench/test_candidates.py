"""What the candidates are given: payloads, catalogues, calls; and that a missing one says so."""

from __future__ import annotations

import json
import socket
import sys
from itertools import count
from pathlib import Path

import pytest

from bench.configs import CONSUMER, calls, names, shipped, write
from bench.console import Watched
from bench.loop import Loop, Place, compile_c
from bench.peers.asking import closed_loop
from bench.peers.payload import REPLY, REQUEST, of_size
from bench.process import REPOSITORY, Broken, Child, free_port
from bench.web import Call, failures_in, script
from lgsp.catalogue.consumer import read_consumers
from lgsp.catalogue.parse import read_catalogue


@pytest.mark.parametrize("size", [300, 10_000, 1_000_000])
def test_a_payload_is_json_of_its_size(size: int) -> None:
    assert len(of_size(size)) == size
    assert set(json.loads(of_size(size))) == {"text"}


def test_the_payloads_are_those_of_every_peer() -> None:
    assert (len(REQUEST), len(REPLY)) == (328, 641)


@pytest.mark.parametrize("count", [1, 28, 280])
def test_a_catalogue_has_as_many_services_as_wanted(count: int, tmp_path: Path) -> None:
    config = write(tmp_path / "config", names("s", count))
    catalogue = read_catalogue(config)
    assert [service.id for service in catalogue] == names("s", count)
    assert {service.connector for service in catalogue} == {"bench.peers.connector"}
    consumer = read_consumers(config)[CONSUMER]
    assert (consumer.behaviour, consumer.local, consumer.subscriptions) == ("calm", True, ("*",))


def test_every_shipped_service_is_called() -> None:
    services, found = shipped(REPOSITORY / "config")
    assert len(services) == len(found) == 28
    contexts = {service.id: service.context for service in read_catalogue(REPOSITORY / "config")}
    assert all(call.path.startswith(contexts[name]) for name, call in zip(services, found, strict=True))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_script_prepares_each_call_and_holds_each_body_once(count: int) -> None:
    text = script(calls(names("s", count), b'{"a":1}'))
    assert text.count('"POST"') == count
    assert text.count(r"\034a\034") == min(count, 1)
    assert all(f'"/s-{n}/echo"' in text for n in range(count))


def test_what_lua_would_misread_is_escaped() -> None:
    text = script([Call('/a"b', "Đ\n".encode(), "GET", {"x": "1\\2"})])
    assert r'"/a\034b"' in text
    assert r'"\196\144\010"' in text
    assert r'["x"] = "1\0922"' in text


def test_every_call_carries_the_token_where_there_is_one() -> None:
    assert script(calls(names("s", 3), b""), "t0ken").count('["Authorization"] = "Bearer t0ken"') == 3
    assert "Authorization" not in script(calls(names("s", 3), b""))


async def test_a_closed_loop_counts_what_was_answered() -> None:
    seen: list[int] = []

    async def ask(turn: int) -> None:
        seen.append(turn)

    found = await closed_loop(ask, in_flight=3, warmup=0.0, seconds=10, now=count().__next__)
    assert seen == list(range(1, found["transactions"] + 1)) == [1, 2, 3, 4, 5]
    assert found["per_second"] == 0.5
    assert (found["failed"], found["error"]) == (0, "")


async def test_a_closed_loop_tells_the_first_failure_and_does_not_count_it_as_answered() -> None:
    async def ask(_: int) -> None:
        raise ValueError("another answer")

    found = await closed_loop(ask, in_flight=1, warmup=0.0, seconds=10, now=count().__next__)
    assert found["failed"] == found["transactions"] == 9
    assert found["error"] == "ValueError: another answer"
    assert found["per_second"] == 0


def test_a_broken_round_tells_what_was_counted_of_failures_and_nothing_else() -> None:
    page = """# TYPE lgsp_transactions counter
lgsp_transactions_total{outcome="ok",service="echo-0"} 9.0
lgsp_transactions_total{outcome="bus_error",service="echo-0"} 3.0
lgsp_transactions_total{outcome="timeout",service="echo-0"} 0.0
lgsp_http_requests_total{code="200",method="POST",route="service"} 9.0
lgsp_http_requests_total{code="503",method="POST",route="refused"} 2.0
lgsp_amqp_reconnects_total{component="publish"} 1.0
lgsp_inflight_transactions{service="echo-0"} 4.0
"""
    assert failures_in(page) == [
        'lgsp_transactions_total{outcome="bus_error",service="echo-0"} 3.0',
        'lgsp_http_requests_total{code="503",method="POST",route="refused"} 2.0',
        'lgsp_amqp_reconnects_total{component="publish"} 1.0',
    ]
    assert failures_in("") == []


def test_a_peer_that_is_not_installed_says_so(tmp_path: Path) -> None:
    missing = Loop("peer", "peer", [str(tmp_path / "no-such-program")])
    with pytest.raises(Broken, match="no-such-program cannot be started: No such file"):
        missing.start(Place("amqp://127.0.0.1:1/x", 1, tmp_path))
    missing.stop()


def test_a_process_that_ends_early_leaves_its_last_words(tmp_path: Path) -> None:
    child = Child("peer", [sys.executable, "-c", "raise SystemExit('no amqplib here')"], tmp_path)
    try:
        with pytest.raises(Broken, match="peer ended; its last words: no amqplib here"):
            child.ready()
    finally:
        child.end()


def test_a_process_that_says_something_else_is_not_ready(tmp_path: Path) -> None:
    child = Child("peer", [sys.executable, "-c", "print('hello')"], tmp_path)
    try:
        with pytest.raises(Broken, match="said 'hello'"):
            child.ready()
    finally:
        child.end()


def test_an_order_is_answered_with_a_line_of_json(tmp_path: Path) -> None:
    child = Child("peer", [sys.executable, "-c", "print('{\"order\": \"' + input() + '\"}')"], tmp_path)
    try:
        assert child.obey("64 0 1", seconds=10) == {"order": "64 0 1"}
    finally:
        child.end()


def test_a_free_port_is_none_that_an_outgoing_connection_takes_meanwhile() -> None:
    port = free_port()
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert 1_023 < port < first
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))


def test_a_compiler_that_fails_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Broken, match="no C compiler"):
        compile_c(tmp_path / "x.c", tmp_path / "x")
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'amqp.h: not found' >&2\nexit 1\n")
    compiler.chmod(0o755)
    with pytest.raises(Broken, match=r"x\.c does not compile .*amqp\.h: not found"):
        compile_c(tmp_path / "x.c", tmp_path / "x")


def test_a_watched_server_that_was_not_started_says_so_and_can_be_stopped() -> None:
    watched = Watched("5 consoles", "seen5", lambda *_: [], list, watchers=5)
    with pytest.raises(Broken, match="5 consoles was not started"):
        watched.ready()
    watched.stop()
