"""A Prometheus, an Alertmanager and a RabbitMQ that others set up under names of their own: export and doctor lead to all well."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import processes
import pytest
import yaml
from click.testing import CliRunner

from lgsp.bus.node import PrivateNode, free_port
from lgsp.cli import lgsp as command_line
from lgsp.cli.words import speak

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]
NAMES = ["--match", 'env="prod"', "--severity", "page=critical", "--vhost", "bus-a", "--scale", "60"]


def lgsp(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lgsp", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=processes.REPOSITORY, timeout=60)


@dataclass
class Theirs:
    """What they run, and what they write by hand into its configurations."""

    directory: Path
    ports: dict[str, int] = field(
        default_factory=lambda: {name: free_port() for name in ("gateway", "connectors", "prometheus", "alertmanager")}
    )

    def __post_init__(self) -> None:
        self._stack = ExitStack()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self.out = self.directory / "out"

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def __enter__(self) -> Self:
        self.node = PrivateNode(self.directory / "node", {}, metrics=True)
        self._stack.enter_context(self.node)
        self.ports["broker"] = self.node.metrics_port
        targets = [word for name in ("gateway", "connectors", "broker") for word in (f"--{name}", self._place(name))]
        state = ["--state", str(self.directory / "passwords")]
        done = lgsp("monitoring", "export", str(self.out), *NAMES, *targets, "--token-file", "", *state)
        assert done.returncode == 0, done.stderr
        self.node.command("import_definitions", str(self.out / "rabbitmq.json"))
        for name, user, secret in (("connectors", "connectors", "connectors"), ("gateway", "gw1", "gateway")):
            self._run(name, user, secret)
        self.configure_prometheus()
        self.configure_alertmanager()
        data = self.directory / "data"
        alone = [f"--storage.path={data / 'alertmanager'}", "--cluster.listen-address="]
        self._start("alertmanager", ["prometheus-alertmanager", *alone])
        often = "--rules.alert.resend-delay=1s"  # what was raised before it had found the Alertmanager comes again
        self._start("prometheus", ["prometheus", f"--storage.tsdb.path={data / 'prometheus'}", often])
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _place(self, name: str) -> str:
        return f"127.0.0.1:{self.ports[name]}"

    def _run(self, name: str, user: str, secret: str) -> None:
        """A process of ours that shows its metrics on a port of their own."""
        places = ["--admin", "127.0.0.1:0", "--metrics", self._place(name)]
        places += ["--listen", "127.0.0.1:0"] if name == "gateway" else []
        broker = ["--broker", f"amqp://127.0.0.1:{self.node.port}/bus-a", "--broker-user", user]
        file = self.directory / "passwords" / "secrets" / f"{secret}-password"
        env = dict(os.environ) | {"LGSP_BROKER_PASSWORD_FILE": str(file)}
        made = processes.Process([name, *places, *broker], self.directory / name, ready=f"{name} ready", env=env)
        self._stack.enter_context(made)

    def _start(self, name: str, words: list[str]) -> None:
        assert shutil.which(words[0]), f"{words[0]} is not installed: run `make test`"
        words += [f"--config.file={self.directory / name}.yml", f"--web.listen-address={self._place(name)}"]
        log = self._stack.enter_context((self.directory / f"{name}.log").open("w"))
        self._children[name] = child = subprocess.Popen(words, stdout=log, stderr=log)
        self._stack.callback(child.wait)
        self._stack.callback(child.kill)

    def given(self, name: str) -> Any:
        """A document of the export."""
        return yaml.safe_load((self.out / name).read_text())

    def configure_prometheus(self, *, without_job: str = "", alerting: bool = True, without_alert: str = "") -> None:
        jobs = [job for job in self.given("scrape.yml")["scrape_configs"] if job["job_name"] != without_job]
        rules = self.given("rules.yml")
        for group in rules["groups"]:
            group["rules"] = [rule for rule in group["rules"] if rule.get("alert") != without_alert]
        (self.directory / "rules.yml").write_text(yaml.safe_dump(rules))
        managers = [{"static_configs": [{"targets": [self._place("alertmanager")]}]}] if alerting else []
        shop = {"job_name": "shop", "static_configs": [{"targets": ["127.0.0.1:1"]}]}
        document = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "rule_files": [str(self.directory / "rules.yml")],
            "alerting": {"alertmanagers": managers},
            "scrape_configs": [shop, *jobs],
        }
        (self.directory / "prometheus.yml").write_text(yaml.safe_dump(document))
        self._reload("prometheus")

    def configure_alertmanager(self, *, inhibit: bool = True, route: bool = True) -> None:
        ours = self.given("alertmanager.yml")
        document = {
            "global": ours["global"],
            "route": {"receiver": "shop", "routes": ours["route"]["routes"][:1] if route else []},
            "receivers": [{"name": "shop"}, *ours["receivers"]],
            "inhibit_rules": ours["inhibit_rules"] if inhibit else [],
        }
        (self.directory / "alertmanager.yml").write_text(yaml.safe_dump(document))
        self._reload("alertmanager")

    def _reload(self, name: str) -> None:
        if name in self._children:
            self._children[name].send_signal(signal.SIGHUP)

    def doctor(self, *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
        """The exit code, and the findings by their name."""
        addresses = [
            word for name in ("prometheus", "alertmanager", "broker") for word in (f"--{name}", self.url(name))
        ]
        done = CliRunner().invoke(command_line, ["doctor", *NAMES, *addresses, "--json", *more])
        return done.exit_code, {each["what"]: each for each in json.loads(done.stdout)}


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    speak("en")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theirs]:
    with Theirs(tmp_path_factory.mktemp("theirs")) as made:
        yield made


def missing(theirs: Theirs) -> dict[str, str]:
    return {what: each["says"] for what, each in theirs.doctor()[1].items() if not each["well"]}


def until_wrong(theirs: Theirs, what: set[str]) -> None:
    """Until just these findings are not well: both programs read a configuration when they get to it."""
    differs: set[str] = set()

    def is_so() -> bool:
        differs.clear()
        # What was scraped of the queues is seen until it is stale: for minutes, or not at all.
        differs.update((set(missing(theirs)) ^ what) - {"prometheus: queues"})
        return not differs

    try:
        processes.until(is_so, "the findings are these", 45)
    except AssertionError:
        assert differs == set(), missing(theirs)
        raise


def test_as_the_export_says_it_everything_is_well(theirs: Theirs) -> None:
    until_wrong(theirs, set())
    code, found = theirs.doctor()
    assert (code, len(found)) == (0, 18)
    assert {each["mend"] for each in found.values()} == {""}
    assert found["broker: queues"]["says"] == "two for each of 28 services"
    assert (
        theirs.doctor("--lang", "vi")[1]["broker: queues"]["says"] == "đủ hai hàng đợi cho mỗi dịch vụ trong 28 dịch vụ"
    )


def test_what_is_then_left_out_is_named_with_the_command_that_mends_it(theirs: Theirs) -> None:
    theirs.configure_prometheus(without_job="lgsp-broker-queues", alerting=False, without_alert="LGSPServiceDown")
    theirs.configure_alertmanager(inhibit=False, route=False)
    theirs.node.command("delete_queue", "--vhost", "bus-a", "q.async.population")
    expected = {
        "prometheus: lgsp-broker-queues": "no job of this name",
        "prometheus: rules": "are missing: LGSPServiceDown",
        "prometheus: alerting": "it knows no Alertmanager",
        "alertmanager: arrival": "LGSPWatchdog, which always fires, does not arrive",
        "alertmanager: page": "LGSPServiceDown goes to shop, which tells nobody",
        "alertmanager: ticket": "goes to shop",
        "alertmanager: watchdog": "goes to shop",
        "alertmanager: bus-wide": "LGSPBusWideDegradation does not hold back LGSPServiceDown",
        "alertmanager: page over ticket": "does not hold back",
        "broker: queues": "are missing: q.async.population",
    }
    until_wrong(theirs, set(expected))
    code, found = theirs.doctor()
    assert code == 1
    assert [what for what, says in expected.items() if says not in found[what]["says"]] == []
    command = "lgsp monitoring export DIR --match 'env=\"prod\"' --severity page=critical --vhost bus-a --scale 60"
    assert found["prometheus: rules"]["mend"].startswith(command)
    theirs.configure_prometheus()
    theirs.configure_alertmanager()
    theirs.node.command("import_definitions", str(theirs.out / "rabbitmq.json"))
    until_wrong(theirs, set())


def test_who_does_not_answer_is_a_line_and_not_a_traceback() -> None:
    done = lgsp("doctor", "--prometheus", "http://127.0.0.1:1", "--broker", "http://127.0.0.1:1", "--lang", "en")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line.partition(": ")[0] for line in lines[::2]] == ["MISS prometheus", "MISS broker"]
    assert "rabbitmq-plugins enable rabbitmq_prometheus" in lines[3]
