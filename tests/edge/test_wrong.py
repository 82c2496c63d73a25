from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.edge.wrong import fields_of, wrong_fields


@pytest.mark.parametrize(
    ("query", "body", "fields"),
    [
        ("", b"", []),
        ("a=1&b=", b"", [("a", "1"), ("b", "")]),
        ("", b'{"a":{"b":[1,{"c":"x"}]},"d":null}', [("b", "1"), ("c", "x"), ("d", "")]),
        ("q=1", b'<n:a x="1"><n:b>1</n:b><c/><d> 2 </d></n:a>', [("q", "1"), ("b", "1"), ("d", "2")]),
        ("", b"a=1&b=%C4%91", [("a", "1"), ("b", "đ")]),
        ("", b'{"a":', []),
        ("", b"\xff\x00", []),
    ],
)
def test_fields_are_found_in_every_form(query: str, body: bytes, fields: list[tuple[str, str]]) -> None:
    assert fields_of(query, body) == fields


SENT = [("msdn", "4000000001"), ("genderId", "1"), ("Status", "0"), ("a", "x")]


@pytest.mark.parametrize(
    ("reply", "known", "wrong"),
    [
        (b'{"code":"bad_request","field":"items.0.plate","message":"..."}', [], ["items.0.plate"]),
        (b'{"code":"bad_request","field":"","message":"msdn is none"}', [], ["msdn"]),
        ('{"Status":"0","Message":"Mã số doanh nghiệp không hợp lệ: 4000000001"}'.encode(), [], ["msdn"]),
        (
            '{"DESCRIPTION":"Thiếu thông tin: genderId, birthPlace"}'.encode(),
            ["birthPlace"],
            ["genderId", "birthPlace"],
        ),
        (b'{"Status":"0","Message":"no"}', [], []),  # the name of a member of the reply says nothing
        (b"<f><faultstring>msdn and a</faultstring></f>", [], ["msdn"]),  # one letter is no name
        (b"msdn: 4000000001", [], ["msdn"]),
        (b"msdnX", [], []),
        (b"", ["msdn"], []),
    ],
)
def test_a_refusal_names_a_field_by_its_name_or_quotes_its_value(reply: bytes, known: list[str], wrong: list[str]) -> None:  # fmt: skip
    assert wrong_fields(SENT, known, reply) == wrong


@given(st.text(), st.binary(max_size=100), st.binary(max_size=100))
def test_whatever_was_said_names_are_those_of_the_request(query: str, body: bytes, reply: bytes) -> None:
    fields = fields_of(query, body)
    try:
        own = '"field"' in reply.decode() and isinstance(json.loads(reply), dict)
    except ValueError:
        own = False
    assert own or b"field" in reply or set(wrong_fields(fields, ["x1"], reply)) <= {*(name for name, _ in fields), "x1"}
