from __future__ import annotations

import json

import pytest
from builders import a_request, a_service, an_operation
from hypothesis import given
from hypothesis import strategies as st

from lgsp.capture.record import CONNECTOR, Answered, Asked, Body, Record
from lgsp.catalogue.service import Catalogue
from lgsp.model import Outcome, Request
from lgsp.runtime.recorded import OnMiss, Recorded

CATALOGUE = Catalogue(
    {
        name: a_service(name, an_operation("GET /x/{id}"), context=context, aliases=aliases)
        for name, context, aliases in (("svc", "/svc/v1", ("/old",)), ("deep", "/svc/v1/deep", ()))
    }
)


def a_record(
    url: str = "/svc/v1/x/1", said: bytes = b"one", method: str = "GET", asked: bytes = b"", **fields: object
) -> Record:
    given: dict[str, object] = {
        "t": 0,
        "request": Asked(method, url, body=Body.of(asked)),
        "reply": Answered(200, (("Content-Type", "text/plain"),), Body.of(said)),
        "times": {"total": 100_000_000},
    }
    return Record(**(given | fields))  # type: ignore[arg-type]  # as each test has it


def recorded(*records: Record, on_miss: OnMiss = "fail") -> Recorded:
    return Recorded(records, CATALOGUE, on_miss)


def asked(path: str = "/x/1", service: str = "svc", operation: str = "GET /x/{id}", **fields: object) -> Request:
    return a_request(service=service, operation=operation, path=path, **fields)


def body_of(found: Recorded, request: Request) -> bytes | None:
    said = found.find(request)
    return None if said is None else said.body


def test_a_thousand_replies_come_back_byte_for_byte_and_repeats_in_their_order() -> None:
    bodies = {number: [f"{number} {turn} \xff".encode("latin-1") for turn in range(2)] for number in range(500)}
    records = [
        a_record(f"/svc/v1/x/{number}?a=1", body)
        for turn in range(2)
        for number in bodies
        for body in [bodies[number][turn]]
    ]
    found = recorded(*records)
    assert len(found) == 1_000
    for turn in range(2):
        for number in reversed(bodies):
            assert body_of(found, asked(f"/x/{number}", query="a=1")) == bodies[number][turn]
    assert body_of(found, asked("/x/7", query="a=1")) == bodies[7][1]
    assert repr(found) == "<Recorded 1000 replies to 500 questions, 0 skipped>"


def test_a_reply_is_the_recorded_one_but_for_what_belongs_to_its_way() -> None:
    headers = (
        ("Content-Type", "a/b"),
        ("X-Own", "1"),
        ("Content-Length", "3"),
        ("Content-Encoding", "gzip"),
        ("X-Transaction-Id", "t"),
    )
    found = recorded(a_record(reply=Answered(404, headers, Body.of(b"abc")), outcome="business_fault"))
    said = found.find(asked())
    assert said is not None
    reply = said.to(asked(id="new"))
    assert (reply.to, reply.outcome, reply.status, reply.body) == ("new", Outcome.BUSINESS_FAULT, 404, b"abc")
    assert reply.headers == {"content-type": "a/b", "x-own": "1"}
    assert said.seconds == 0.1


def test_what_is_still_packed_says_so() -> None:
    headers = (("content-encoding", "gzip"),)
    found = recorded(a_record(reply=Answered(200, headers, Body.of(b"\x1f\x8b123"))))
    said = found.find(asked())
    assert said is not None
    assert said.headers == {"content-encoding": "gzip"}


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (asked(), b"get"),
        (asked(operation="POST /x/{id}", body=b'{"b": 2, "a": 1}'), b"post"),
        (asked(operation="POST /x/{id}", body=b'{"b": 2}'), None),
        (asked("/x/2"), None),
        (asked(query="q=1"), None),
        (asked(service="deep"), b"deep"),
        (asked("/x/9"), b"alias"),
    ],
)
def test_the_question_is_service_method_path_query_and_body(request_: Request, answer: bytes | None) -> None:
    found = recorded(
        a_record(said=b"get"),
        a_record(method="POST", asked=b'{"a":1,"b":2}', said=b"post"),
        a_record("https://there.example/svc/v1/deep/x/1", b"deep"),
        a_record("/old/x/9", b"alias"),
        a_record("/elsewhere/x/1", b"none"),
    )
    assert found.skipped == 1
    assert body_of(found, request_) == answer


