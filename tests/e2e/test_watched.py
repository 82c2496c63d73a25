"""`lgsp up` with a Prometheus on our rules: a service registered meanwhile is everywhere, and after kills all count the same."""

from __future__ import annotations

import re
import shutil
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import processes
import pytest
import yaml
from monitoring.grafana import Prometheus, Screen, filled
from monitoring.server import running

from lgsp.bus.node import free_port
from lgsp.clock import SystemClock
from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader
from lgsp.monitoring.boards import boards
from lgsp.monitoring.profile import Profile
from lgsp.monitoring.rules import rules

pytestmark = [pytest.mark.real, pytest.mark.proof, pytest.mark.timeout(180)]
FAST = Profile(scale=60)
OLD, NEW = "shared-catalog", "vehicle-registry"
PATHS = {OLD: "/cmon/v1.0.0/dantocs/4", NEW: "/vehicle-registry/vehicles/92A-12345"}
NINE_LINES = """\
vehicle-registry:
  title: Đăng ký phương tiện
  operations:
    GET /vehicles/{plate}:
      reply:
        plate: "{{ path.plate }}"
        owner: "{{ fake.name }}"
  latency: {p50: 20ms, p99: 90ms}
"""


@dataclass
class Watched:
    """A bus at fixed ports, and the Prometheus that scrapes it each second: one process is gateway and connectors."""

    directory: Path
    listen: int = field(default_factory=free_port)
    admin: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.config = self.directory / "config"
        shutil.copytree(processes.REPOSITORY / "config", self.config)
        self.state = self.directory / "state"

    def begin(self) -> None:
        places = ["--listen", f"127.0.0.1:{self.listen}", "--admin", f"127.0.0.1:{self.admin}"]
        words = ["up", "--no-traffic", *places, "--config", str(self.config)]
        self.process = processes.Process(words, self.state, ready="try  ").start()
        self._token = processes.token_of(f"http://127.0.0.1:{self.listen}", self.state)

    def prometheus(self) -> dict[str, Any]:
        """How it is scraped, with rules whose hour is a minute."""
        (self.directory / "rules.yml").write_text(yaml.safe_dump(rules(FAST)))
        target = {"static_configs": [{"targets": [f"127.0.0.1:{self.admin}"]}]}
        return {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "rule_files": [str(self.directory / "rules.yml")],
            "scrape_configs": [{"job_name": job, **target} for job in ("lgsp-gateway", "lgsp-connectors")],
        }

    def call(self, service: str, outcome: str = "ok") -> int:
        headers = {"Authorization": f"Bearer {self._token}", "X-Lgsp-Force": f"outcome={outcome}"}
        where = f"http://127.0.0.1:{self.listen}{PATHS[service]}"
        return processes.send(urllib.request.Request(where, headers=headers))[0]

    def on_console(self, service: str) -> dict[str, Any]:
        twin = processes.get_json(f"http://127.0.0.1:{self.admin}/?format=json")
        return next((line for line in twin["services"] if line["service"] == service), {})

    def in_metrics(self, service: str) -> int:
        text = processes.get(f"http://127.0.0.1:{self.admin}/metrics")[1].decode()
        samples = re.findall(r"^lgsp_ledger_period_transactions\{(.*)\} (\S+)$", text, re.MULTILINE)
        wanted = {f'service="{service}"', 'period="year"'}
        return sum(int(float(value)) for labels, value in samples if wanted <= set(labels.split(",")))

    def in_ledger(self, service: str) -> int:
        rows = Reader(Files(self.state, "gw1")).rows()
        return sum(row.kind[0] == service and row.outcome is not None for row in rows)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    made = Watched(tmp_path_factory.mktemp("watched"))
    made.begin()
    yield made
    made.process.kill()


@pytest.fixture(scope="module")
def prometheus(watched: Watched) -> Iterator[Prometheus]:
    with running(watched.directory, watched.prometheus()) as where:
        made = Prometheus(where)
        yield made
        made.close()


RULES = [rule for group in rules(FAST)["groups"] for rule in group["rules"]]
PER_SERVICE = {rule["record"] for rule in RULES if rule.get("record", "").startswith("service:")}
SHOWN = [
    (board.uid, panel.title.en, query.expr)
    for board in boards(FAST)
    for panel in board.panels
    for query in panel.queries
    if "$service" in query.expr and not re.search("lgsp_load_|rabbitmq_", query.expr)
]
"""What a board says of the service that is chosen; nobody loads here, and the bus is the embedded one."""


