"""What an operation can answer: by the YAML's rules, by the stand-in's failures, by whoever nobody here knows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from builders import a_rule, a_service, an_operation, shipped
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from lgsp.app.answering import failures_of
from lgsp.catalogue.service import Form, Operation, RequestRule, Service
from lgsp.edge.openapi import document
from lgsp.edge.responses import responses_of
from lgsp.model import Outcome, Reply


def said(operation: Operation, failures: list[Reply] | None = None, **fields: Any) -> dict[str, Any]:
    return responses_of(a_service("svc", operation, **fields), operation, failures or ())


def test_each_reply_of_each_rule_is_an_answer_with_its_status_outcome_and_shape() -> None:
    found = Form(body={"plate": "{{ path.plate }}", "seats": 4, "tags": ["a", 1]})
    gone = Form(status=410, outcome=Outcome.BUSINESS_FAULT, body={"code": "E4"})
    made = said(an_operation("GET /x", replies=(a_rule(found, gone),)))
    assert made["410"]["description"] == "Gone: business_fault"
    shape = made["200"]["content"]["application/json"]["schema"]
    assert shape == {
        "type": "object",
        "required": ["plate", "seats", "tags"],
        "properties": {
            "plate": {},
            "seats": {"type": "integer"},
            "tags": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
        },
    }


@pytest.mark.parametrize(
    ("form", "media"),
    [
        (Form(body="<a>{{ path.x }}</a>"), "text/xml"),
        (Form(body="word"), "application/json"),
        (
            Form(body={}, headers={"content-type": "application/problem+json; charset=utf-8"}),
            "application/problem+json",
        ),
        (Form(body="x", headers={"content-type": "{{ query.type }}"}), "*/*"),
        (Form(body=None), "*/*"),
    ],
)
def test_a_reply_of_the_yaml_has_the_type_that_it_is_sent_with(form: Form, media: str) -> None:
    assert list(said(an_operation("GET /x", replies=(a_rule(form),)))["200"]["content"]) == [media]


def test_a_request_that_breaks_its_schema_is_answered_in_the_service_s_own_words() -> None:
    rule = RequestRule(
        json_schema={"type": "object"}, invalid=Form(status=422, outcome=Outcome.REJECTED, body={"e": 1})
    )
    made = said(an_operation("POST /x", request=rule, reply={"a": 1}))["422"]
    assert made["description"] == "Unprocessable Entity: rejected"
    assert made["content"]["application/json"]["schema"]["required"] == ["e"]


def test_an_echo_says_anything() -> None:
    assert said(an_operation("POST /x"))["200"]["content"] == {
        "application/json": {"schema": {}},
        "*/*": {"schema": {}},
    }


def test_a_failure_is_an_answer_unless_it_has_no_words() -> None:
    failed = Reply("", Outcome.PROVIDER_ERROR, 500, "", b'{"code":"E"}', {"content-type": "application/json"})
    soap = Reply("", Outcome.REJECTED, 418, "", b"<no/>", {"content-type": "text/xml; charset=utf-8"})
    mute = Reply("", Outcome.REJECTED, 599)
    made = said(an_operation(), [failed, soap, mute], connector="somebody.s")
    assert made["500"]["content"]["application/json"]["schema"]["anyOf"][0]["required"] == ["code"]
    assert made["418"]["content"] == {"text/xml": {"schema": {"type": "string"}}}
    assert "599" not in made


def test_where_nobody_here_knows_the_provider_anything_is_foreseen() -> None:
    operation = an_operation()
    made = responses_of(a_service("svc", operation, connector="somebody.s"), operation, None)
    assert made["default"]["content"] == made["500"]["content"] == {"*/*": {}}
    assert "default" not in said(operation)


@pytest.mark.parametrize(
    ("service", "known"),
    [
        (a_service("of-the-yaml"), True),
        (a_service("ours", connector="connectors.population"), True),
        (a_service("somebody-s", connector="somebody.s"), False),
        (a_service("real", mode="proxy"), False),
    ],
    ids=lambda value: value.id if isinstance(value, Service) else "",
)
def test_failures_are_known_of_stand_ins_of_ours_alone(service: Service, *, known: bool) -> None:
    found = failures_of(service, next(iter(service.operations.values())))
    assert ([reply.outcome for reply in found] if found else None) == (
        [Outcome.REJECTED, Outcome.PROVIDER_ERROR] if known else None
    )


def test_whatever_a_shipped_stand_in_says_when_it_fails_is_in_its_document() -> None:
    made = document(shipped(), "1", failures_of)
    seen = 0
    for service in shipped():
        for operation in service.operations.values():
            answers = made["paths"][service.context + operation.template][operation.method.lower()]["responses"]
            for reply in failures_of(service, operation) or ():
                if reply.body:
                    media = reply.headers["content-type"].partition(";")[0]
                    schema = answers[str(reply.status)]["content"][media]["schema"]
                    value = json.loads(reply.body) if media == "application/json" else reply.body.decode()
                    Draft202012Validator({"components": made["components"], **schema}).validate(value)
                    seen += 1
    assert seen > 200


def test_a_schema_that_refers_to_itself_does_so_in_the_document_too() -> None:
    schema = {"$ref": "#/$defs/p", "$defs": {"p": {"type": "object", "required": ["plate"]}}}
    operation = an_operation("POST /v/{kind}", request=RequestRule(json_schema=schema, invalid=Form(status=400)))
    made = document([a_service("svc", operation)], "1")
    body = made["paths"]["/svc/v/{kind}"]["post"]["requestBody"]
    assert body["required"] is True
    assert body["content"]["application/json"]["schema"]["$ref"] == (
        "#/paths/~1svc~1v~1{kind}/post/requestBody/content/application~1json/schema/$defs/p"
    )
    assert list(OpenAPIV31SpecValidator(made).iter_errors()) == []


def test_whatever_is_asked_may_be_stored() -> None:
    made = said(an_operation("POST /x", replies=(a_rule(Form(body="x")),)))["202"]
    assert made["headers"]["Location"] == {"schema": {"type": "string"}}
    assert made["content"]["application/json"]["schema"]["required"] == ["transaction", "state", "status"]


def test_a_provider_that_says_202_itself_is_quoted() -> None:
    made = said(an_operation("POST /x", replies=(a_rule(Form(status=202, body={"n": 1})),)))["202"]
    assert list(made["content"]["application/json"]["schema"]["properties"]) == ["n"]
