"""Our cells against prometheus_client's own metrics, which they stand in for."""

from __future__ import annotations

import prometheus_client as theirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.taps import cells

BUCKETS = (0.01, 0.1, 1.0, 2.5)


def rendered(registry: theirs.CollectorRegistry) -> list[str]:
    """The exposition, without the moments of creation that prometheus_client adds where it is not told otherwise."""
    lines = theirs.generate_latest(registry).decode().splitlines()
    return [line for line in lines if "_created" not in line]


@given(
    st.lists(st.tuples(st.sampled_from(["a", 'quo"te']), st.one_of(st.floats(0, 5), st.sampled_from(BUCKETS)))),
    st.lists(st.integers(-3, 3)),
)
def test_a_scrape_says_what_prometheus_client_would_say(observed: list[tuple[str, float]], changes: list[int]) -> None:
    expositions = []
    for kind in (theirs, cells):
        registry = theirs.CollectorRegistry()
        spread = kind.Histogram("h_seconds", "How long.", ("service",), buckets=BUCKETS, registry=registry)
        count = kind.Counter("c_total", "How many.", ("service", "code"), registry=registry)
        level = kind.Gauge("g", "How much.", ("service",), registry=registry)
        alone = kind.Counter("alone_total", "Without labels.", registry=registry)
        lag = kind.Histogram("lag", "Without labels.", buckets=BUCKETS, registry=registry)
        for service, value in observed:
            spread.labels(service).observe(value)
            count.labels(service, "200").inc()
            alone.inc()
            lag.observe(value)
        for change in changes:
            level.labels("a").inc(change)
            level.labels("b").set(change)
        expositions.append(rendered(registry))
    assert expositions[0] == expositions[1]


def test_a_child_is_the_same_one_every_time() -> None:
    count = cells.Counter("c_total", "How many.", ("service",), registry=theirs.CollectorRegistry())
    count.labels("a").inc()
    count.labels("a").inc(2)
    assert count.labels("a").value == 3


def test_a_wrong_number_of_labels_is_refused() -> None:
    count = cells.Counter("c_total", "How many.", ("service",), registry=theirs.CollectorRegistry())
    with pytest.raises(ValueError, match=r"c_total has the labels \('service',\), not \('a', 'b'\)"):
        count.labels("a", "b")


def test_a_name_stands_in_a_registry_once() -> None:
    registry = theirs.CollectorRegistry()
    cells.Gauge("g", "How much.", registry=registry)
    with pytest.raises(ValueError, match="Duplicated"):
        cells.Gauge("g", "Again.", registry=registry)
