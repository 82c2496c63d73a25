"""Half simulated and half real: modes of a running process, with a provider of its own on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import processes
import pytest

from lgsp.capture.files import read
from lgsp.capture.record import Record

SERVICES = """real:
  title: Thật
  mode: {mode}
  upstream:
    url: {url}/v2
    retries: 0
    headers: {{authorization: "Bearer ${{PROVIDER_TOKEN}}"}}
  operations:
    GET /x/{{id}}: {{reply: {{from: stand-in}}}}
stand-in:
  title: Giả lập
  operations:
    GET /x/{{id}}: {{reply: {{from: stand-in}}}}
"""
ANY_PORT = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
pytestmark = pytest.mark.real


class Provider(BaseHTTPRequestHandler):
    """Says what it was asked, and with which credentials."""

    def do_GET(self) -> None:
        body = json.dumps({"from": self.path, "token": self.headers["Authorization"]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def provider() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def write(config: Path, mode: str, url: str) -> None:
    config.mkdir(exist_ok=True)
    new = config / "new"
    new.write_text(SERVICES.format(mode=mode, url=url))
    new.rename(config / "services.yaml")


def until(url: str, token: str, wanted: tuple[int, str]) -> None:
    """Another process sees a changed file within a second or two."""
    processes.until(lambda: said(url, token) == wanted, f"{wanted}", 10)


def said(url: str, token: str) -> tuple[int, str]:
    status, body = processes.get(url, token)
    content = json.loads(body)
    return status, content.get("from") or str(content["fault"]["code"])


def saved_of(admin: str, state: Path) -> list[Record]:
    """What the ring of a process holds, saved."""
    words = ["record", "save", "--last", "5m", "--name", "all", "--admin", admin, "--state", str(state), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "lgsp", *words], capture_output=True, text=True, check=False, cwd=processes.REPOSITORY
    )
    assert done.returncode == 0, done.stderr
    return list(read(Path(json.loads(done.stdout)["path"])))


def test_a_service_becomes_real_suspended_and_simulated_again_and_the_others_do_not_notice(
    tmp_path: Path, provider: str
) -> None:
    config = tmp_path / "config"
    write(config, "simulate", provider)
    environment = os.environ | {"PROVIDER_TOKEN": "hush"}
    where = ["--config", str(config), "--no-traffic", "--calm"]
    with processes.Process(["up", *ANY_PORT, *where], tmp_path / "up", ready="try  ", env=environment) as up:
        gateway = up.found(r"gateway +(http://\S+)")
        admin = up.found(r"admin +(http://\S+)")
        token = processes.token_of(gateway, up.state)
        real, other = f"{gateway}/real/x/1?q=2", f"{gateway}/stand-in/x/1"
        assert said(real, token) == (200, "stand-in")
        for mode, answer in [
            ("proxy", (200, "/v2/x/1?q=2")),
            ("disabled", (503, "700700")),
            ("spy", (200, "/v2/x/1?q=2")),
            ("simulate", (200, "stand-in")),
        ]:
            write(config, mode, provider)
            until(real, token, answer)
            assert said(other, token) == (200, "stand-in")
        saved = saved_of(admin, up.state)
        spied = {record.tx for record in saved if record.tap == "upstream"}
        answered = {
            record.tx
            for record in saved
            if record.tap == "gateway" and record.reply and b"/v2" in (record.reply.body.data or b"")
        }
        assert spied < answered  # what a proxy hears is what the connector says
        for tx in spied:
            told = [record for record in saved if record.tx == tx and record.reply is not None]
            assert [record.tap for record in told] == ["upstream", "connector", "gateway"]
            assert len({record.reply.body.data for record in told if record.reply}) == 1
        assert spied
        assert "hush" not in str(saved)
        metrics = processes.get(f"{admin}/metrics")[1].decode()
        assert 'lgsp_circuit_open{service="real"} 0.0' in metrics
        assert 'lgsp_circuit_open{service="stand-in"} 0.0' in metrics  # the gateway's own breaker has every service
        assert 'lgsp_spied_total{outcome="ok",service="real"} 0.0' not in metrics
    assert "hush" not in (tmp_path / "up" / "output.log").read_text()


@pytest.mark.parametrize(
    ("url", "token", "says"),
    [
        ("http://127.0.0.1:1", None, "the environment has no PROVIDER_TOKEN"),
        ("https://moj.example.vn", "hush", "start it with --reach moj.example.vn (LGSP_REACH)"),
    ],
)
def test_an_upstream_that_cannot_be_used_stops_the_start_in_words(
    tmp_path: Path, url: str, token: str | None, says: str
) -> None:
    write(tmp_path / "config", "proxy", url)
    environment = {name: value for name, value in os.environ.items() if name != "PROVIDER_TOKEN"}
    ended = subprocess.run(
        [sys.executable, "-m", "lgsp", "up", *ANY_PORT, "--config", str(tmp_path / "config"), "--state", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=processes.REPOSITORY,
        env=environment | ({"PROVIDER_TOKEN": token} if token else {}),
    )
    assert ended.returncode == 2
    assert says in ended.stderr
    assert "services.yaml:1: real / upstream" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hush" not in ended.stderr


def test_a_host_that_was_named_may_be_reached(tmp_path: Path) -> None:
    write(tmp_path / "config", "proxy", "http://127.8.8.8:1")
    environment = os.environ | {"PROVIDER_TOKEN": "hush", "LGSP_REACH": "elsewhere.example, 127.8.8.8:1"}
    where = ["--config", str(tmp_path / "config"), "--no-traffic"]
    with processes.Process(["up", *ANY_PORT, *where], tmp_path / "up", ready="try  ", env=environment) as up:
        gateway = up.found(r"gateway +(http://\S+)")
        assert said(f"{gateway}/real/x/1", processes.token_of(gateway, up.state)) == (503, "101503")
