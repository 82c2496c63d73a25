from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.errors import MalformedRequest, SettingsError
from lgsp.fault import AT_MOST, BAD, Fault, Kind, check, read_order, write_order


def a_fault(kind: Kind = Kind.OUTAGE, **fields: object) -> Fault:
    given = {"id": "f1", "service": "svc", "kind": kind, "start": 100.0, "end": 200.0} | fields
    return Fault(**given)  # type: ignore[arg-type]  # names of its fields


@pytest.mark.parametrize(("now", "active"), [(99.9, False), (100.0, True), (199.9, True), (200.0, False)])
def test_it_is_active_from_its_start_until_its_end(now: float, active: bool) -> None:  # noqa: FBT001 - a table
    assert a_fault().is_active(now) is active


@pytest.mark.parametrize(
    ("when", "operation", "concerned"),
    [
        ("*", "GET /x", True),
        ("POST *", "POST /hoSo/{ma}", True),
        ("POST *", "GET /hoSo", False),
        ("GET /x", "GET /x", True),
        ("GET /x", "GET /xy", False),
    ],
)
def test_it_concerns_the_operations_that_it_names(when: str, operation: str, concerned: bool) -> None:  # noqa: FBT001 - a table
    assert a_fault(when=when).concerns(operation) is concerned


@pytest.mark.parametrize(
    ("kind", "given", "value", "how"),
    [
        (Kind.OUTAGE, {}, 0.0, ""),
        (Kind.LATENCY, {}, 2.0, ""),
        (Kind.LATENCY, {"value": 0.3}, 0.3, ""),
        (Kind.ERROR, {}, 500.0, ""),
        (Kind.ERROR, {"value": 503.0}, 503.0, ""),
        (Kind.LATE_REPLY, {}, 1.0, ""),
        (Kind.SLOW_CONSUMER, {}, 1.0, ""),
        (Kind.BAD_REPLY, {}, 0.0, "unreadable"),
        (Kind.BAD_REPLY, {"how": "empty"}, 0.0, "empty"),
    ],
)
def test_a_kind_has_its_default(kind: Kind, given: dict[str, object], value: float, how: str) -> None:
    checked = check(a_fault(kind, **given))
    assert (checked.value, checked.how) == (value, how)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (a_fault(p=0.0), "between 0%"),
        (a_fault(p=1.1), "not 110%"),
        (a_fault(end=100.0), "ends after it has begun"),
        (a_fault(Kind.STOP_CONSUMING, p=0.5), "as a whole"),
        (a_fault(Kind.CONNECTOR_CRASH, when="GET *"), "as a whole"),
        (a_fault(Kind.BAD_REPLY, how="ugly"), "one of unreadable, truncated"),
        (a_fault(Kind.LATENCY, how="empty"), "'empty' says nothing"),
        (a_fault(Kind.ERROR, value=200.0), "200 is no HTTP status of an error"),
        (a_fault(Kind.OUTAGE, value=3.0), "outage takes no value"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(fault: Fault, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        check(fault)


faults = st.builds(
    Fault,
    id=st.text(min_size=1),
    service=st.text(),
    kind=st.sampled_from(Kind),
    start=st.floats(0, 2e9),
    end=st.floats(0, 2e9) | st.just(math.inf),
    value=st.floats(0, 600),
    how=st.sampled_from(("", *BAD)),
    p=st.floats(0.001, 1),
    when=st.text(),
    drill=st.text(),
)


@given(st.text(), st.lists(faults, max_size=5))
def test_an_order_says_what_was_told(teller: str, told: list[Fault]) -> None:
    assert read_order(write_order(teller, told)) == (teller, told)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"order": "other", "from": "gw1", "faults": []}',
        b'{"order": "faults", "from": "gw1", "faults": [{}]}',
        json.dumps({"order": "faults", "from": "gw1", "faults": [{"id": "f", "kind": "earthquake"}]}).encode(),
    ],
)
def test_what_is_no_order_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        read_order(body)


def test_an_order_is_bounded() -> None:
    assert len(read_order(write_order("gw1", [a_fault()] * (AT_MOST + 5)))[1]) == AT_MOST
