import json
from xml.etree import ElementTree as ET

import pytest

from lgsp.edge import faults
from lgsp.edge.faults import Fault, body_of, fault_of, wants_xml
from lgsp.model import Outcome

AM = "{http://wso2.org/apimanager}"


@pytest.mark.parametrize(
    ("outcome", "reason", "status", "code", "retry_after", "maybe_executed"),
    [
        (Outcome.TIMEOUT, "budget_spent", 504, 101504, 5, True),
        (Outcome.UNREACHABLE, "provider_down", 503, 101503, 30, False),
        (Outcome.UNREACHABLE, "suspended", 503, 303001, 30, False),
        (Outcome.UNREACHABLE, "connection_closed", 503, 101505, 30, False),
        (Outcome.UNREACHABLE, "connect_timeout", 503, 101508, 30, False),
        (Outcome.UNREACHABLE, "send_abort", 503, 101509, 30, False),
        (Outcome.TIMEOUT, "cancelled", 504, 101507, 5, True),
        (Outcome.PROVIDER_ERROR, "receive_failed", 502, 101501, None, True),
        (Outcome.PROVIDER_ERROR, "protocol_violation", 502, 101506, None, True),
        (Outcome.REJECTED, "token_expired", 401, 900901, None, False),
        (Outcome.REJECTED, "token_revoked", 401, 900901, None, False),
        (Outcome.REJECTED, "subscription_blocked", 401, 900907, None, False),
        (Outcome.REJECTED, "subscription_inactive", 401, 900909, None, False),
        (Outcome.REJECTED, "conflict", 409, 409, None, False),
        (Outcome.REJECTED, "not_subscribed", 403, 900908, None, False),
        (Outcome.REJECTED, "operation_not_subscribed", 403, 900910, None, False),
        (Outcome.REJECTED, "throttled_operation", 429, 900802, 1, False),
        (Outcome.REJECTED, "throttled", 429, 900803, 1, False),
        (Outcome.REJECTED, "throttled_service", 429, 900804, 1, False),
        (Outcome.REJECTED, "blocked", 429, 900805, None, False),
        (Outcome.REJECTED, "throttled_tier", 429, 900800, 1, False),
        (Outcome.REJECTED, "hard_limit", 503, 900801, 1, False),
        (Outcome.REJECTED, "throttled_in_flight", 429, 900803, 1, False),
        (Outcome.BUS_ERROR, "service_busy", 503, 900801, 2, False),
        (Outcome.REJECTED, "throttled_policy", 429, 900806, 1, False),
        (Outcome.REJECTED, "throttled_burst", 429, 900807, 1, False),
        (Outcome.REJECTED, "service_blocked", 503, 700700, None, False),
        (Outcome.BUS_ERROR, "bus_unavailable", 503, 101500, 5, False),
        (Outcome.BUS_ERROR, "bus_blocked", 503, 101500, 5, False),
        (Outcome.BUS_ERROR, "unconfirmed", 504, 101508, 5, True),
        (Outcome.BUS_ERROR, "unroutable", 503, 101503, 5, False),
        (Outcome.BUS_ERROR, "overloaded", 503, 101500, 2, False),
        (Outcome.BUS_ERROR, "shutting_down", 503, 101500, 5, False),
        (Outcome.BUS_ERROR, "unsupported_version", 502, 101506, None, False),
        (Outcome.PROVIDER_ERROR, "connector_lost", 502, 101510, None, True),
        (Outcome.PROVIDER_ERROR, "connector_exception", 502, 101510, None, True),
        (Outcome.PROVIDER_ERROR, "bad_reply", 502, 101510, None, True),
        # A reason that is unknown leaves the outcome to speak.
        (Outcome.REJECTED, "any", 400, 400, None, False),
        (Outcome.PROVIDER_ERROR, "any", 502, 101510, 5, False),
        (Outcome.TIMEOUT, "any", 504, 101504, 5, True),
        (Outcome.UNREACHABLE, "any", 503, 101503, 30, False),
        (Outcome.BUS_ERROR, "internal", 503, 101500, 5, False),
        # These two have answers of their own; without one it is us.
        (Outcome.OK, "", 503, 101500, 5, False),
        (Outcome.BUSINESS_FAULT, "", 503, 101500, 5, False),
    ],
)
def test_an_outcome_without_an_answer_has_wso2s_code(
    outcome: Outcome, reason: str, status: int, code: int, retry_after: int | None, *, maybe_executed: bool
) -> None:
    fault = fault_of(outcome, reason)
    assert (fault.status, fault.code, fault.retry_after, fault.maybe_executed) == (
        status,
        code,
        retry_after,
        maybe_executed,
    )
    assert fault.retryable is (retry_after is not None)


