"""A candidate that `wrk` calls over HTTP: the processes behind one address."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Page, Round
from bench.loop import Place
from bench.machine import Meter, memory_mib
from bench.process import Broken, Child, free_port

_FAILURES = (
    "lgsp_http_requests_total",
    "lgsp_transactions_total",
    "lgsp_shed_total",
    "lgsp_unroutable_total",
    "lgsp_amqp_reconnects_total",
    "lgsp_ledger_write_errors_total",
)
_USUAL = ('code="200"', 'code="202"', 'outcome="ok"', 'outcome="business_fault"')
_SCRAPES, _SCRAPE_SECONDS = 11, 2.0  # so many, or as many as begin within so many seconds


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request that `wrk` makes."""

    path: str
    body: bytes = b""
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


@dataclass(frozen=True, slots=True)
class Server:
    """One process behind the address. It is up when its `admin` port says so; without one it says `ready` itself."""

    party: str
    command: Sequence[str]
    admin: int = 0
    state: Path | None = None
    """Where a gateway keeps the secrets of its consumers."""


Servers = Callable[[Place, int], Sequence[Server]]
"""The processes of a candidate that listens on a port; `wrk` may call when all are up."""


@dataclass(slots=True)
class Web:
    """The calls of `calls` take turns; one answer that is an error spoils the candidate. A round is 1 s at least."""

    name: str
    id: str
    servers: Servers
    calls: Callable[[], Sequence[Call]]
    differs: str = ""
    consumer: str = ""
    """Who calls, where the calls need a token."""
    served: Sequence[str] = ()
    cases: tuple[str, ...] = ("64",)
    _children: list[tuple[Server, Child]] = field(default_factory=list)
    _place: Place | None = None
    _port: int = 0

    def queues(self) -> Sequence[str]:
        """The services whose queues it needs."""
        return self.served

    def start(self, place: Place) -> None:
        """Start its processes. Raises `Broken`."""
        self._place = place
        self._port = free_port()
        for number, server in enumerate(self.servers(place, self._port)):
            child = Child(f"{self.id}-{server.party}-{number}", server.command, place.directory)
            self._children.append((server, child))

    def ready(self) -> None:
        """Wait until it is up. Raises `Broken`."""
        for server, child in self._children:
            wait_for(server, child)
        states = [server.state for server, _ in self._children if server.state is not None]
        token = _token(self._port, states[0], self.consumer) if self.consumer else ""
        self._script().write_text(script(self.calls(), token), encoding="utf-8")

    def directory(self) -> Path:
        """Where its files lie. Raises `Broken` before its start."""
        if self._place is None:
            raise Broken(f"{self.name} was not started")
        return self._place.directory

    def admin(self) -> int:
        """The admin port of the process that is called, the last one. Raises `Broken` before its start."""
        if not self._children:
            raise Broken(f"{self.name} was not started")
        return self._children[-1][0].admin

    def _script(self) -> Path:
        return self.directory() / f"{self.id}.lua"

    def run(self, case: str, seconds: float) -> Round:
        """One round with so many connections. Raises `Broken`."""
        if self._place is None:
            raise Broken(f"{self.name} was not started")
        parties: dict[str, list[int]] = {"broker": [self._place.broker]}
        for server, child in self._children:
            parties.setdefault(server.party, []).append(child.pid)
        meter = Meter(parties)
        found = _wrk(f"http://127.0.0.1:{self._port}", self._script(), connections=case, seconds=max(1, round(seconds)))
        used, others = meter.read()
        if found["failed"]:
            raise Broken(
                f"{found['failed']:.0f} calls failed, {found['answered']:.0f} were answered; {self._says_why()}"
            )
        if not found["answered"]:
            raise Broken(f"no call was answered within {found['microseconds'] / 1e6:.1f} s")
        cpu = {party: 1e6 * value / found["answered"] for party, value in used.items()}
        per_second = 1e6 * found["answered"] / found["microseconds"]
        return Round(per_second, found["p50"] / 1_000, found["p99"] / 1_000, cpu, others)

    def _says_why(self) -> str:
        """What its processes count of failures since their start, and the last word of each."""
        said = []
        for server, child in self._children:
            counted = _counted(server.admin) if server.admin else []
            said.append(f"{server.party}: {', '.join([*counted, child.last_words()])}")
        return "; ".join(said)

    def memory(self) -> Mapping[str, float]:
        """Peak memory by party, MiB; of several processes of one party the sum."""
        peaks: dict[str, float] = {}
        for server, child in self._children:
            peaks[server.party] = peaks.get(server.party, 0.0) + memory_mib(child.pid).get("peak", 0.0)
        return peaks

    def pages(self) -> list[Page]:
        """How long each process takes over its `/metrics`, as it is after the rounds."""
        return [_scraped(f"{self.name}: {s.party}", s.admin) for s, _ in self._children if s.admin]

    def stop(self) -> None:
        """End its processes."""
        for _, child in reversed(self._children):
            child.end()
        self._children.clear()


