import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from records import RECORDS

from lgsp.capture.record import Answered, Body, Record, decode, encode, parse


@given(RECORDS)
@settings(max_examples=100)
def test_a_record_comes_back_from_its_line_as_it_was(record: Record) -> None:
    line = encode(record)
    assert line.count(b"\n") == 1
    assert decode(json.loads(line.decode("utf-8", "surrogatepass"))) == record


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b'{"a":[1,2.5,"\xc4\x91"]}', "json"),
        (b'{"a": 1}', "text"),  # a space that JSON would not give back
        (b'{"a":1,"a":2}', "text"),
        (b"[1.0e5]", "text"),
        (b"[NaN]", "text"),
        (b"[" * 100_000, "text"),
        ("Đặng Thị Huệ".encode(), "text"),
        (b"\xff\xfe\x00", "b64"),
        (b"\x1f\x8b\x08\x00", "b64"),
        (b"\xed\xa0\x80", "b64"),
        (bytes(range(256)) * 20_000, "b64"),
    ],
)
def test_a_body_is_written_so_that_every_byte_comes_back(data: bytes, form: str) -> None:
    line = json.loads(encode(Record(t=1, reply=Answered(200, body=Body.of(data)))))
    assert list(line["res"]["body"]) == [form]
    back = decode(line).reply
    assert back is not None
    assert back.body.data is not None
    assert hashlib.sha256(back.body.data).digest() == hashlib.sha256(data).digest()


def test_an_empty_body_is_not_written_and_a_missing_one_says_its_size() -> None:
    lines = [json.loads(encode(Record(t=1, reply=Answered(200, body=body)))) for body in (Body.of(b""), Body(None, 7))]
    assert [line["res"].get("body") for line in lines] == [None, {"size": 7}]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"tap": "gateway"}, "`t` is missing"),
        ({"t": 1.5, "tap": "gateway"}, "`t` is float, not int"),
        ({"t": True, "tap": "gateway"}, "`t` is bool, not int"),
        ({"t": 1}, "`tap` is missing"),
        ({"t": 1, "tap": "gateway", "tx": 7}, "`tx` is int, not str"),
        ({"t": 1, "tap": "gateway", "req": {"url": "/"}}, "`method` is missing"),
        ({"t": 1, "tap": "gateway", "req": []}, "`req` is list, not dict"),
        ({"t": 1, "tap": "gateway", "res": {"status": "200"}}, "`status` is str, not int"),
        ({"t": 1, "tap": "gateway", "res": {"status": 200, "headers": [["a"]]}}, "`headers` is a list of pairs"),
        ({"t": 1, "tap": "gateway", "res": {"status": 200, "body": {"text": "a", "b64": ""}}}, "not text and b64"),
        ({"t": 1, "tap": "gateway", "res": {"status": 200, "body": {"b64": "ä"}}}, "`b64` is not base64"),
        ({"t": 1, "tap": "gateway", "res": {"status": 200, "body": {"text": 5}}}, "`text` is int, not str"),
        ({"t": 1, "tap": "gateway", "body": {"text": "a"}}, "`body` stands without its `amqp`"),
        ({"t": 1, "tap": "gateway", "times": {"total": 1.5}}, "whole nanoseconds"),
    ],
)
def test_a_line_that_is_wrong_names_the_field(line: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem.replace("[", r"\[")):
        decode(line)


def test_fields_that_we_do_not_know_are_kept() -> None:
    line = {"seq": 1, "t": 1, "tap": "gateway", "mood": ["fine"], "req": {"method": "GET", "url": "/", "_x": {"y": 1}}}
    assert json.loads(encode(decode(line))) == line


@pytest.mark.parametrize(
    "field", [f'"t":{2**64}', '"t":1,"seq":-1' + "0" * 400, '"t":1,"times":{"a":' + "9" * 40 + "}"]
)
def test_a_number_of_more_than_64_bits_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        decode(json.loads('{"tap":"gateway",' + field + "}"))


@pytest.mark.parametrize("text", ["1e999", "[-1e400]", "NaN", '{"a":Infinity}'])
def test_what_is_no_number_is_no_json(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no JSON|more than a number holds"):
        parse(text)
