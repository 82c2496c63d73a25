"""What the gateway serves as its contract is what it keeps: every operation, with cases that schemathesis makes up."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import processes
import pytest
import requests
import schemathesis
from builders import shipped
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CONFIG = Path(__file__).parents[2] / "config"
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
OUR_OWN = ("connector_exception", "connector_lost", "bad_reply")
"""Reasons that are a failure of ours, whatever the document lists: a test identifier's timeout or a SOAP fault is none."""
PATIENCE = 65.0
"""Longer than any service's timeout: an identifier may mean that nobody answers."""


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


def broken_promises(
    operation: Any, session: requests.Session, mode: GenerationMode, cases: int, headers: Mapping[str, str]
) -> Iterator[str]:
    """What an operation answered that its document does not say. The same cases in every run."""
    found: list[str] = []

    @settings(
        max_examples=cases,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        response = case.call(session=session, timeout=PATIENCE, headers=headers)
        asked.append(case)
        text = response.content.decode(errors="replace")  # a map is a picture
        is_ours = any(f'"reason": "{reason}"' in text for reason in OUR_OWN)
        if is_ours or response.headers.get("x-lgsp-outcome") == ["bus_error"]:
            found.append(f"{operation.label}: {response.status_code} {text[:200]}")
        try:
            case.validate_response(response, checks=CHECKS)
        except schemathesis.core.failures.FailureGroup as failures:
            found.extend(f"{operation.label}: {failure}\n{text[:200]}" for failure in failures.exceptions)

    asked: list[Any] = []
    try:
        ask()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, operation.label  # nothing that is sent to it can be wrong
    assert asked or mode is GenerationMode.NEGATIVE, operation.label
    yield from found


def all_broken_promises(
    running: processes.Process,
    cases: int,
    *,
    consumer: str = "tester",
    modes: tuple[GenerationMode, ...] = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE),
    **headers: str,
) -> list[str]:
    url = running.found(r"gateway +(http://\S+)")
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) == sum(len(service.operations) for service in shipped()) + 4
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {processes.token_of(url, running.state, consumer)}"
        return [
            broken
            for operation in operations
            for mode in modes
            for broken in broken_promises(operation, session, mode, cases, headers)
        ]


@pytest.mark.real
@pytest.mark.timeout(180)
def test_every_operation_answers_as_its_document_says(running: processes.Process) -> None:
    assert all_broken_promises(running, cases=1) == []


@pytest.mark.real
@pytest.mark.timeout(180)
@pytest.mark.parametrize("outcome", ["rejected", "provider_error"])
def test_every_failure_of_a_lifelike_stand_in_is_one_that_the_document_says(
    running: processes.Process, outcome: str
) -> None:
    forced = {"X-Lgsp-Force": f"outcome={outcome}"}
    assert all_broken_promises(running, cases=1, modes=(GenerationMode.POSITIVE,), **forced) == []


@pytest.mark.proof
@pytest.mark.timeout(1_200)
def test_every_operation_answers_as_its_document_says_at_length(running: processes.Process) -> None:
    assert all_broken_promises(running, cases=25) == []


@pytest.mark.proof
@pytest.mark.timeout(1_200)
def test_a_lifelike_consumer_is_answered_as_the_document_says(running: processes.Process) -> None:
    assert all_broken_promises(running, cases=2, consumer="demo", modes=(GenerationMode.POSITIVE,)) == []
