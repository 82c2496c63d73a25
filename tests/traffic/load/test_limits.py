from __future__ import annotations

import pytest

from lgsp.errors import SettingsError
from lgsp.model import Outcome
from lgsp.traffic.load.account import Account, Sent
from lgsp.traffic.load.limits import parse_limits


def an_account() -> Account:
    """100 calls in 10 s: each 100 ms from due, 80 ms from send, sent 5 ms late; the last two refused and failed."""
    account = Account(0.0, 10.0)
    for number in range(100):
        due = number / 10
        outcome = {98: Outcome.REJECTED, 99: Outcome.TIMEOUT}.get(number, Outcome.OK)
        account.add(Sent("svc", "GET /a", due, due + 0.015, due + 0.02, due + 0.1, outcome))
    return account


@pytest.mark.parametrize(
    ("text", "holds", "told"),
    [
        ("p95<200ms", True, "p95<200ms: 100.0 ms"),
        ("p95<0.1s", False, "p95<0.1s: 100.0 ms"),
        ("response_p95<=0.101s", True, "response_p95<=0.101s: 100.0 ms"),
        ("service_max<81ms", True, "service_max<81ms: 80.0 ms"),
        ("service_mean<79ms", False, "service_mean<79ms: 80.0 ms"),
        ("lag_p99<6ms", True, "lag_p99<6ms: 5.0 ms"),
        ("lag_max<4ms", False, "lag_max<4ms: 5.0 ms"),
        ("errors<=2%", True, "errors<=2%: 2.00%"),
        ("errors<1%", False, "errors<1%: 2.00%"),
        ("official>=98%", True, "official>=98%: 98.00%"),
        ("rate>9.9/s", True, "rate>9.9/s: 10.0/s"),
        ("rate>11", False, "rate>11: 10.0/s"),
    ],
)
def test_a_promise_is_judged_by_its_figure(text: str, holds: bool, told: str) -> None:  # noqa: FBT001 - a table
    [limit] = parse_limits(text)
    account = an_account()
    assert (limit.holds(account), limit.told(account)) == (holds, told)


def test_only_a_lag_judges_ourselves() -> None:
    found = parse_limits("p95<800ms, errors<1%,lag_p99<20ms")
    assert [limit.is_ours for limit in found] == [False, False, True]


def test_of_nothing_no_promise_is_kept() -> None:
    [limit] = parse_limits("errors<1%")
    assert not limit.holds(Account(0.0, 10.0))


@pytest.mark.parametrize(
    "text", ["p95", "p95<800", "p0<1s", "p100<1s", "errors<1", "lag_errors<1%", "foo_p95<1s", "rate>x", "p95=1s"]
)
def test_a_limit_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="is no limit"):
        parse_limits(text)
