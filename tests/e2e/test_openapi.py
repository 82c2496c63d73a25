"""What the gateway serves as its contract is what it keeps: every operation, with cases that schemathesis makes up."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import processes
import pytest
from builders import shipped
from cases import Asker, Told, operations
from schemathesis import GenerationMode

CONFIG = Path(__file__).parents[2] / "config"
CASES = int(os.environ.get("OPENAPI", "0"))
"""So many cases that no run had before; none: a few of each operation, the same in every run."""
SEED = int(os.environ.get("OPENAPI_SEED", "0")) or secrets.randbelow(2**31)
GROWTH = 64
"""MiB, at most: what is remembered is bounded, and the first of it takes the most."""
POSITIVE = (GenerationMode.POSITIVE,)
OWN = 2
"""The gateway's own operations, besides those of the catalogue."""


OF_THE_YAML_ALONE = """
vehicle-registry:
  title: Đăng ký phương tiện
  operations:
    POST /vehicles:
      idempotent: false
      request:
        schema:
          type: object
          required: [plate]
          properties: {plate: {$ref: "#/$defs/plate"}, year: {type: integer}}
          $defs: {plate: {type: string, pattern: "^[0-9]{2}[A-Z]-[0-9]{5}$"}}
        invalid: {status: 422, outcome: rejected, body: {code: E1, field: "{{ violation.path }}"}}
      replies:
        - {when: {body.year: {below: 1990}, query.strict: {exists: true}}, status: 409, outcome: business_fault, body: {code: E2}}
        - {status: 201, body: {plate: "{{ body.plate }}", length: "{{ body.plate | length }}", tags: [a, 1]}}
    GET /vehicles/{plate}:
      replies:
        - sequence: [{status: 202, body: {state: pending}}, {body: {state: ready, plate: "{{ path.plate }}"}}]
    GET /note:
      reply: "<note>{{ fake.name }}</note>"
    POST /echo: {idempotent: true}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.Process]:
    config = tmp_path_factory.mktemp("config")
    shutil.copytree(CONFIG, config, dirs_exist_ok=True)
    (config / "services.d").mkdir(exist_ok=True)
    (config / "services.d" / "vehicle-registry.yaml").write_text(OF_THE_YAML_ALONE)
    listen = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--config", str(config), "--no-traffic"]
    with processes.Process(["up", *listen], tmp_path_factory.mktemp("up"), ready="try  ") as process:
        yield process


@pytest.mark.real
@pytest.mark.timeout(180)
def test_it_lists_every_operation(running: processes.Process) -> None:
    offered = sum(len(service.operations) for service in shipped()) + 4
    assert len(operations(Asker(running).document())) == offered + OWN


@pytest.mark.real
@pytest.mark.timeout(180)
def test_every_operation_answers_as_its_document_says(running: processes.Process) -> None:
    held(Asker(running).every_operation(1))


@pytest.mark.real
@pytest.mark.timeout(180)
@pytest.mark.parametrize("outcome", ["rejected", "provider_error"])
def test_every_failure_of_a_lifelike_stand_in_is_one_that_the_document_says(
    running: processes.Process, outcome: str
) -> None:
    held(Asker(running, headers={"X-Lgsp-Force": f"outcome={outcome}"}).every_operation(1, POSITIVE))


@pytest.mark.proof
@pytest.mark.timeout(1_200 + CASES // 5)
def test_every_operation_answers_as_its_document_says_at_length(running: processes.Process) -> None:
    asker = Asker(running)
    held(asker.at_length(CASES * 88 // 100, SEED) if CASES else asker.every_operation(25))


@pytest.mark.proof
@pytest.mark.timeout(1_200 + CASES // 5)
def test_a_lifelike_consumer_is_answered_as_the_document_says(running: processes.Process) -> None:
    asker = Asker(running, "demo")
    held(asker.at_length(CASES * 2 // 100, SEED) if CASES else asker.every_operation(2, POSITIVE))


@pytest.mark.proof
@pytest.mark.timeout(180 + CASES // 5)
def test_what_an_answer_leads_to_answers_as_its_document_says(running: processes.Process) -> None:
    told = Asker(running).in_sequence(CASES // 10 or 250, SEED if CASES else 7)
    held(told)
    assert told.followed["GET /lgsp/v1/transactions/{id}"] > 0
    assert told.followed["GET /lgsp/v1/transactions/{id}/result"] > 0


def held(told: Told) -> None:
    """No promise of the document was broken, and what was asked left no trace but its answers."""
    print(f"seed {SEED}: {told}" if CASES else told)
    assert list(told.broken.values()) == []
    assert told.process.resident() - told.resident[0] < GROWTH
    assert "Traceback" not in (told.process.state / "output.log").read_text()
