from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from lgsp.capture.record import BUS_REQUEST, Answered, Asked, Body, Message, Record
from lgsp.traffic.diff.view import operation_of, value_of, view


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"", ""),
        (b' {"a":[1]}', {"a": [1]}),
        (b"[1", "[1"),
        (b'{"a":NaN}', '{"a":NaN}'),
        (b"a=1&a=2", "a=1&a=2"),
        (b"\xff\x00", {"size": 2, "sha256": sha256(b"\xff\x00").hexdigest()}),
        (b"<a><b>1</b><b/></a>", {"a": {"b": [{"#text": "1"}, {}]}}),
        (b"<a", "<a"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
        (b"[" * 100_000, "[" * 100_000),
    ],
)
def test_a_body_is_read_as_what_it_is(data: bytes, value: Any) -> None:
    assert value_of(Body.of(data)) == value


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (b'<s:E xmlns:s="urn:e" b="2" a="1"><s:x>1</s:x></s:E>', True),
        (b'<E xmlns="urn:e" a="1" b="2">\n  <x> 1 </x>\n</E>', True),
        (b'<E xmlns="urn:f" a="1" b="2"><x>1</x></E>', False),
        (b'<E xmlns="urn:e" a="1" b="3"><x>1</x></E>', False),
        (b'<E xmlns="urn:e" a="1" b="2"><x xmlns="">1</x></E>', False),
    ],
)
def test_prefixes_order_of_attributes_and_white_space_say_nothing_in_xml(other: bytes, same: bool) -> None:  # noqa: FBT001 - a column
    one = b'<s:E xmlns:s="urn:e" a="1" b="2"><s:x>1</s:x></s:E>'
    assert (value_of(Body.of(one)) == value_of(Body.of(other))) is same


def test_a_body_that_was_cut_is_its_size_and_what_is_there() -> None:
    assert value_of(Body(b"ab", 9)) == {"size": 9, "sha256": sha256(b"ab").hexdigest()}
    assert value_of(Body(None, 9)) != value_of(Body(None, 8))


def test_a_record_is_seen_without_what_is_new_in_every_run() -> None:
    form = Body.of(b"q=1&q=2")
    record = Record(
        t=1,
        tx="t",
        seq=4,
        request=Asked("POST", "http://h:1/a/b?x=%201&x=2", (("Host", "h"), ("Content-Type", "application/x-www-form-urlencoded"), (":path", "/a")), form),
        reply=Answered(200, (("Date", "now"), ("X-A", "1"), ("x-a", "2")), Body.of(b"hi")),
        times={"total": 5},
        outcome="ok",
    )  # fmt: skip
    assert view(record) == {
        "request": {
            "method": "POST",
            "path": "/a/b",
            "query": {"x": [" 1", "2"]},
            "header": {"content-type": "application/x-www-form-urlencoded"},
            "body": {"q": ["1", "2"]},
        },
        "reply": {"status": 200, "header": {"x-a": ["1", "2"]}, "body": "hi"},
        "outcome": "ok",
    }


def test_a_message_is_seen_by_what_is_not_of_it_alone() -> None:
    properties = {"message_id": "t.1", "priority": 3, "headers": {"lgsp-sent-ns": 5, "lgsp-path": "/a"}}
    seen = view(Record(t=1, tap=BUS_REQUEST, message=Message(properties, Body.of(b"[1]"))))
    assert seen == {"message": {"priority": 3, "header": {"lgsp-path": "/a"}, "body": [1]}}


@pytest.mark.parametrize(
    ("url", "operation"),
    [
        ("/a/b?x=1", "GET /a/b"),
        ("/a/12/b", "GET /a/{}/b"),
        ("/a/30A-12345", "GET /a/{}"),
        ("/v2.0.0/1f0e7a52-93f4-4cb5-9d1c-1d2a5cf3ae01", "GET /v2.0.0/{}"),
        ("http://h/a", "GET /a"),
        ("http://[", "GET http://["),
    ],
)
def test_what_has_no_operation_is_called_by_its_path_without_ids(url: str, operation: str) -> None:
    assert operation_of(Record(t=1, request=Asked("GET", url))) == ("", operation)
    assert operation_of(Record(t=1, service="s", operation="o", request=Asked("GET", url))) == ("s", "o")
