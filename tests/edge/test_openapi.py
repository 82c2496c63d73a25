"""The OpenAPI document: valid by an independent validator, complete, and true of every example."""

from __future__ import annotations

import json
from typing import Any

import pytest
from builders import a_service, an_operation, shipped
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource

from lgsp.catalogue.service import Catalogue, Example, ExampleReply, ExampleRequest, Text
from lgsp.edge.faults import every_fault
from lgsp.edge.openapi import document
from lgsp.model import Outcome

SHIPPED = shipped()
MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    b'--x\r\nContent-Disposition: form-data; name="b"; filename="b.txt"\r\n\r\ntext\r\n--x--\r\n'
)


def an_example(name: str = "found", path: str = "/x", body: object = None, **fields: Any) -> Example:
    asked = {key: fields.pop(key) for key in ("query", "headers", "sent") if key in fields}
    request = ExampleRequest(path=path, query=asked.get("query", ""), headers=asked.get("headers", {}), body=asked.get("sent", b""))  # fmt: skip
    return Example(name=name, request=request, reply=ExampleReply(body=body, **fields))


def described(name: str, *examples: Example, **fields: Any) -> dict[str, Any]:
    """The one operation of a document."""
    made = document([a_service("svc", an_operation(name, examples=examples, **fields), connector="somebody.s")], "1")
    return next(iter(next(iter(made["paths"].values())).values()))


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    return document(SHIPPED, "1")


def test_the_shipped_document_is_valid_by_an_independent_validator(shipped: dict[str, Any]) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(shipped).iter_errors()] == []


@pytest.mark.parametrize("services", [[], [a_service("one")], [a_service("one"), a_service("two")]])
def test_none_one_and_many_services_make_a_valid_document(services: list[Any]) -> None:
    made = document(services, "1")
    assert [tag["name"] for tag in made["tags"]] == [service.id for service in services]
    assert list(OpenAPIV31SpecValidator(made).iter_errors()) == []


def test_the_validator_sees_what_is_wrong(shipped: dict[str, Any]) -> None:
    broken = json.loads(json.dumps(shipped))
    del next(iter(next(iter(broken["paths"].values())).values()))["responses"]["200"]["description"]
    assert list(OpenAPIV31SpecValidator(broken).iter_errors()) != []


def test_every_operation_stands_in_it_with_its_evidence_and_source(shipped: dict[str, Any]) -> None:
    for service in SHIPPED:
        for operation in service.operations.values():
            found = shipped["paths"][service.context + operation.template][operation.method.lower()]
            assert found["tags"] == [service.id]
            assert (found["x-lgsp-evidence"], found["x-lgsp-source"]) == (operation.evidence, operation.source)
    looked_up = 2  # the gateway's own: the state and the result of what was stored
    assert sum(len(methods) for methods in shipped["paths"].values()) == looked_up + sum(
        len(s.operations) for s in SHIPPED
    )


def test_every_example_fits_the_schema_of_its_own_status(shipped: dict[str, Any]) -> None:
    registry: Registry[Any] = Registry().with_resource("", Resource.opaque(shipped))
    seen = 0
    for service in SHIPPED:
        for operation in service.operations.values():
            answers = shipped["paths"][service.context + operation.template][operation.method.lower()]["responses"]
            for example in operation.examples:
                if isinstance(example.reply.body, dict | list):
                    schema = answers[str(example.reply.status)]["content"]["application/json"]["schema"]
                    rooted = {"components": shipped["components"], **schema}
                    Draft202012Validator(rooted, registry=registry).validate(example.reply.body)
                    seen += 1
    assert seen > 200


def test_parameters_come_from_path_query_and_headers_with_their_examples() -> None:
    example = an_example(path="/x/a%20b", query="q=1&empty=", headers={"soapaction": "s", "content-type": "text/plain"})
    made = described("GET /x/{id}", example)["parameters"]
    assert [(p["in"], p["name"], p.get("required", False), p["examples"]["value1"]["value"]) for p in made] == [
        ("path", "id", True, "a b"),
        ("query", "q", False, "1"),
        ("query", "empty", False, ""),
        ("header", "soapaction", False, "s"),
    ]


