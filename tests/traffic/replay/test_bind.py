from __future__ import annotations

import json

import pytest

from lgsp.capture.record import Answered, Asked, Body, Record
from lgsp.traffic.replay.bind import Binding, Put, Which, bound, exchanged
from lgsp.traffic.replay.place import Said, parse_place
from lgsp.traffic.replay.plan import Wish, plan

NS = 1_000_000_000


def a_record(at: float, method: str, url: str, answer: object = None, *, token: str = "", body: bytes = b"") -> Record:
    headers = (("Authorization", f"Bearer {token}"),) if token else ()
    reply = Answered(200, body=Body.of(json.dumps(answer).encode()))
    return Record(t=int(at * NS), seq=int(at), request=Asked(method, url, headers, Body.of(body)), reply=reply)


def binding(name: str, source: str, take: str, *puts: str) -> Binding:
    return Binding(name, Which(source), parse_place(take), tuple(Put(parse_place(each)) for each in puts))


TOKEN = binding("token", "POST /token", "$.access_token", "header:Authorization")
TICKET = binding("id", "POST /tickets", "$.id", "path", "$.ticket")


def test_a_call_has_what_the_last_reply_with_that_value_gives_now() -> None:
    records = [
        a_record(0, "POST", "/token", {"access_token": "old"}),
        a_record(1, "POST", "/tickets", {"id": 70_001}, token="old"),
        a_record(2, "POST", "/token", {"access_token": "old"}),
        a_record(3, "POST", "/tickets/70001/notes", body=b'{"ticket":70001,"text":"70001"}', token="old"),
        a_record(4, "GET", "/tickets/70002", token="unknown"),
    ]
    planned, _ = plan(records, Wish(bindings=[TOKEN, TICKET]))
    assert [[binding.name for binding in call.gives] for call in planned] == [["token"], ["id"], ["token"], [], []]
    needs = [[source for slot in call.takes for source in slot.needs] for call in planned]
    assert needs == [[], [("token", 0)], [], [("token", 2), ("id", 1), ("id", 1)], []]
    live = {("token", 2): "new", ("id", 1): "9"}
    said = bound(planned[3].said, planned[3].takes, live)
    assert said == Said((("authorization", "Bearer new"),), b'{"ticket":9,"text":"70001"}', "/tickets/9/notes")
    assert planned[4].headers == {}


def test_with_a_form_whatever_was_recorded_gives_way() -> None:
    masked = Binding(
        "token", Which("POST /token"), parse_place("$.t"), (Put(parse_place("header:Authorization"), "Bearer {}"),)
    )
    records = [a_record(0, "GET", "/a"), a_record(1, "POST", "/token", {"t": "***"}), a_record(2, "GET", "/a")]
    planned, _ = plan(records, Wish(bindings=[masked]))
    assert [call.takes == () for call in planned] == [True, True, False]
    said = bound(planned[2].said, planned[2].takes, {("token", 1): "new"})
    assert said.headers == (("authorization", "Bearer new"),)


def test_of_a_cookie_jar_only_what_is_bound_is_sent() -> None:
    session = binding("sid", "GET /login", "cookie:sid", "cookie:sid")
    login = Record(
        t=0,
        request=Asked("GET", "/login"),
        reply=Answered(200, (("Set-Cookie", "sid=s1; Path=/"), ("Set-Cookie", "x=2"))),
    )
    later = Record(t=1, request=Asked("GET", "/a", (("Cookie", "x=2; sid=s1"),)))
    planned, _ = plan([login, later], Wish(bindings=[session]))
    assert bound(planned[1].said, planned[1].takes, {("sid", 0): "s9"}).headers == (("cookie", "sid=s9"),)


@pytest.mark.parametrize(
    ("text", "now"),
    [
        ("17", "42"),
        ("Bearer 17", "Bearer 42"),
        ("http://h/things/17?x=17", "http://h/things/42?x=42"),
        ("a,17;b", "a,42;b"),
        ("117 171 x17", "117 171 x17"),
        ("", ""),
    ],
)
def test_a_value_is_exchanged_where_it_stands_by_itself(text: str, now: str) -> None:
    assert exchanged(text, {"17": "42"}) == now


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("svc", True),
        ("POST /a/{id}", True),
        ("svc POST /a/{id}", True),
        ("POST /api/a/7", True),
        ("POST /api/*", True),
        ("* /api/a/{n}", True),
        ("svc POST *", True),
        ("POST /api/{n}", False),
        ("GET /a/{id}", False),
        ("other POST *", False),
        ("POST /api/a/7?x=1", False),
    ],
)
def test_calls_are_named_by_service_operation_or_path(text: str, means: bool) -> None:  # noqa: FBT001 - a table
    record = Record(t=0, service="svc", operation="POST /a/{id}", request=Asked("POST", "http://h:1/api/a/7?x=1"))
    assert Which(text).means(record) is means
