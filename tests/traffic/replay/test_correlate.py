from __future__ import annotations

import json
import random

import pytest

from lgsp.capture.record import CONNECTOR, Answered, Asked, Body, Record
from lgsp.traffic.replay.correlate import correlated


def said(at: int, method: str, url: str, answer: object = None, token: str = "", asked: object = None) -> Record:
    headers = (("Authorization", f"Bearer {token}"), ("Accept", "*/*")) if token else ()
    body = Body.of(json.dumps(asked).encode()) if asked is not None else Body()
    return Record(
        t=at,
        seq=at,
        request=Asked(method, url, headers, body),
        reply=Answered(200, body=Body.of(json.dumps(answer).encode())),
    )


def told(records: list[Record]) -> list[tuple[str, str, str, list[str]]]:
    return [
        (each.name, each.source.text, str(each.take), [str(put.place) for put in each.puts])
        for each in correlated(records)
    ]


def test_nothing_is_proposed_where_nothing_comes_back() -> None:
    assert told([]) == []
    assert told([said(1, "GET", "/a/1001", {"id": "made-up-7"}), said(2, "GET", "/b/1002", {"id": "made-up-8"})]) == []


def test_a_token_is_found_unaided_in_a_thousand_records() -> None:
    chance = random.Random(7)
    records, token = list[Record](), ""
    for at in range(1_000):
        if at % 200 == 0:
            token = f"{chance.getrandbits(128):032x}"
            records.append(said(at, "POST", "/token", {"access_token": token, "expires_in": 3_600, "scope": "default"}))
        else:
            answer = {"name": f"person {chance.getrandbits(16)}", "seen": chance.getrandbits(40)}
            records.append(said(at, "GET", f"/people/{chance.getrandbits(36)}?page={at % 7}", answer, token))
    assert told(records) == [("access_token", "POST /token", "$.access_token", ["header:Authorization"])]
    chance.shuffle(records)
    assert told(records) == [("access_token", "POST /token", "$.access_token", ["header:Authorization"])]


def test_ids_are_found_in_path_query_and_body_and_what_was_asked_with_is_an_echo() -> None:
    records = []
    for number in range(5):
        ticket, mine = f"T{number}7741", f"mine-{number}-123"
        records += [
            said(number * 10, "POST", "/tickets", {"data": {"ticket": ticket}, "yours": mine}, asked={"mine": mine}),
            said(number * 10 + 1, "GET", f"/tickets/{ticket}/lines", {}),
            said(number * 10 + 2, "POST", f"/close?t={ticket}", {}, asked={"ref": ticket, "mine": mine}),
        ]
    assert [each[1:] for each in told(records)] == [("POST /tickets", "$.data.ticket", ["path", "query:t", "$.ref"])]
    assert told([Record(t=r.t, tap=CONNECTOR, request=r.request, reply=r.reply) for r in records]) == []


def test_a_place_that_replies_explain_seldom_is_chance() -> None:
    records = [said(0, "GET", "/list", {"first": "code-1"})]
    records += [said(n, "GET", f"/look?code=code-{n}", {}) for n in range(1, 10)]
    assert told(records) == []


@pytest.mark.parametrize(
    ("reply", "later", "place"),
    [
        (Answered(200, (("Set-Cookie", "JSESSIONID=A1B2C3; Path=/"),)), Asked("GET", "/a", (("Cookie", "x=y; JSESSIONID=A1B2C3"),)), "cookie:JSESSIONID"),
        (Answered(200, body=Body.of(b"<e:R><ns:Ma>YC-001</ns:Ma></e:R>")), Asked("POST", "/a", (), Body.of(b"<Ma>YC-001</Ma>")), "xml:Ma"),
        (Answered(200, body=Body.of(b'[{"n":123456}]')), Asked("POST", "/a", (), Body.of(b"n=123456&m=2")), "form:n"),
        (Answered(200, (("X-Next", "page-2-abcdef"),)), Asked("GET", "/a?after=page-2-abcdef"), "query:after"),
    ],
)  # fmt: skip
def test_cookies_xml_forms_and_headers_are_looked_into(reply: Answered, later: Asked, place: str) -> None:
    records = [Record(t=0, request=Asked("GET", "/login"), reply=reply), Record(t=1, request=later)]
    assert [puts for *_, puts in told(records)] == [[place]]