def test_connectors_know_better_what_was_said_than_the_gateway() -> None:
    found = recorded(
        a_record(said=b"gateway", service="svc", tx="1"),
        a_record("/x/1", b"connector", tap=CONNECTOR, service="svc", tx="1"),
        a_record("/svc/v1/deep/x/1", b"gateway", service="deep"),
    )
    assert (body_of(found, asked()), body_of(found, asked(service="deep"))) == (b"connector", b"gateway")
    assert len(found) == 2


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"outcome": "timeout", "reply": None}, Outcome.TIMEOUT),
        ({"reply": Answered(0)}, Outcome.TIMEOUT),
        ({"outcome": "unreachable"}, Outcome.UNREACHABLE),
        ({"reply": Answered(503)}, Outcome.PROVIDER_ERROR),
        ({"reply": Answered(404)}, Outcome.BUSINESS_FAULT),
    ],
)
def test_silence_and_failures_are_answers_too(fields: dict[str, object], outcome: Outcome) -> None:
    said = recorded(a_record(**fields)).find(asked())  # type: ignore[arg-type]  # as each case has it
    assert said is not None
    assert said.outcome is outcome


@pytest.mark.parametrize(
    "fields",
    [
        {"outcome": "bus_error"},
        {"reply": Answered(200, body=Body(b"cu", 9))},
        {"request": Asked("POST", "/svc/v1/x/1", body=Body(None, 9))},
        {"request": Asked("GET", "http://[bad/svc")},
        {"request": None},
    ],
)
def test_what_is_not_whole_or_not_the_provider_s_is_skipped_and_counted(fields: dict[str, object]) -> None:
    found = recorded(a_record(**fields))  # type: ignore[arg-type]  # as each case has it
    assert (len(found), found.skipped) == (0, 1)


def test_messages_of_the_bus_are_no_answers() -> None:
    assert recorded(Record(t=0, tap="bus.request")).skipped == 0


def test_the_nearest_differs_in_path_first_then_query_then_body() -> None:
    found = recorded(
        a_record("/svc/v1/x/1?a=1&b=2", asked=b'{"n":1,"m":2}'),
        a_record("/svc/v1/x/1?a=1&b=2", asked=b'{"n":9,"m":9}'),
        a_record("/svc/v1/x/1?a=1"),
        a_record("/svc/v1/x/2?a=1&b=3"),
        a_record("/svc/v1/y", method="POST"),
    )

    def nearest(**fields: object) -> str:
        question = found.nearest(asked(**fields))  # type: ignore[arg-type]  # as each case has it
        assert question is not None
        return f"{question} {question.body.decode()}"

    assert nearest(query="a=1&b=2", body=b'{"n":1,"m":3}') == 'GET /x/1?a=1&b=2 {"m": 2, "n": 1}'
    assert nearest(query="a=1") == "GET /x/1?a=1 "
    assert nearest(path="/x/2", query="") == "GET /x/2?a=1&b=3 "
    assert found.nearest(asked("/x")) is None
    assert found.nearest(asked(service="deep")) is None


@given(st.dictionaries(st.text(max_size=3), st.integers(), max_size=4), st.randoms())
def test_the_order_of_members_is_no_difference(body: dict[str, int], chance: object) -> None:
    found = recorded(a_record(method="POST", asked=json.dumps(body).encode()))
    members = list(body.items())
    chance.shuffle(members)  # type: ignore[attr-defined]  # Hypothesis's own random
    request = asked(operation="POST /x/{id}", body=json.dumps(dict(members), indent=1).encode())
    assert body_of(found, request) == b"one"
