from __future__ import annotations

import json
from typing import Any

import pytest
from builders import a_request
from hypothesis import given
from hypothesis import strategies as st

from lgsp.capture.formats.report import Report
from lgsp.catalogue.parse import parse_services
from lgsp.catalogue.service import Lognormal, Service, Uniform
from lgsp.catalogue.source import Source
from lgsp.catalogue.wiremock import from_wiremock, is_wiremock
from lgsp.clock import ManualClock
from lgsp.errors import CatalogueError
from lgsp.model import Outcome, Reply
from lgsp.runtime.replies import RepliesConnector, connector_of


def a_mapping(said: object = None, **asked: object) -> dict[str, object]:
    return {"request": {"method": "GET"} | asked, "response": said or {"status": 200, "jsonBody": {"a": 1}}}


def no_file(name: str) -> bytes:
    raise ValueError(f"{name} cannot be read")


def convert(*mappings: object, open_file: Any = no_file) -> tuple[Service, Report]:
    report = Report()
    source = Source("m.json", json.dumps({"mappings": mappings}).encode())
    text = from_wiremock("svc", [source], report, open_file)
    return parse_services([Source("svc.yaml", text.encode())], has_module=lambda _: False)["svc"], report


async def asked(service: Service, operation: str, path: str, **fields: object) -> Reply:
    connector = connector_of(service, ManualClock())
    assert isinstance(connector, RepliesConnector)
    return await connector.answer(a_request(service="svc", operation=operation, path=path, **fields))


async def test_rules_stand_in_their_priority_and_the_later_one_first() -> None:
    service, report = convert(
        a_mapping({"status": 200, "body": "usual"}, urlPath="/x"),
        a_mapping({"status": 404, "body": "first"}, urlPath="/x", queryParameters={"q": {"equalTo": "1"}})
        | {"priority": 1},
        a_mapping({"body": "second"}, urlPath="/x", queryParameters={"q": {"matches": "[12]"}}),
        a_mapping({"body": "never"}, urlPath="/x") | {"priority": 9},
    )
    assert (report.read, report.converted) == (4, 3)
    assert report.named == [
        ("m.json: mapping 4", "it is never reached: m.json: mapping 1 comes before it and takes everything")
    ]
    replies = {query: await asked(service, "GET /x", "/x", query=query) for query in ("q=1", "q=2", "q=12", "")}
    assert {query: (reply.status, reply.body) for query, reply in replies.items()} == {
        "q=1": (404, b"first"),
        "q=2": (200, b"second"),
        "q=12": (200, b"usual"),
        "": (200, b"usual"),
    }
    assert replies["q=1"].outcome is Outcome.BUSINESS_FAULT


@pytest.mark.parametrize(
    ("where", "operation", "taken", "refused"),
    [
        ({"url": "/a/b?c=d"}, "GET /a/b", ("/a/b", "c=d"), ("/a/b", "c=e")),
        ({"urlPathTemplate": "/a/{id}"}, "GET /a/{id}", ("/a/7", ""), None),
        (
            {"urlPathTemplate": "/a/{id}", "pathParameters": {"id": {"equalTo": "7"}}},
            "GET /a/{id}",
            ("/a/7", ""),
            ("/a/8", ""),
        ),
        ({"urlPathPattern": "/a/[^/]+/c"}, "GET /a/{value_2}/c", ("/a/x/c", ""), None),
        ({"urlPathPattern": "/a/[0-9]{3}"}, "GET /a/{value_2}", ("/a/123", ""), ("/a/1234", "")),
        ({"urlPattern": "/a/(x|y)"}, "GET /a/{value_2}", ("/a/y", ""), ("/a/z", "")),
        ({"urlPathPattern": "/v1\\.0/x"}, "GET /v1.0/x", ("/v1.0/x", ""), None),
    ],
)
async def test_paths_become_operations(
    where: dict[str, object], operation: str, taken: tuple[str, str], refused: tuple[str, str] | None
) -> None:
    service, report = convert(a_mapping(**where))
    assert (list(service.operations), report.skipped) == ([operation], 0)
    assert (await asked(service, operation, taken[0], query=taken[1])).body == b'{"a":1}'
    if refused:
        assert (await asked(service, operation, refused[0], query=refused[1])).reason == "no_reply_fits"


