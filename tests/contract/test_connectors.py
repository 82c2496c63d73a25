"""What every connector promises, run on every operation of the shipped catalogue."""

from __future__ import annotations

import importlib
import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import remembering
from builders import shipped
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsp.catalogue.service import Example, Operation, Service
from lgsp.errors import DeliveryError, MalformedRequest
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.connector import Refuser

CATALOGUE = shipped()
SERVICES = list(CATALOGUE)
OPERATIONS = [(service, operation) for service in SERVICES for operation in service.operations.values()]
EXAMPLES = [(service, operation, example) for service, operation in OPERATIONS for example in operation.examples]


def connector(service: Service) -> ModuleType:
    assert service.connector == f"connectors.{service.id.replace('-', '_')}"
    return importlib.import_module(service.connector)


WORLDS = {service.id: remembering.answering(connector(service)) for service in SERVICES}
"""One for all examples of a service: what one example leaves changes no other's reply."""


def a_request(service: Service, operation: Operation, example: Example, number: int = 0) -> Request:
    asked = example.request
    return Request(
        id=f"t-{number}",
        service=service.id,
        operation=operation.name,
        path=asked.path,
        query=asked.query,
        key=str(number),
        headers=asked.headers,
        body=asked.body,
    )


def said(reply: Reply) -> object:
    if "json" in reply.headers["content-type"]:
        return json.loads(reply.body)
    return reply.body.decode() if "png" not in reply.headers["content-type"] else None


def ids(rows: list[tuple[Service, ...]]) -> list[str]:
    return [" ".join(part.id if isinstance(part, Service) else part.name for part in row) for row in rows]


def test_there_are_28_services_each_with_a_module_of_its_own() -> None:
    assert len(SERVICES) == 28
    assert len({connector(service) for service in SERVICES}) == 28
    files = {path.stem for path in (Path(__file__).parents[2] / "connectors").glob("*.py")} - {"__init__"}
    assert files == {service.id.replace("-", "_") for service in SERVICES}


def test_shares_add_up_to_the_whole_and_official_success_to_99_percent() -> None:
    assert sum(service.share for service in SERVICES) == pytest.approx(1.0)
    failing = sum(service.share * sum(service.errors.rates.values()) for service in SERVICES if service.errors)
    assert 1 - failing == pytest.approx(0.99, abs=0.00001)


@pytest.mark.parametrize(("service", "operation", "example"), EXAMPLES, ids=ids(EXAMPLES))  # type: ignore[arg-type]  # rows of three
async def test_an_example_is_answered_as_it_stands_20_times(
    service: Service, operation: Operation, example: Example
) -> None:
    answer = WORLDS[service.id]
    replies = [await answer(a_request(service, operation, example, n)) for n in range(20)]
    assert {(reply.outcome, reply.status) for reply in replies} == {(example.reply.outcome, example.reply.status)}
    assert len({reply.body for reply in replies}) == 1
    assert said(replies[0]) == example.reply.body
    assert [reply.to for reply in replies] == [f"t-{n}" for n in range(20)]


@pytest.mark.parametrize(("service", "operation"), OPERATIONS, ids=ids(OPERATIONS))  # type: ignore[arg-type]  # rows of two
def test_the_first_example_of_an_operation_is_a_success(service: Service, operation: Operation) -> None:
    assert operation.examples[0].reply.outcome is Outcome.OK, service.id


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
def test_a_module_says_what_is_fact_and_what_is_assumption(service: Service) -> None:
    says = connector(service).__doc__ or ""
    assert "ssumption" in says
    documented = any(operation.evidence != "assumed" for operation in service.operations.values())
    assert ("Fact" in says or "Seen" in says) or not documented


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
def test_a_refusal_is_in_the_contract_s_own_words(service: Service) -> None:
    module = connector(service)
    public = any(operation.evidence == "documented" for operation in service.operations.values())
    if not isinstance(module, Refuser):
        assert not public or service.id in {"national-catalog", "shared-catalog"}, (
            "a documented contract says its own errors"
        )
        return
    request = a_request(
        service, next(iter(service.operations.values())), next(iter(service.operations.values())).examples[0]
    )
    for outcome in (Outcome.REJECTED, Outcome.PROVIDER_ERROR):
        reply = module.refuse(request, outcome)
        assert (reply.to, reply.outcome) == (request.id, outcome)
        assert reply.body or reply.status >= 400, "without words of its own it leaves the gateway to speak"


hostile = st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "session", "maDonVi", "hoSo", "rows", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode())


@settings(max_examples=15, deadline=None)
@given(
    body=hostile,
    query=st.text(max_size=30),
    segment=st.text(st.characters(codec="ascii", exclude_characters="/"), min_size=1, max_size=15),
)
@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
async def test_whatever_is_asked_is_answered_and_never_breaks_a_connector(
    service: Service, body: bytes, query: str, segment: str
) -> None:
    for operation in service.operations.values():
        path = "/".join(segment if part.startswith("{") else part for part in operation.template.split("/"))
        request = Request(id="t", service=service.id, operation=operation.name, path=path, query=query, body=body)
        try:
            reply = await remembering.answering(connector(service))(request)
        except MalformedRequest:
            continue
        assert isinstance(reply, Reply)
        assert reply.to == "t"


def other_kinds(body: dict[str, object]) -> list[dict[str, object]]:
    """The body with each member once of a kind that nobody expects there."""
    return [{**body, name: value} for name in body for value in ([], {}, [{}], None, 1.5, True)]


@pytest.mark.parametrize(("service", "operation"), OPERATIONS, ids=ids(OPERATIONS))  # type: ignore[arg-type]  # rows of two
async def test_a_member_of_another_kind_is_answered_and_no_failure_of_ours(
    service: Service, operation: Operation
) -> None:
    world = remembering.answering(connector(service))
    for example in operation.examples:
        try:
            body = json.loads(example.request.body)
        except ValueError:
            continue
        for number, other in enumerate(other_kinds(body) if isinstance(body, dict) else []):
            request = a_request(service, operation, example, number)
            with suppress(DeliveryError, MalformedRequest):
                reply = await world(replace(request, body=json.dumps(other).encode()))
                assert reply.outcome in {Outcome.OK, Outcome.BUSINESS_FAULT, Outcome.REJECTED, Outcome.PROVIDER_ERROR}
