import json

import pytest
from builders import a_reply, a_request, a_transaction

from lgsp.edge.answers import answer_of
from lgsp.model import Outcome, Transaction

OURS = {"X-Transaction-Id", "X-Lgsp-Outcome", "Server"}


def ended(outcome: Outcome = Outcome.OK, **reply: object) -> Transaction:
    request = a_request(id="t-1")
    return a_transaction(outcome, request=request, reply=a_reply(request, outcome=outcome, **reply), reason="why")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content-type", "text/xml; charset=utf-8"),
        ("x-trace", ""),
        ("x-owner", "Sở Tư pháp"),
        ("retry-after", "5"),
        ("set-cookie", "a=b"),
    ],
)
def test_the_providers_headers_go_back(name: str, value: str) -> None:
    answer = answer_of(ended(headers={name: value}), "")
    assert answer.headers[name] == value
    assert set(answer.headers) - OURS == {name}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Connection", "close"),
        ("Content-Length", "9"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("x-split", "a\r\nb: c"),
        ("x-nul", "a\x00"),
        ("x-lone", "\udcff"),
        ("x split", "a"),
        ("x:split", "a"),
        ("", "a"),
        ("tên", "a"),
    ],
)
def test_what_would_break_the_connection_does_not(name: str, value: str) -> None:
    assert set(answer_of(ended(headers={name: value}), "").headers) <= OURS | {"Content-Type"}


@pytest.mark.parametrize("name", ["X-Transaction-Id", "x-lgsp-outcome", "server"])
def test_the_gateway_speaks_for_itself(name: str) -> None:
    answer = answer_of(ended(headers={name: "another"}), "")
    assert answer.headers.getall(name) == [{"server": "lgsp", "x-lgsp-outcome": "ok"}.get(name, "t-1")]


@pytest.mark.parametrize("status", [100, 199, 600])
def test_a_status_that_http_does_not_have_is_a_bad_reply(status: int) -> None:
    answer = answer_of(ended(status=status), "")
    assert answer.status == 502
    assert isinstance(answer.body, bytes)
    assert json.loads(answer.body)["fault"]["maybe_executed"] is True
