from __future__ import annotations

import pytest
from builders import a_reply, a_request
from hypothesis import given
from hypothesis import strategies as st

from lgsp.bus.message import (
    Message,
    decode_reply,
    decode_request,
    encode_reply,
    encode_request,
    speaks_our_version,
)
from lgsp.errors import MalformedRequest
from lgsp.model import Outcome, Request, Stamps

NOW = 1_684_886_400.0


def decoded(message: Message, *, now: float = NOW, redelivered: bool = False) -> Request:
    return decode_request(message, "svc", now=now, redelivered=redelivered, default_budget=60.0)


def test_a_request_is_the_table_of_the_design() -> None:
    request = a_request(
        id="t",
        operation="GET /vehicles/{plate}",
        path="/vehicles/30A",
        query="a=1",
        consumer="tester",
        key="k",
        attempt=2,
        body=b"x",
        calm=True,
        headers={"content-type": "text/xml", "soapaction": '""', "traceparent": "00-ab"},
    )
    message = encode_request(request, publish=3, reply_to="gw1", budget=2.5, now=NOW)
    assert message == Message(
        body=b"x",
        headers={
            "lgsp-path": "/vehicles/30A",
            "lgsp-attempt": 2,
            "lgsp-sent-ns": 1_684_886_400_000_000_000,
            "lgsp-key": "k",
            "lgsp-query": "a=1",
            "lgsp-behaviour": "calm",
            "http-soapaction": '""',
            "traceparent": "00-ab",
        },
        correlation_id="t",
        message_id="t.3",
        type="GET /vehicles/{plate}",
        app_id="tester",
        reply_to="gw1",
        expiration="2500",
        content_type="text/xml",
    )


def test_what_has_its_default_is_left_out() -> None:
    message = encode_request(
        a_request(id="t", operation="GET /x", path="/x", key="t"), publish=1, reply_to="gw", budget=1, now=NOW
    )
    assert message.headers == {"lgsp-sent-ns": 1_684_886_400_000_000_000}


def test_a_content_type_that_is_too_long_is_cut_between_two_letters() -> None:
    request = a_request(headers={"content-type": "đ" * 200})
    assert encode_request(request, publish=1, reply_to="gw", budget=1, now=NOW).content_type == "đ" * 127


def test_a_reply_is_the_table_of_the_design() -> None:
    reply = a_reply(
        a_request(id="t"),
        outcome=Outcome.REJECTED,
        status=400,
        reason="bad_request",
        headers={"content-type": "text/plain", "retry-after": "5"},
        stamps=Stamps(3, 4, 5, 6),
    )
    message = encode_reply(reply, operation="GET /x", service="svc", answers="t.2")
    assert message.headers == {
        "lgsp-outcome": "rejected",
        "lgsp-status": 400,
        "lgsp-reason": "bad_request",
        "lgsp-answers": "t.2",
        "lgsp-t3-ns": 3,
        "lgsp-t4-ns": 4,
        "lgsp-t5-ns": 5,
        "lgsp-t6-ns": 6,
        "http-retry-after": "5",
    }
    assert (message.correlation_id, message.type, message.app_id, message.content_type) == (
        "t",
        "GET /x",
        "svc",
        "text/plain",
    )
    plain = encode_reply(a_reply(a_request(id="t"), body=b""), operation="GET /x", service="svc", answers="t.1")
    assert (plain.headers, plain.message_id) == ({}, "")


texts = st.text(max_size=40)
requests = st.builds(
    a_request,
    id=st.text(min_size=1, max_size=40),
    operation=st.from_regex(r"[A-Z]{3,6} /[a-z/{}]{0,20}", fullmatch=True),
    path=texts,
    query=texts,
    consumer=texts,
    key=st.text(min_size=1, max_size=40),
    attempt=st.integers(1, 9),
    body=st.binary(max_size=50),
    calm=st.booleans(),
    force=st.sampled_from(["", "outcome=timeout, delay=2s"]),
    headers=st.dictionaries(
        st.sampled_from(["content-type", "soapaction", "traceparent", "accept"]), st.text(min_size=1, max_size=20)
    ),
)