def now() -> float:
    return SystemClock().now()


def called(watched: Watched) -> None:
    """Both services alike, with failures enough to burn a budget."""
    for service in (OLD, NEW):
        for outcome in ("ok", "ok", "provider_error"):
            watched.call(service, outcome)


def recorded(prometheus: Prometheus, service: str) -> set[str]:
    return {name for name in PER_SERVICE if prometheus.at(f'{name}{{service="{service}"}}', now())}


def chosen(expr: str, service: str) -> str:
    return filled(expr, {"service": [service], "owner": ["x"], "instance": ["x"]}, 1)


def test_a_service_registered_at_run_time_is_in_every_board_every_rule_and_the_console(
    watched: Watched, prometheus: Prometheus
) -> None:
    (watched.config / "services.d").mkdir(exist_ok=True)
    (watched.config / "services.d" / f"{NEW}.yaml").write_text(NINE_LINES, encoding="utf-8")
    processes.until(lambda: watched.on_console(NEW), "the console has it")

    def in_every_rule() -> bool:
        called(watched)
        return recorded(prometheus, OLD) == recorded(prometheus, NEW) == PER_SERVICE

    processes.until(in_every_rule, f"both in {PER_SERVICE}", 60)
    assert len(PER_SERVICE) > 20
    screen = Screen(prometheus, now(), 1, back=60)
    for board in boards(FAST):
        if any(variable.name == "service" for variable in board.variables):
            assert {re.escape(OLD), re.escape(NEW)} <= set(screen.choices(board, {})["service"]), board.uid

    def answers(expr: str) -> list[bool]:
        called(watched)
        return [bool(prometheus.at(chosen(expr, service), now())) for service in (OLD, NEW)]

    seen = 0
    for uid, title, expr in SHOWN:
        processes.until(lambda expr=expr: len({*answers(expr)}) == 1, f"both or none: {uid}, {title}, {expr}")  # type: ignore[misc]
        seen += answers(expr)[1]
    assert seen > 30

    def burning() -> set[str]:
        called(watched)
        found = prometheus.at('max by (service) (ALERTS{alertname="LGSPErrorBudgetBurnFast"})', now())
        return {dict(labels)["service"] for labels in found}

    processes.until(lambda: burning() == {OLD, NEW}, "both burn their budgets")
    processes.until(lambda: watched.on_console(NEW)["year"] == watched.in_ledger(NEW) > 20, "console and rows agree")


def test_after_kills_console_metrics_prometheus_and_ledger_have_the_same_integer(
    watched: Watched, prometheus: Prometheus
) -> None:
    begun = watched.in_ledger(OLD)
    answered: list[int] = []

    def calls(number: int) -> None:
        """Until the gateway is gone: what was under way then is nobody's answer, and is counted all the same."""
        with suppress(OSError, HTTPException):
            while True:
                answered.append(watched.call(OLD, ("ok", "timeout")[number % 2]))

    for _ in range(3):
        had = len(answered)
        with ThreadPoolExecutor(4) as callers:
            for number in range(4):
                callers.submit(calls, number)
            processes.until(lambda had=had: len(answered) > had + 40, "forty calls")  # type: ignore[misc]
            watched.process.kill()
        watched.begin()
    year = f'sum(lgsp_ledger_period_transactions{{job="lgsp-gateway",service="{OLD}",period="year"}})'
    counter = f'sum(lgsp_transactions_total{{job="lgsp-gateway",service="{OLD}"}})'

    def four() -> tuple[int, ...]:
        told = [prometheus.at(query, now()).get(frozenset(), 0) for query in (year, counter)]
        return (watched.on_console(OLD)["year"], watched.in_metrics(OLD), *map(int, told))

    processes.until(lambda: {*four()} == {watched.in_ledger(OLD)}, f"one number in five places, not {four()}", 20)
    exact = watched.in_ledger(OLD)
    lost = exact - begun - len(answered)
    print(f"{exact} of {OLD} after 3 kills, {lost} of them without an answer")
    assert 0 <= lost <= 12
    assert set(answered) == {200, 504}
