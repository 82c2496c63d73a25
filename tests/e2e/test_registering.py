"""`docs/registering-a-service.md`, block by block, as a registrar follows it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import processes
import pytest

PAGE = (processes.REPOSITORY / "docs" / "registering-a-service.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


class Registrar:
    """Somebody with a shell in a directory, and a running `lgsp up`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.up: processes.Process | None = None
        self.printed = ""
        scripts = Path(sys.executable).parent
        self.environment = os.environ | {
            "PATH": f"{scripts}:{os.environ['PATH']}",
            "LGSP_STATE_DIR": str(directory / "state"),
            "LANG": "C.UTF-8",
            "PYTHONUTF8": "1",
        }
        self.environment.pop("LC_ALL", None)

    def writes(self, text: str) -> None:
        """A file whose name is its first line."""
        name = text.splitlines()[0].removeprefix("# ")
        in_force = name.startswith("services.d/")
        file = self.directory / ("lgsp-config" if in_force else "") / name
        before = self._reloaded() if in_force else 0.0
        file.write_text(text)
        if in_force:
            processes.until(lambda: self._reloaded() != before, f"{name} in force", 20)

    def types(self, command: str) -> None:
        if command.startswith("lgsp up"):
            places = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--no-traffic"]
            config = str(self.directory / "lgsp-config")
            self.up = processes.Process(
                ["up", *places, "--config", config], self.directory / "state", ready="try  "
            ).start()
            self.environment["LGSP_CONFIG"] = "lgsp-config"
            return
        if self.up:
            url = self.up.found(r"gateway +(http://\S+)")
            command = command.replace("lgsp call ", f"lgsp call --gateway {url} ")
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.printed = done.stdout
        assert done.returncode == 0, (command, done.stdout)

    def reads(self, text: str) -> None:
        for line in text.rstrip("\n").splitlines():
            assert line in self.printed.splitlines(), (line, self.printed)

    def _reloaded(self) -> float:
        assert self.up
        metrics = processes.get(self.up.found(r"admin +(http://\S+)") + "/metrics")[1].decode()
        found = re.search(r'success_timestamp_seconds\{config="services"\} (\S+)', metrics)
        return float(found[1]) if found else 0.0


@pytest.fixture
def registrar(tmp_path: Path) -> Iterator[Registrar]:
    made = Registrar(tmp_path)
    try:
        yield made
    finally:
        if made.up:
            made.up.kill()


@pytest.mark.real
@pytest.mark.timeout(240)
def test_every_block_of_the_page_does_what_it_says(registrar: Registrar) -> None:
    acts = {"yaml": registrar.writes, "sh": registrar.types, "text": registrar.reads}
    for kind, text in BLOCKS:
        acts[kind](text)


def test_the_first_example_has_a_pasted_reply_and_no_template() -> None:
    first = next(text for kind, text in BLOCKS if kind == "yaml")
    assert '"bienSo": "30A-12345",' in first
    assert "{{" not in first


def test_the_page_begins_in_vietnamese() -> None:
    assert PAGE.index("Dán trả lời mẫu") < PAGE.index("in English")
