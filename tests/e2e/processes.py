"""lgsp's own processes, started as a person would start them, on free loopback ports."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

REPOSITORY = Path(__file__).parents[2]


T = TypeVar("T")


def until(found: Callable[[], T | None], what: str, seconds: float = 15) -> T:
    """What `found` gives, as soon as that is something: another process has no event to wait for."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.03)
    return value


class Process:
    """One `lgsp` command. `ready` is a piece of text in its output that says that it is up."""

    def __init__(self, arguments: list[str], directory: Path, *, ready: str, env: dict[str, str] | None = None) -> None:
        self._arguments = arguments
        self._directory = directory
        self._ready = ready
        self._env = env
        self._child: subprocess.Popen[str] | None = None
        self.output = ""

    def start(self, seconds: float = 90) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        log = self._directory / "output.log"
        with log.open("w") as out:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "lgsp", *self._arguments, "--state", str(self._directory)],
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=REPOSITORY,
                env=self._env,
            )
        child = self._child

        def has_begun_or_ended() -> bool:
            self.output = log.read_text()
            return self._ready in self.output or child.poll() is not None

        until(has_begun_or_ended, f"{self._arguments} up; it said:\n{log.read_text()}", seconds)
        assert self._ready in self.output, f"{self._arguments} did not come up:\n{self.output}"
        return self

    @property
    def state(self) -> Path:
        return self._directory

    @property
    def pid(self) -> int:
        assert self._child
        return self._child.pid

    def resident(self) -> int:
        """The memory that it holds, in MiB."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 2**20

    def found(self, pattern: str) -> str:
        match = re.search(pattern, self.output)
        assert match, self.output
        return match[1]

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def end(self, number: int = signal.SIGTERM) -> int:
        child, self._child = self._child, None
        if child is None:
            return 0
        child.send_signal(number)
        return child.wait(timeout=30)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def gateway(broker: str, directory: Path, *, config: Path | None = None, name: str = "gw1") -> Process:
    places = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--name", name, "--broker", broker]
    return Process(["gateway", *places, *_config(config)], directory / name, ready="gateway ready")


def connectors(broker: str, directory: Path, *, config: Path | None = None, seed: int = 2023) -> Process:
    places = ["--admin", "127.0.0.1:0", "--broker", broker, "--seed", str(seed)]
    return Process(["connectors", *places, *_config(config)], directory / "connectors", ready="connectors ready")


def _config(config: Path | None) -> list[str]:
    return ["--config", str(config)] if config else []


def get(url: str, token: str = "") -> tuple[int, bytes]:
    return send(urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {}))


def send(request: urllib.request.Request) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def get_json(url: str) -> Any:
    return json.loads(get(url)[1])


def secret_of(directory: Path, consumer: str) -> str:
    """The secret that a process with this state directory made for a consumer of its own."""
    return (directory / "secrets" / "consumers" / consumer).read_text()


def token_of(url: str, directory: Path, consumer: str = "tester") -> str:
    """A token of the gateway at `url`, which keeps its state in `directory`."""
    form = {"grant_type": "client_credentials", "client_id": consumer, "client_secret": secret_of(directory, consumer)}
    with urllib.request.urlopen(f"{url}/token", data=urllib.parse.urlencode(form).encode(), timeout=10) as answer:
        token: str = json.load(answer)["access_token"]
        return token
