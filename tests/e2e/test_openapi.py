"""What the gateway serves as its contract is what it keeps: every operation, with cases that schemathesis makes up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from lgsp.catalogue.parse import read_catalogue

CONFIG = Path(__file__).parents[2] / "config"
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
OUR_OWN = ("connector_exception", "connector_lost", "bad_reply")
"""Reasons that are a failure of ours, whatever the document lists: a test identifier's timeout or a SOAP fault is none."""
PATIENCE = 65.0
"""Longer than any service's timeout: an identifier may mean that nobody answers."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.Process]:
    listen = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--config", str(CONFIG), "--no-traffic"]
    with processes.Process(["up", *listen], tmp_path_factory.mktemp("up"), ready="try  ") as process:
        yield process


def broken_promises(operation: Any, session: requests.Session, mode: GenerationMode, cases: int) -> Iterator[str]:
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
        response = case.call(session=session, timeout=PATIENCE)
        asked.append(case)
        is_ours = any(f'"reason": "{reason}"' in response.text for reason in OUR_OWN)
        if is_ours or response.headers.get("x-lgsp-outcome") == ["bus_error"]:
            found.append(f"{operation.label}: {response.status_code} {response.text[:200]}")
        try:
            case.validate_response(response, checks=CHECKS)
        except schemathesis.core.failures.FailureGroup as failures:
            found.extend(f"{operation.label}: {failure}\n{response.text[:200]}" for failure in failures.exceptions)

    asked: list[Any] = []
    try:
        ask()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, operation.label  # nothing that is sent to it can be wrong
    assert asked or mode is GenerationMode.NEGATIVE, operation.label
    yield from found


def all_broken_promises(running: processes.Process, cases: int) -> list[str]:
    url = running.found(r"gateway +(http://\S+)")
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) == sum(len(service.operations) for service in read_catalogue(CONFIG))
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {processes.token_of(url, running.state)}"
        return [
            broken
            for operation in operations
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
            for broken in broken_promises(operation, session, mode, cases)
        ]


@pytest.mark.real  # nothing but itself, but a minute of it
@pytest.mark.timeout(180)
def test_every_operation_answers_as_its_document_says(running: processes.Process) -> None:
    assert all_broken_promises(running, cases=1) == []


@pytest.mark.proof
@pytest.mark.timeout(1_200)
def test_every_operation_answers_as_its_document_says_at_length(running: processes.Process) -> None:
    assert all_broken_promises(running, cases=25) == []
