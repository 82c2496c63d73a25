from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

from lgsp.capture.record import Answered, Asked, Body, Record
from lgsp.traffic.diff import report
from lgsp.traffic.diff.groups import Compared, compare
from lgsp.traffic.diff.page import page
from lgsp.traffic.diff.pairing import NAMINGS, pairs
from lgsp.traffic.diff.report import Part
from lgsp.traffic.diff.rules import Rules


def a_record(seq: int, service: str, body: str) -> Record:
    reply = Answered(200, body=Body.of(body.encode()))
    return Record(t=seq, seq=seq, service=service, operation="GET /x", request=Asked("GET", "/x"), reply=reply)


def found(body: str = "new") -> Compared:
    ours = [a_record(1, "alpha", "old"), a_record(2, "alpha", "old"), a_record(3, "beta", "old")]
    theirs = [
        a_record(1, "alpha", body),
        a_record(2, "alpha", body),
        a_record(3, "beta", "old"),
        a_record(4, "gamma", ""),
    ]
    return compare(pairs(ours, theirs, NAMINGS["seq"]), Rules())


def part(compared: Compared, title: str = "A and B") -> Part:
    return Part("lgsp diff", title, compared)


def test_a_terminal_is_told_counts_places_and_samples() -> None:
    assert report.text(found()) == (
        "3 pairs, 2 of them different; 0 records missing, 1 extra; 2 groups\n"
        "       2 alpha GET /x (gateway): reply.body: different\n"
        '         1: "old" became "new"\n'
        '         2: "old" became "new"\n'
        "       1 gamma GET /x (gateway): the record: extra\n"
        "         4\n"
    )
    assert report.text(Compared()) == "0 pairs, 0 of them different; 0 records missing, 0 extra; 0 groups\n"


def test_a_program_is_told_the_same() -> None:
    told = report.as_json(found())
    assert (told["pairs"], told["different"], told["extra"], told["findings"]) == (3, 2, 1, 3)
    assert told["groups"][0] == {
        "service": "alpha", "operation": "GET /x", "tap": "gateway", "path": "reply.body", "kind": "different", "pairs": 2,
        "samples": [{"record": "1", "ours": "old", "theirs": "new"}, {"record": "2", "ours": "old", "theirs": "new"}],
    }  # fmt: skip


def test_a_pipeline_sees_a_case_for_each_operation() -> None:
    suite = ET.fromstring(report.junit(part(found())))  # noqa: S314 - made by ourselves
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    cases = {case.get("classname"): case.find("failure") for case in suite}
    assert list(cases) == ["alpha", "beta", "gamma"]
    assert cases["beta"] is None
    failure = cases["alpha"]
    assert failure is not None
    assert failure.get("message") == "2 x reply.body: different"
    assert failure.text == 'reply.body 1: "old" became "new"\nreply.body 2: "old" became "new"'


def test_a_pull_request_has_a_table() -> None:
    assert report.markdown(found()).splitlines()[-2:] == [
        '| 2 | alpha GET /x (gateway) | reply.body | different | 1: "old" became "new" |',
        "| 1 | gamma GET /x (gateway) | the record | extra | 4 |",
    ]


def test_what_a_body_holds_is_neither_markup_nor_an_order_to_a_terminal() -> None:
    evil = "\x1b[2J\x9b|<b>`\x00"
    compared = found(evil)
    compared.groups[0].samples[0] = replace(compared.groups[0].samples[0], name="\x1b]0;")
    assert not {"\x1b", "\x9b", "\x00"} & set(report.text(compared) + report.markdown(compared))
    row = report.markdown(compared).splitlines()[-2]
    assert (row.count("|"), "<b>" in row, "`" in row) == (6, False, False)
    ET.fromstring(report.junit(part(compared)))  # noqa: S314 - made by ourselves
    assert not {"\x1b", "\x9b", "\x00"} & set(page(part(compared)))
    assert "<b>" not in page(part(compared, "<b>"))


def test_a_page_has_a_section_for_each_group_and_names_what_is_the_same() -> None:
    told = page(part(found(), "Monday and Tuesday"))
    assert told.count("<h2>") == 3
    assert '<h2>2 × alpha GET /x (gateway): reply.body: <span class="kind">different</span></h2>' in told
    assert '<td class="name">1</td><td>&quot;old&quot;</td><td>&quot;new&quot;</td>' in told
    assert "beta GET /x (gateway) (1)" in told
    assert "<script" not in told
    assert "http" not in told
    assert "<h2>" not in page(part(Compared()))


def test_two_comparisons_are_two_suites_of_one_file_and_two_chapters_of_one_page() -> None:
    parts = (Part("first", "The first", found()), Part("second", "The second", Compared()))
    root = ET.fromstring(report.junit(*parts))  # noqa: S314 - made by ourselves
    assert root.tag == "testsuites"
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in root] == [
        ("first", "3", "2"),
        ("second", "0", "0"),
    ]
    assert len(root.findall(".//failure")) == 2
    told = page(*parts)
    assert "<title>The first + The second</title>" in told
    assert [told.count(text) for text in ("<h1>The first</h1>", "<h1>The second</h1>", "<html", "</html>")] == [1] * 4
    assert told.index("reply.body") < told.index("<h1>The second</h1>")


def test_text_that_is_no_unicode_is_told_all_the_same() -> None:
    compared = found('["\\ud800"]')
    written = (
        json.dumps(report.as_json(compared), ensure_ascii=False) + report.text(compared) + report.markdown(compared)
    )
    assert "?" in written.encode().decode()
    assert report.junit(part(compared)).encode()
