from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.figures import Key, Ratio, Round, Row
from bench.groups import groups
from bench.ratios import COMPARED, Compared, memory_vs_rabbit, ratios

A, B = Key("g", "a", "64"), Key("g", "b", "64")


def row(key: Key, *rates: float) -> Row:
    return Row(key, tuple(Round(rate, 1_000 / rate, 0.0, {"ask": rate, "broker": 20.0}) for rate in rates))


def test_a_ratio_divides_the_field_it_names() -> None:
    rows = [row(A, 40.0, 60.0), row(B, 10.0, 10.0)]
    compared = [Compared("rate", A, B), Compared("latency", A, B, "p50_ms"), Compared("cost", A, B, "cost")]
    found = ratios(rows, compared)
    assert found["rate"] == Ratio(5.0, 4.0, 6.0)
    assert (found["cost"].low, found["cost"].high) == pytest.approx((2.0, 8 / 3))
    assert found["latency"].value == pytest.approx((1 / 4 + 1 / 6) / 2)


@pytest.mark.parametrize("rows", [[], [row(A, 1.0)], [row(B, 1.0)], [Row(A, broken="gone"), row(B, 1.0)]])
def test_a_ratio_of_a_row_that_is_not_there_is_left_out(rows: list[Row]) -> None:
    assert ratios(rows, [Compared("rate", A, B)]) == {}


def test_every_ratio_names_candidates_and_cases_that_exist(tmp_path: Path) -> None:
    there = {
        Key(group.name, candidate.name, case)
        for group in groups(tmp_path, quick=False)
        for candidate in group.candidates
        for case in candidate.cases
    }
    assert {key for one in COMPARED for key in (one.above, one.below)} - there == set()
    assert len({one.name for one in COMPARED}) == len(COMPARED)


WANTED = {
    "bus_64_vs_aio_pika_rpc",
    "bus_64_vs_amqplib",
    "bus_64_vs_librabbitmq",
    "bus_1_latency_vs_librabbitmq",
    "embedded_vs_rabbit",
    "http_vs_aiohttp_aio_pika",
    "http_vs_aiohttp_echo",
    "http_2800_vs_28",
}


@pytest.mark.parametrize("quick", [True, False])
def test_the_ratios_to_quote_are_measured_quick_or_not(*, quick: bool, tmp_path: Path) -> None:
    rows = [
        row(Key(group.name, candidate.name, case), 1.0)
        for group in groups(tmp_path, quick=quick)
        for candidate in group.candidates
        for case in candidate.cases
    ]
    assert ratios(rows).keys() >= WANTED
    assert memory_vs_rabbit([replace(one, memory={"broker": 1.0}) for one in rows]) is not None


def test_no_two_candidates_of_a_group_share_a_queue(tmp_path: Path) -> None:
    for group in groups(tmp_path, quick=False):
        queues = [queue for candidate in group.candidates for queue in candidate.queues()]
        assert len(set(queues)) == len(queues), group.name


@pytest.mark.parametrize(
    ("memory", "expected"),
    [
        ({}, None),
        ({"gateway": 60.0, "connectors": 90.0, "broker": 100.0}, Ratio(1.5, 1.5, 1.5)),
    ],
)
def test_memory_is_both_processes_to_the_broker(memory: dict[str, float], expected: Ratio | None) -> None:
    key = Key("http", "lgsp, shipped services", "64")
    assert memory_vs_rabbit([Row(key, (Round(1, 1, 1),), memory=memory)]) == expected


def test_memory_without_a_row_is_no_ratio() -> None:
    assert memory_vs_rabbit([]) is None
