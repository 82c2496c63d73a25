"""The services of `docker-compose.yml` as local processes: their own commands, environment and health checks.

What a container would have as its file system and network is mapped: paths to a directory, names and ports to loopback.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import yaml

from lgsp.bus.node import PrivateNode, free_port

REPOSITORY = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
OURS = ("init", "gateway", "connectors")


@dataclass
class Stack:
    """Started in the order of `depends_on`; everything ends with the context."""

    directory: Path
    ports: dict[str, int] = field(
        default_factory=lambda: {name: free_port() for name in ("8280", "8290", "8291", "9090")}
    )

    def __post_init__(self) -> None:
        self._stack = ExitStack()
        self._node: PrivateNode | None = None

    def mapped(self, word: str) -> str:
        """A word of the compose file as it is on this machine."""
        for path in ("/secrets", "/run/state", "/prometheus", "/etc/prometheus"):
            if word == path or word.startswith(f"{path}/"):
                return f"{self.directory}{word}"
        for flag in ("--config.file=", "--storage.tsdb.path="):
            if word.startswith(flag):
                return flag + self.mapped(word.removeprefix(flag))
        for port, free in self.ports.items():
            word = word.replace(f"0.0.0.0:{port}", f"127.0.0.1:{free}").replace(
                f"127.0.0.1:{port}", f"127.0.0.1:{free}"
            )
        return word.replace("rabbitmq:5672", f"127.0.0.1:{self._node.port}" if self._node else "rabbitmq:5672")

    def command(self, name: str) -> list[str]:
        """What a service runs; of ours with a state directory of its own, which the image sets."""
        words = [self.mapped(word) for word in COMPOSE["services"][name]["command"]]
        if name not in OURS:
            return [name, *words, f"--web.listen-address=127.0.0.1:{self.ports['9090']}"]
        state = [] if "--state" in words else ["--state", str(self.directory / "state" / name)]
        return [sys.executable, "-m", "lgsp", *words, *state]

    def environment(self, name: str) -> dict[str, str]:
        """A service's own variables beside the machine's."""
        given = COMPOSE["services"][name].get("environment", {})
        return dict(os.environ) | {variable: self.mapped(value) for variable, value in given.items()}

    def __enter__(self) -> Self:
        self._run("init")
        definitions = json.loads((self.directory / "secrets" / "definitions.json").read_text())
        self._node = self._stack.enter_context(PrivateNode(self.directory / "rabbitmq", definitions))
        for name in ("gateway", "connectors"):
            self._start(name)
            self._wait(name)
        self._scrape_configuration()
        self._start("prometheus")
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _run(self, name: str) -> None:
        subprocess.run(self.command(name), env=self.environment(name), cwd=REPOSITORY, check=True, timeout=30)

    def _start(self, name: str) -> None:
        log = self._stack.enter_context((self.directory / f"{name}.log").open("w"))
        child = subprocess.Popen(self.command(name), env=self.environment(name), cwd=REPOSITORY, stdout=log, stderr=log)
        self._stack.callback(child.wait)
        self._stack.callback(child.kill)

    def _wait(self, name: str) -> None:
        """Ask the service's own health check until it is content."""
        check = [self.mapped(word) for word in COMPOSE["services"][name]["healthcheck"]["test"][1:]]
        end = time.monotonic() + 30
        while subprocess.run(
            [sys.executable, "-m", *check], cwd=REPOSITORY, capture_output=True, check=False
        ).returncode:
            log = (self.directory / f"{name}.log").read_text()
            assert time.monotonic() < end, f"{name} does not become healthy:\n{log}"

    def _scrape_configuration(self) -> None:
        """The shipped jobs; a name that DNS would resolve is a loopback address here."""
        config: dict[str, Any] = yaml.safe_load((REPOSITORY / "config" / "prometheus" / "prometheus.yml").read_text())
        config["global"]["scrape_interval"] = "1s"
        jobs = [job for job in config["scrape_configs"] if str(job["dns_sd_configs"][0]["port"]) in self.ports]
        for job in jobs:
            port = self.ports[str(job.pop("dns_sd_configs")[0]["port"])]
            job["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
            job["authorization"]["credentials_file"] = self.mapped(job["authorization"]["credentials_file"])
        config["scrape_configs"] = jobs
        del config["alerting"]  # a name that only the engine's own DNS knows
        file = self.directory / "etc" / "prometheus" / "prometheus.yml"
        file.parent.mkdir(parents=True)
        shutil.copytree(REPOSITORY / "config" / "prometheus" / "rules", file.parent / "rules")
        file.write_text(yaml.safe_dump(config))
