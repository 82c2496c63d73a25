"""The links of the OpenAPI document: from an answer to where it can be followed, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from builders import a_service, an_operation, shipped

from lgsp.catalogue.service import Example, ExampleReply, ExampleRequest, Form, Rule
from lgsp.edge.links import links_of
from lgsp.edge.openapi import document
from lgsp.model import Outcome


def an_example(path: str, body: object = None, *, query: str = "", **said: Any) -> Example:
    return Example(name="e", request=ExampleRequest(path=path, query=query), reply=ExampleReply(body=body, **said))


def leading(*operations: Any) -> dict[int, dict[str, Any]]:
    """Where the first one's answers lead, besides to what was stored: parameters by operation, by status."""
    service = a_service("svc", *operations)
    found = links_of(service, operations[0])
    return {
        status: {
            link["operationId"]: link["parameters"] for name, link in links.items() if name not in {"state", "result"}
        }
        for status, links in found.items()
        if links.keys() - {"state", "result"}
    }


MAKES = an_operation("POST /orders", examples=(an_example("/orders", {"no": "A-1", "by": "b"}, status=201),))


def takes(value: str, name: str = "GET /orders/{no}", **said: Any) -> Any:
    return an_operation(name, examples=(an_example(f"/orders/{value}", **said),))


def test_what_was_made_leads_to_who_takes_its_number() -> None:
    assert leading(MAKES, takes("B-2")) == {201: {"svc.get.orders.by-no": {"path.no": "$response.body#/no"}}}


def test_it_leads_to_all_who_take_it_in_path_and_query_but_not_in_headers() -> None:
    asked = an_operation("GET /find", examples=(an_example("/find", query="no=C-3&other=x"),))
    assert leading(MAKES, takes("B-2"), asked)[201] == {
        "svc.get.orders.by-no": {"path.no": "$response.body#/no"},
        "svc.get.find": {"query.no": "$response.body#/no"},
    }


@pytest.mark.parametrize(
    "target",
    [takes("1"), takes("B-2", outcome=Outcome.BUSINESS_FAULT), takes("B-2", "GET /orders/{other}")],
    ids=["another form", "by its refusals alone: any form", "another name"],
)
def test_it_leads_where_the_examples_take_a_value_of_its_form(target: Any) -> None:
    is_any = target.examples[0].reply.outcome is not Outcome.OK
    assert bool(leading(MAKES, target)) is is_any


def test_a_refusal_leads_nowhere() -> None:
    no = an_operation("POST /orders", examples=(an_example("/orders", {"no": "A-1"}, outcome=Outcome.BUSINESS_FAULT),))
    assert leading(no, takes("B-2")) == {}


def test_a_list_leads_to_its_own_items_alone() -> None:
    listed = an_operation(
        "GET /orders", examples=(an_example("/orders", {"data": [{"a/b": 1, "no": 7}, {"no": "x"}]}),)
    )
    other = an_operation("GET /clerks/{no}", examples=(an_example("/clerks/8"),))
    assert leading(listed, takes("9"), other) == {
        200: {"svc.get.orders.by-no": {"path.no": "$response.body#/data/0/no"}}
    }


@pytest.mark.parametrize(
    ("no", "leads"), [("{{ body.no }}", True), ("A-1", True), ("A1", False), (True, False), (None, False)]
)
def test_a_rule_of_the_yaml_leads_as_an_example_does(no: object, leads: bool) -> None:  # noqa: FBT001 - a row of the table
    rule = Rule(name="made", steps=(Form(status=201, body={"no": no}),))
    assert bool(leading(an_operation("POST /orders", replies=(rule,)), takes("B-2"))) is leads


def test_what_is_stored_leads_to_its_state_and_its_result() -> None:
    stored = an_operation("POST /x", delivery="store-and-forward", examples=(an_example("/x", {}),))
    at_once = an_operation("POST /y", examples=(an_example("/y", {}),))
    found = links_of(a_service("svc", stored, at_once), stored)
    assert {status: list(links) for status, links in found.items()} == {
        202: ["state", "result"],
        200: ["state", "result"],
    }
    assert found[202]["state"]["parameters"] == {"id": "$response.header.X-Transaction-Id"}
    assert list(links_of(a_service("svc", at_once), at_once)) == [202]


def test_every_link_of_the_shipped_document_names_an_operation_and_its_parameters() -> None:
    made = document(shipped(), "1")
    known = {o["operationId"]: o for methods in made["paths"].values() for o in methods.values()}
    between = 0
    for operation in known.values():
        for answer in operation["responses"].values():
            for name, link in answer.get("links", {}).items():
                target = known[link["operationId"]]
                places = {(p["in"], p["name"]) for p in target["parameters"]} | {
                    ("", p["name"]) for p in target["parameters"]
                }
                assert {tuple(key.rpartition(".")[::2]) for key in link["parameters"]} <= places
                between += name not in {"state", "result"}
    assert between >= 15


def test_its_state_and_its_result_stand_in_the_document_where_something_can_be_stored() -> None:
    paths = document([a_service("svc", an_operation("GET /x"))], "1")["paths"]
    assert list(paths) == ["/svc/x", "/lgsp/v1/transactions/{id}", "/lgsp/v1/transactions/{id}/result"]
    assert {"200", "401", "404", "405", "503"} <= paths["/lgsp/v1/transactions/{id}"]["get"]["responses"].keys()
    assert "default" in paths["/lgsp/v1/transactions/{id}/result"]["get"]["responses"]
