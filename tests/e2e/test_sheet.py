"""Every `curl` of every connection guide, as printed, in a shell, against a bus that runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import processes
import pytest
from builders import shipped

from lgsp.catalogue.consumer import read_consumers
from lgsp.catalogue.service import Service
from lgsp.cli.sheet import as_text, sheet_of
from lgsp.edge.welcome import TESTER, secret_file_of

CONFIG = Path(__file__).parents[2] / "config"
SERVICES = list(shipped())
BLOCK = re.compile(r"```sh\n(.*?)\n```", re.DOTALL)
pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.Process]:
    listen = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--config", str(CONFIG), "--no-traffic"]
    with processes.Process(["up", *listen], tmp_path_factory.mktemp("up"), ready="try  ") as process:
        yield process


def blocks_of(service: Service, running: processes.Process) -> list[str]:
    """The shell lines of a service's guide: how to get a token, then one call for each operation."""
    url = running.found(r"gateway +(http://\S+)")
    tester = read_consumers(CONFIG)[TESTER]
    secret = secret_file_of(running.state, TESTER)
    return BLOCK.findall(as_text(sheet_of(service, tester, url, secret, "vi", max_body=1), "vi"))


def shell(lines: str, directory: Path, token: str = "") -> str:
    ended = subprocess.run(
        ["sh", "-c", lines], capture_output=True, check=True, cwd=directory, env=os.environ | {"TOKEN": token}
    )
    return ended.stdout.decode().replace("\r\n", "\n")


@pytest.fixture(scope="module")
def token(running: processes.Process, tmp_path_factory: pytest.TempPathFactory) -> str:
    firsts = {blocks_of(service, running)[0] for service in SERVICES}
    assert len(firsts) == 1
    return shell(f'{firsts.pop()}\necho "$TOKEN"', tmp_path_factory.mktemp("shell")).strip()


def test_the_lines_for_a_token_give_one(token: str) -> None:
    assert token.count(".") == 2


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
def test_every_curl_of_the_guide_answers_as_its_example(
    service: Service, running: processes.Process, token: str, tmp_path: Path
) -> None:
    curls = blocks_of(service, running)[1:]
    operations = list(service.operations.values())
    assert len(curls) == len(operations)
    for curl, operation in zip(curls, operations, strict=True):
        head, _, body = shell(curl, tmp_path, token).partition("\n\n")
        wanted = operation.examples[0].reply
        assert head.splitlines()[0].split()[1] == str(wanted.status), f"{curl}\n{head}\n{body}"
        assert f"X-Lgsp-Outcome: {wanted.outcome}" in head.splitlines()
        if isinstance(wanted.body, dict | list) and wanted.compare == "exact":
            assert json.loads(body) == wanted.body, curl
        if wanted.body is None:
            assert (tmp_path / "reply.bin").stat().st_size > 0
