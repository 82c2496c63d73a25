"""Where an alert goes, by configurations as others write them."""

from __future__ import annotations

from typing import Any

import pytest

from lgsp.monitoring.routed import fits, holds_back, receivers, ways

PAGE = {"alertname": "LGSPServiceDown", "severity": "page", "service": "s1"}
OURS: dict[str, Any] = {
    "receiver": "ours",
    "matchers": ['alertname=~"LGSP.+"'],
    "routes": [{"receiver": "pager", "matchers": ['severity="page"']}],
}


@pytest.mark.parametrize(
    ("route", "where"),
    [
        ({"receiver": "all"}, ["all"]),
        ({"receiver": "all", "routes": [OURS]}, ["pager"]),
        ({"receiver": "all", "routes": [{"receiver": "shop", "match": {"team": "shop"}}, OURS]}, ["pager"]),
        ({"receiver": "all", "routes": [{"match_re": {"alertname": "LGSP.*"}}]}, ["all"]),
        ({"receiver": "all", "routes": [{"receiver": "log", "continue": True}, OURS]}, ["log", "pager"]),
        ({"receiver": "all", "routes": [{"receiver": "log"}, OURS]}, ["log"]),
        ({"receiver": "all", "routes": [{"receiver": "x", "matchers": ["severity!=page"]}]}, ["all"]),
        ({"receiver": "all", "routes": [{"receiver": "x", "matchers": ["service!~s.*"]}]}, ["all"]),
    ],
)
def test_an_alert_goes_as_deep_as_routes_fit(route: dict[str, Any], where: list[str]) -> None:
    assert receivers(route, PAGE) == where


def test_a_pattern_has_to_fit_the_whole_value() -> None:
    assert not fits({"matchers": ['alertname=~"LGSP"']}, PAGE)
    assert fits({"matchers": ['alertname=~"LGSP.+"', "service=s1", 'env=""']}, PAGE)


def test_an_alert_holds_back_another_where_both_sides_fit_and_labels_are_equal() -> None:
    rule = {"source_matchers": ['severity="page"'], "target_matchers": ['severity="ticket"'], "equal": ["service"]}
    ticket = PAGE | {"severity": "ticket"}
    assert holds_back([rule], PAGE, ticket)
    assert not holds_back([rule], PAGE, ticket | {"service": "s2"})
    assert not holds_back([rule], ticket, PAGE)
    assert not holds_back([], PAGE, ticket)


def test_a_receiver_without_a_way_tells_nobody() -> None:
    known = [{"name": "a"}, {"name": "b", "webhook_configs": [{"url": "x"}], "email_configs": []}]
    assert [ways(known, name) for name in ("a", "b", "c")] == [[], ["webhook"], []]