@pytest.mark.parametrize(
    ("content_type", "body", "media", "value"),
    [
        ("application/json; charset=utf-8", b'{"a":1}', "application/json", {"a": 1}),
        ("text/xml", "<a>ă</a>".encode(), "text/xml", "<a>ă</a>"),
        ("application/x-www-form-urlencoded", b"a=1&b=", "application/x-www-form-urlencoded", {"a": "1", "b": ""}),
        ("multipart/form-data; boundary=x", MULTIPART, "multipart/form-data", {"a": "1", "b": "text"}),
    ],
)
def test_a_body_is_shown_in_its_own_form(content_type: str, body: bytes, media: str, value: object) -> None:
    made = described("POST /x", an_example(sent=body, headers={"content-type": content_type}))["requestBody"]
    assert made["required"] is True
    assert made["content"][media]["examples"] == {"found": {"value": value}}


def test_a_body_that_one_example_leaves_out_is_not_required() -> None:
    made = described("POST /x", an_example(sent=b"x"), an_example("without"))
    assert made["requestBody"]["required"] is False
    assert "requestBody" not in described("POST /x", an_example())


def test_a_status_that_both_can_answer_allows_both_words() -> None:
    made = described("GET /x", an_example(body={"why": "x"}, status=400, outcome=Outcome.REJECTED))["responses"]["400"]
    provider, gateway = made["content"]["application/json"]["schema"]["anyOf"]
    assert provider["required"] == ["why"]
    assert gateway == {"$ref": "#/components/schemas/Fault"}


def test_every_status_of_the_gateway_stands_at_every_operation() -> None:
    answers = described("GET /x")["responses"]
    assert {str(fault.status) for fault in every_fault()} | {"200", "202"} == set(answers)
    assert {401, 403, 413, 502, 503, 504} <= {fault.status for fault in every_fault()}


def test_the_gateway_s_answers_name_their_codes() -> None:
    made = document([], "1")["components"]["responses"]["Gateway503"]
    assert "`303001`" in made["description"]
    assert made["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Fault"}
    assert "application/xml" in made["content"]


def test_a_disabled_service_is_not_offered() -> None:
    assert document([a_service("off", mode="disabled")], "1")["paths"] == {}


def test_titles_come_in_both_languages_and_once_where_they_are_the_same() -> None:
    made = document([a_service("svc", title=Text(vi="Một", en="One"))], "1")["tags"][0]
    assert made["description"] == "Một / One"
    assert document([a_service("svc")], "1")["tags"][0]["description"] == "svc"


def test_it_is_a_function_of_the_catalogue_alone() -> None:
    assert json.dumps(document(Catalogue({s.id: s for s in SHIPPED}), "1")) == json.dumps(document(SHIPPED, "1"))


def test_a_refusal_that_one_operation_shows_every_operation_of_its_service_may_answer() -> None:
    no = an_example("no", body={"error": 1}, outcome=Outcome.BUSINESS_FAULT)
    shows, other = an_operation("GET /x", examples=(an_example(body={"a": 1}), no)), an_operation("GET /y", examples=(an_example(path="/y", body={"b": 1}),))  # fmt: skip
    made = document(
        [a_service("svc", shows, other, connector="a.b"), a_service("apart", an_operation("GET /z"), connector="a.c")],
        "1",
    )["paths"]
    schema = made["/svc/y"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert [choice["required"] for choice in schema["anyOf"]] == [["b"], ["error"]]
    assert "content" in made["/apart/z"]["get"]["responses"]["200"]
    assert "application/json" not in made["/apart/z"]["get"]["responses"]["200"]["content"]


def test_what_is_refused_for_its_form_says_nothing_about_the_form() -> None:
    well, ill = an_example(sent=b'{"a":1}', headers={"content-type": "application/json"}), an_example("ill", sent=b"[]", headers={"content-type": "application/json"}, outcome=Outcome.REJECTED, status=400)  # fmt: skip
    body = described("POST /x", well, ill)["requestBody"]["content"]["application/json"]
    assert body["schema"]["required"] == ["a"]
    assert list(body["examples"]) == ["found"]
    assert described("POST /x", ill)["requestBody"]["content"]["application/json"]["schema"]["type"] == "array"


def test_a_missing_body_is_null_where_json_is_spoken_and_anything_elsewhere() -> None:
    none = an_example("none", outcome=Outcome.BUSINESS_FAULT)
    content = described("GET /x", an_example(body={"a": 1}), none)["responses"]["200"]["content"]
    assert {"type": "null"} in content["application/json"]["schema"]["anyOf"]
    assert described("GET /x", none)["responses"]["200"]["content"] == {"*/*": {"schema": {}}}