@given(requests, st.floats(0.001, 60.0), st.floats(0.0, 1.0))
def test_a_request_comes_out_as_it_went_in(request: Request, budget: float, share: float) -> None:
    message = encode_request(request, publish=1, reply_to="gw", budget=budget, now=NOW)
    waited = budget * share
    got = decoded(message, now=NOW + waited)
    for name in ("id", "operation", "path", "query", "consumer", "key", "attempt", "body", "calm", "force", "headers"):
        assert getattr(got, name) == getattr(request, name), name
    assert got.waited == pytest.approx(min(waited, got.waited + got.budget), abs=0.002)
    assert got.budget + got.waited == pytest.approx(budget, abs=0.002)


@given(
    st.builds(
        lambda o, s, r, b: a_reply(a_request(), outcome=o, status=s, reason=r, body=b),
        st.sampled_from(Outcome),
        st.integers(100, 599),
        texts,
        st.binary(max_size=50),
    )
)
def test_a_reply_comes_out_as_it_went_in(reply: object) -> None:
    assert decode_reply(encode_reply(reply, operation="GET /x", service="svc", answers="m")) == reply  # type: ignore[arg-type]  # a reply


def test_what_a_request_leaves_out_has_its_default() -> None:
    got = decoded(Message(correlation_id="t", type="GET /x"))
    assert (got.path, got.query, got.consumer, got.key, got.attempt, got.calm) == ("/x", "", "", "t", 1, False)
    assert (got.budget, got.waited, got.redelivered) == (60.0, 0.0, False)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (Message(type="GET /x"), "no correlation_id"),
        (Message(correlation_id="t"), "no operation"),
        (Message(correlation_id="t", type="GET x"), "no operation"),
        (Message(correlation_id="t", type="GET /x", expiration="soon"), "no number of milliseconds"),
        (Message(correlation_id="t", type="GET /x", expiration="9" * 13), "no number of milliseconds"),
        (Message(correlation_id="t", type="GET /x", headers={"lgsp-attempt": "1"}), "no whole number"),
        (Message(correlation_id="t", type="GET /x", headers={"lgsp-path": 1}), "no text"),
    ],
)
def test_a_request_that_does_not_decode_is_a_sentence(message: Message, says: str) -> None:
    with pytest.raises(MalformedRequest, match=says):
        decoded(message)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (Message(), "no correlation_id"),
        (Message(correlation_id="t", headers={"lgsp-outcome": "good"}), "none of the seven outcomes"),
        (Message(correlation_id="t", headers={"lgsp-status": 42}), "no HTTP status"),
        (Message(correlation_id="t", headers={"lgsp-status": "200"}), "no whole number"),
        (Message(correlation_id="t", headers={"lgsp-t3-ns": "now"}), "no whole number"),
    ],
)
def test_a_reply_that_does_not_decode_is_a_sentence(message: Message, says: str) -> None:
    with pytest.raises(MalformedRequest, match=says):
        decode_reply(message)


def test_a_name_too_long_for_amqp_is_refused_where_it_enters() -> None:
    with pytest.raises(MalformedRequest, match="longer than 255"):
        encode_request(a_request(consumer="x" * 256), publish=1, reply_to="gw", budget=1, now=NOW)


def test_only_our_own_version_is_spoken() -> None:
    assert speaks_our_version(Message())
    assert speaks_our_version(Message(headers={"lgsp-version": "1"}))
    assert not speaks_our_version(Message(headers={"lgsp-version": "2"}))


anything = st.dictionaries(
    st.sampled_from(
        ["lgsp-path", "lgsp-attempt", "lgsp-sent-ns", "lgsp-status", "lgsp-outcome", "lgsp-t3-ns", "http-x"]
    ),
    texts | st.integers(),
)


@given(st.builds(Message, headers=anything, correlation_id=texts, type=texts, expiration=texts))
def test_hostile_messages_decode_or_are_malformed_and_nothing_else(message: Message) -> None:
    for decode in (decoded, decode_reply):
        try:
            decode(message)
        except MalformedRequest as error:
            assert str(error)  # noqa: PT017 - either way is right, nothing else is