def wait_for(server: Server, child: Child) -> None:
    """Wait until it is up. Raises `Broken`."""
    if server.admin:
        child.answers(server.admin)
    else:
        child.ready()


def script(calls: Sequence[Call], token: str = "") -> str:
    """A script for `wrk`: the calls in turn, prepared before the first; at its end one line of JSON."""
    own = {"Authorization": f"Bearer {token}"} if token else {}
    bodies = list(dict.fromkeys(call.body for call in calls))
    requests = ",\n".join(
        f"  {{ {_lua(call.method.encode())}, {_lua(call.path.encode())}, "
        f"{{ {', '.join(f'[{_lua(k.encode())}] = {_lua(v.encode())}' for k, v in (own | call.headers).items())} }}, "
        f"bodies[{bodies.index(call.body) + 1}] }}"
        for call in calls
    )
    return f"""local bodies = {{ {", ".join(_lua(body) for body in bodies)} }}
local calls = {{
{requests}
}}
local prepared, turn = {{}}, 0
function init(args)
  for n, call in ipairs(calls) do prepared[n] = wrk.format(call[1], call[2], call[3], call[4]) end
end
function request()
  turn = turn % #prepared + 1
  return prepared[turn]
end
function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '{{"answered": %d, "microseconds": %d, "failed": %d, "p50": %d, "p99": %d}}\\n',
    summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99)))
end
"""


def _lua(text: bytes) -> str:
    plain = set(range(32, 127)) - set(b'"\\')
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03d}" for byte in text) + '"'


def _wrk(url: str, lua: Path, *, connections: str, seconds: int) -> Mapping[str, float]:
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(lua), url]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=seconds + 60, check=False)  # noqa: S603 - ours
    except FileNotFoundError as error:
        raise Broken("wrk is not installed: `scripts/setup bench` brings it") from error
    last = done.stdout.strip().rpartition("\n")[2]
    if done.returncode or not last.startswith("{"):
        raise Broken(f"wrk failed: {(done.stderr or done.stdout).strip()[-300:]}")
    found: Mapping[str, float] = json.loads(last)
    return found


def _token(port: int, state: Path, consumer: str) -> str:
    """A token for a consumer whose secret a gateway made. Raises `Broken`."""
    try:
        secret = (state / "secrets" / "consumers" / consumer).read_text(encoding="utf-8")
        form = {"grant_type": "client_credentials", "client_id": consumer, "client_secret": secret}
        address, data = f"http://127.0.0.1:{port}/token", urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(address, data=data, timeout=30) as answer:
            return str(json.load(answer)["access_token"])
    except OSError as error:
        raise Broken(f"no token for {consumer}: {error}") from error


def _counted(admin: int) -> list[str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{admin}/metrics", timeout=30) as answer:
            return failures_in(answer.read().decode())
    except OSError as error:
        return [f"no metrics ({error})"]


def failures_in(page: str) -> list[str]:
    """The series of a page of metrics that count what went wrong, with their values; what is still 0 says nothing."""
    lines = [line for line in page.splitlines() if line.startswith(_FAILURES) and not line.endswith(" 0.0")]
    return [line for line in lines if not any(usual in line for usual in _USUAL)]


def _scraped(name: str, port: int) -> Page:
    times: list[float] = []
    body = b""
    first = time.perf_counter()
    while not times or (len(times) < _SCRAPES and time.perf_counter() - first < _SCRAPE_SECONDS):
        began = time.perf_counter()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
            body = answer.read()
        times.append(time.perf_counter() - began)
    series = sum(1 for line in body.splitlines() if line and not line.startswith(b"#"))
    return Page(name, statistics.median(times) * 1_000, len(body) / 1_000, series)
