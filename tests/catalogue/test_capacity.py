from __future__ import annotations

import pytest

from lgsp.catalogue.parse import parse_services
from lgsp.catalogue.service import Capacity, Exponential, Overflow, Service
from lgsp.catalogue.source import Source
from lgsp.errors import CatalogueError


def read(lines: str) -> Service:
    source = Source("services.yaml", f"svc:\n  title: T\n  operations: [GET /x]\n{lines}".encode())
    return parse_services([source], has_module=lambda _: False)["svc"]


@pytest.mark.parametrize(
    ("written", "capacity"),
    [
        ("{workers: 8}", Capacity(workers=8, queue=100)),
        ("{workers: 1, queue: 0}", Capacity(workers=1, queue=0)),
        ("{workers: 1, overflow: {}}", Capacity(workers=1, overflow=Overflow(status=503))),
        (
            "{workers: 1, overflow: {status: 429, retry_after: 2s}}",
            Capacity(workers=1, overflow=Overflow(status=429, retry_after=2.0)),
        ),
        ("{rate: 50/s}", Capacity(rate=(50, 1.0))),
        ("{rate: 90/m, burst: 5, per: service}", Capacity(rate=(90, 60.0), burst=5, per="service")),
    ],
)
def test_what_is_given_is_in_force(written: str, capacity: Capacity) -> None:
    assert read(f"  capacity: {written}\n").capacity == capacity


def test_without_a_word_as_much_is_taken_as_comes() -> None:
    assert read("").capacity is None


def test_an_exponential_latency_has_its_mean() -> None:
    latency = read("  latency: {exponential: 100ms}\n").latency
    assert latency is not None
    assert latency.distribution == Exponential(mean=0.1)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("{}", "a capacity has `workers`, a `rate`, or both"),
        ("8", "a mapping"),
        ("{workers: 0}", "a whole number, 1 or more"),
        ("{workers: 1, queue: 0.5}", "a whole number, 0 or more"),
        ("{rate: 5}", "5/s or 5/m?"),
        ("{rate: 5/s, queue: 3}", "`queue` says nothing without `workers`"),
        ("{workers: 5, burst: 3}", "`burst` says nothing without `rate`"),
        ("{rate: 5/s, per: consumers}", "did you mean 'consumer'?"),
        ("{workers: 1, overflow: {status: 200}}", "a status from 400 on"),
        ("{workers: 1, overflow: {retry_after: 2}}", "2s?"),
        ("{worker: 1}", "did you mean 'workers'?"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(written: str, says: str) -> None:
    with pytest.raises(CatalogueError, match=r"services\.yaml:4:") as caught:
        read(f"  capacity: {written}\n")
    assert says in str(caught.value)