@pytest.mark.parametrize(
    ("pattern", "body", "fits"),
    [
        ({"equalToJson": {"a": 1, "b": [2]}}, {"b": [2], "a": 1}, True),
        ({"equalToJson": '{"a": 1}'}, {"a": 1, "c": 3}, False),
        ({"equalToJson": {"a": {"b": [2]}}, "ignoreExtraElements": True}, {"a": {"b": [2], "x": 1}, "c": 3}, True),
        ({"equalToJson": {"a": {"b": [2]}}, "ignoreExtraElements": True}, {"a": {"b": [3]}}, False),
        ({"matchesJsonPath": "$.a.b"}, {"a": {"b": None}}, True),
        ({"matchesJsonPath": "$.a[1]"}, {"a": [1]}, False),
        ({"matchesJsonPath": {"expression": "$.a", "equalTo": "5"}}, {"a": 5}, True),
        ({"matchesJsonPath": {"expression": "$.a", "contains": "v."}}, {"a": "xv.y"}, True),
        ({"matchesJsonPath": {"expression": "$.a", "contains": "v."}}, {"a": "xvvy"}, False),
        ({"matchesJsonPath": {"expression": "$.a", "absent": True}}, {"b": 1}, True),
    ],
)
async def test_bodies_become_conditions(pattern: dict[str, object], body: object, *, fits: bool) -> None:
    service, _ = convert(a_mapping(method="POST", urlPath="/x", bodyPatterns=[pattern]))
    reply = await asked(service, "POST /x", "/x", body=json.dumps(body).encode())
    assert (reply.reason == "") is fits


async def test_headers_are_conditions_whatever_their_letters() -> None:
    service, _ = convert(a_mapping(urlPath="/x", headers={"Accept": {"contains": "xml"}}))
    reply = await asked(service, "GET /x", "/x", headers={"accept": "text/xml"})
    assert reply.status == 200


@pytest.mark.parametrize(
    ("said", "status", "body", "kind"),
    [
        ({"status": 201, "jsonBody": {"a": [1, "{{ x }}"]}}, 201, b'{"a":[1,"{{ x }}"]}', "application/json"),
        ({"body": "hello {{name}}"}, 200, b"hello {{name}}", "text/plain"),
        ({"body": '{"a": 1}'}, 200, b'{"a":1}', "application/json"),
        ({"body": "<a/>"}, 200, b"<a/>", "text/xml"),
        ({"base64Body": "aGk="}, 200, b"hi", "text/plain"),
        ({"bodyFileName": "deep/f.txt", "headers": {"Content-Type": "text/csv"}}, 200, b"of a file", "text/csv"),
        ({"status": 204}, 204, b"", None),
    ],
)
async def test_replies_are_said(said: dict[str, object], status: int, body: bytes, kind: str | None) -> None:
    files = {"deep/f.txt": b"of a file"}
    service, report = convert(a_mapping(said, urlPath="/x"), open_file=files.__getitem__)
    reply = await asked(service, "GET /x", "/x")
    assert (reply.status, reply.body, report.skipped) == (status, body, 0)
    assert kind is None or reply.headers["content-type"].startswith(kind)


async def test_an_absent_provider_a_delay_and_a_latency() -> None:
    law = {"type": "lognormal", "median": 80, "sigma": 0.4}
    service, _ = convert(
        a_mapping({"fault": "EMPTY_RESPONSE"}, urlPath="/gone"),
        a_mapping({"fixedDelayMilliseconds": 250, "body": "x"}, urlPath="/slow"),
        a_mapping({"delayDistribution": law, "body": "x"}, urlPath="/law"),
        a_mapping({"delayDistribution": {"type": "uniform", "lower": 10, "upper": 20}}, urlPath="/even"),
    )
    assert service.operations["GET /gone"].replies[0].steps[0].outcome is Outcome.UNREACHABLE
    assert service.operations["GET /slow"].replies[0].steps[0].delay == 0.25
    latencies = [service.operations[f"GET /{name}"].latency for name in ("law", "even")]
    law_of, even = (latency.distribution for latency in latencies if latency)
    assert isinstance(law_of, Lognormal)
    assert (law_of.p50, law_of.p99) == pytest.approx((0.08, 0.20287), rel=1e-4)
    assert even == Uniform(low=0.01, high=0.02)