def test_every_reason_of_the_table_is_tested() -> None:
    [table] = [
        mark for mark in test_an_outcome_without_an_answer_has_wso2s_code.pytestmark if mark.name == "parametrize"
    ]
    assert set(faults._BY_REASON) <= {row[1] for row in table.args[1]}


@pytest.mark.parametrize(
    ("fault", "challenge"),
    [
        (faults.NO_TOKEN, 'Bearer realm="lgsp"'),
        (faults.INVALID_TOKEN, 'Bearer realm="lgsp", error="invalid_token"'),
        (fault_of(Outcome.REJECTED, "token_expired"), 'Bearer realm="lgsp", error="invalid_token"'),
        (faults.NO_RESOURCE, None),
        (faults.NOT_JUDGED, None),
    ],
)
def test_a_401_says_which_credentials_to_bring(fault: Fault, challenge: str | None) -> None:
    assert fault.challenge == challenge


EVERY = [value for value in vars(faults).values() if isinstance(value, Fault)] + [
    *faults._BY_REASON.values(),
    *faults._BY_OUTCOME.values(),
]


@pytest.mark.parametrize("fault", EVERY, ids=lambda fault: str(fault.code))
@pytest.mark.parametrize("transaction", ["", "0188-7"])
def test_every_fault_can_be_read_as_json_and_as_xml(fault: Fault, transaction: str) -> None:
    assert 400 <= fault.status <= 504
    body, content_type = body_of(fault, transaction=transaction, reason="why")
    assert content_type == "application/json; charset=utf-8"
    fields = json.loads(body)["fault"]
    expected = {
        "code": fault.code,
        "type": "Status report",
        "message": "Runtime Error",
        "description": fault.description,
    }
    if transaction:
        expected |= {"transaction": transaction, "reason": "why", "retryable": fault.retryable}
        if fault.maybe_executed:
            expected["maybe_executed"] = True
    assert fields == expected
    xml, content_type = body_of(fault, transaction=transaction, reason="why", xml=True)
    assert content_type == "application/xml; charset=utf-8"
    root = ET.fromstring(xml)  # noqa: S314 - our own document
    assert root.tag == f"{AM}fault"
    words = {"True": "true", "False": "false"}
    assert {child.tag.removeprefix(AM): child.text for child in root} == {
        name: words.get(str(value), str(value)) for name, value in expected.items()
    }


def test_signs_of_xml_are_escaped() -> None:
    xml, _ = body_of(Fault(400, 400, "a < b & c"), transaction="<x>", reason="&", xml=True)
    root = ET.fromstring(xml)  # noqa: S314 - our own document
    assert root.findtext(f"{AM}description") == "a < b & c"
    assert root.findtext(f"{AM}transaction") == "<x>"


@pytest.mark.parametrize(
    ("accept", "xml"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/xml", True),
        ("text/xml", True),
        ("Application/XML; q=0.9", True),
        ("application/soap+xml", True),
        ("text/html, application/xml;q=0.9, */*;q=0.8", False),
        ("application/json, application/xml", False),
        ("text/plain", False),
    ],
)
def test_json_unless_the_caller_asks_for_xml(accept: str, *, xml: bool) -> None:
    assert wants_xml(accept) is xml
