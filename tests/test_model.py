import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.errors import MalformedRequest
from lgsp.model import Outcome, Reply, Request


def a_request(**fields: object) -> Request:
    return Request(**{"id": "t1", "service": "s", "operation": "GET /x", "path": "/x", **fields})


def test_there_are_seven_outcomes_and_no_eighth() -> None:
    assert [str(outcome) for outcome in Outcome] == [
        "ok",
        "business_fault",
        "rejected",
        "provider_error",
        "timeout",
        "unreachable",
        "bus_error",
    ]


def test_path_values_are_decoded_and_named_by_the_template() -> None:
    request = a_request(operation="GET /xa/{ma}/to/{so}", path="/xa/20410/to/%C4%90%201")
    assert request.path_values == {"ma": "20410", "so": "Đ 1"}


def test_of_a_repeated_query_field_the_last_value_counts() -> None:
    assert a_request(query="a=1&b=&a=2&t%C3%AAn=B%C3%ACnh").query_values == {"a": "2", "b": "", "tên": "Bình"}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_json_is_a_malformed_request(body: bytes) -> None:
    with pytest.raises(MalformedRequest, match="not JSON"):
        _ = a_request(body=body).json


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null"])
def test_json_that_is_no_object_is_a_malformed_request(body: bytes) -> None:
    with pytest.raises(MalformedRequest, match="not an object"):
        _ = a_request(body=body).json_object


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.booleans()))
def test_a_json_reply_carries_its_data_and_answers_its_request(data: dict[str, object]) -> None:
    reply = Reply.of_json(a_request(), data, outcome=Outcome.BUSINESS_FAULT, status=404, reason="not_found")
    assert json.loads(reply.body) == data
    assert (reply.to, reply.outcome, reply.status, reply.reason) == ("t1", Outcome.BUSINESS_FAULT, 404, "not_found")


def test_vietnamese_letters_stay_letters_in_a_json_reply() -> None:
    reply = Reply.of_json(a_request(), {"ten": "Đà Nẵng"})
    assert reply.body == '{"ten":"Đà Nẵng"}'.encode()
    assert reply.headers == {"content-type": "application/json; charset=utf-8"}