@pytest.mark.parametrize(
    ("mapping", "why"),
    [
        ({"request": {}, "response": {}}, "matches everything"),
        ({"request": {"method": "GET"}, "response": {}}, "matches everything"),
        ("text", "a mapping is an object"),
        ({"request": {"urlPath": "/x"}, "response": {}}, "no operation"),
        (a_mapping(urlPath="/x") | {"scenarioName": "s"}, "nothing like scenarioName"),
        (a_mapping(urlPath="/x", cookies={}), "nothing like cookies"),
        (a_mapping({"proxyBaseUrl": "http://x"}, urlPath="/x"), "nothing like proxyBaseUrl"),
        (a_mapping({"fault": "RANDOM_DATA_THEN_CLOSE"}, urlPath="/x"), "fault RANDOM_DATA"),
        (a_mapping({"body": "{{request.path}}", "transformers": ["response-template"]}, urlPath="/x"), "a template"),
        (a_mapping({"status": 999}, urlPath="/x"), "no HTTP status"),
        (a_mapping({"fixedDelayMilliseconds": 99_000}, urlPath="/x"), "more than 60 s"),
        (a_mapping({"bodyFileName": "f"}, urlPath="/x"), "f cannot be read"),
        (a_mapping({"base64Body": "//4="}, urlPath="/x"), "no text"),
        (a_mapping({"base64Body": "?"}, urlPath="/x"), ""),
        (a_mapping({"body": "x", "headers": {"Content-Type": "application/json"}}, urlPath="/x"), "called JSON"),
        (a_mapping({"headers": {"A": ["1", "2"]}}, urlPath="/x"), "not one text"),
        (a_mapping(urlPath="/a b"), "neither a word"),
        (a_mapping(url="/a", urlPath="/b"), "two paths"),
        (a_mapping(urlPathPattern="/a/.*"), "over a slash"),
        (a_mapping(urlPathPattern="/a|/b"), "over a slash"),
        (a_mapping(urlPattern="/a\\?b=.*"), "queryParameters"),
        (a_mapping(urlPathPattern="/(a+)+"), "very long"),
        (a_mapping(urlPathTemplate="/a/{id}", pathParameters={"no": {"equalTo": "1"}}), "there is no {no}"),
        (a_mapping(urlPath="/x", queryParameters={"a.b": {"equalTo": "1"}}), "no name that a condition"),
        (a_mapping(urlPath="/x", queryParameters={"a": {"equalTo": "1", "caseInsensitive": True}}), "no test like"),
        (a_mapping(urlPath="/x", queryParameters={"a": {"doesNotMatch": "1"}}), "no test like"),
        (a_mapping(urlPath="/x", queryParameters=[]), "`queryParameters` is an object"),
        (a_mapping(urlPath="/x", bodyPatterns=[{"equalToXml": "<a/>"}]), "no test of a body"),
        (a_mapping(urlPath="/x", bodyPatterns=[{"equalToJson": "{"}]), "no JSON"),
        (a_mapping(urlPath="/x", bodyPatterns=[{"equalToJson": [1], "ignoreArrayOrder": True}]), "any order"),
        (a_mapping(urlPath="/x", bodyPatterns=[{"equalToJson": {"a": "${json-unit.any-string}"}}]), "placeholders"),
        (a_mapping(urlPath="/x", bodyPatterns=[{"matchesJsonPath": "$..a"}]), "way to one value"),
        (a_mapping({"delayDistribution": {"type": "gamma"}}, urlPath="/x"), "no latency like"),
        (a_mapping(urlPath="/x") | {"priority": "high"}, "no number"),
    ],
)
def test_what_cannot_be_said_is_skipped_with_place_and_reason(mapping: object, why: str) -> None:
    service, report = convert(mapping, a_mapping(urlPath="/well"))
    assert list(service.operations) == ["GET /well"]
    [(position, reason)] = report.named
    assert position == "m.json: mapping 1"
    assert why in reason


def test_where_nothing_is_left_it_says_so_and_what_is_no_json_has_its_place() -> None:
    with pytest.raises(CatalogueError, match="no mapping could be converted"):
        convert({})
    with pytest.raises(CatalogueError, match=r"m\.json:2:1: this is no JSON"):
        from_wiremock("svc", [Source("m.json", b"{\n")], Report(), no_file)


def test_latencies_of_one_operation_do_not_mix() -> None:
    law = {"type": "uniform", "lower": 10, "upper": 20}
    _, report = convert(
        a_mapping({"body": "a", "delayDistribution": law}, urlPath="/x"),
        a_mapping({"body": "b"}, urlPath="/x", queryParameters={"q": {"equalTo": "1"}}),
    )
    assert [reason for _, reason in report.named] == [
        "its latency is another than that of m.json: mapping 2: an operation has one"
    ]


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        (b'{"mappings": []}', True),
        (b'{"request": {}, "response": {}}', True),
        (b'{"openapi": "3.1.0", "paths": {}}', False),
        (b"openapi: 3.1.0", False),
        (b"[]", False),
        (b"\xff", False),
    ],
)
def test_mappings_are_told_from_other_documents(data: bytes, *, is_one: bool) -> None:
    assert is_wiremock(data) is is_one


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 999) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["urlPath", "urlPattern", "urlPathTemplate", "queryParameters", "headers", "bodyPatterns", "pathParameters"]
SAYS = ["status", "jsonBody", "body", "headers", "fixedDelayMilliseconds", "delayDistribution", "fault", "transformers"]


@given(
    st.dictionaries(st.sampled_from(KEYS), ANY | st.sampled_from(["/a", "/a/{b}", "/a/[^/]+"]), max_size=4),
    st.dictionaries(st.sampled_from(SAYS), ANY, max_size=4),
)
def test_whatever_a_mapping_holds_it_is_converted_or_skipped(where: dict[str, Any], said: dict[str, Any]) -> None:
    service, report = convert({"request": {"method": "GET"} | where, "response": said}, a_mapping(urlPath="/well"))
    assert "GET /well" in service.operations
    assert report.read == 2
