from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from lgsp.monitoring.report.document import Chart
from lgsp.monitoring.report.forms.chart import drawn, rounded_up


@pytest.mark.parametrize(
    ("value", "top"), [(0, 4), (1, 4), (4, 4), (5, 8), (21, 24), (32, 32), (33, 40), (1_835_227, 2_000_000)]
)
def test_a_scale_ends_at_a_round_number_above(value: int, top: int) -> None:
    assert rounded_up(value) == top


def test_each_bar_is_as_high_as_its_number() -> None:
    svg = drawn(Chart("Calls & more", ["a", "b", "c"], [0, 5, 10]), "en")
    root = ET.fromstring(svg)  # noqa: S314 - our own
    bars = [float(rect.attrib["height"]) for rect in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert bars[0] == 0
    assert bars[2] == pytest.approx(2 * bars[1], abs=0.2)
    assert [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")] == [
        "Calls & more",
        "a: 0",
        "b: 5",
        "c: 10",
    ]


@pytest.mark.parametrize("bars", [0, 1, 9, 10, 144])
def test_labels_do_not_run_into_each_other(bars: int) -> None:
    svg = drawn(Chart("t", [f"day {n}" for n in range(bars)], [1] * bars), "vi")
    assert len(re.findall(r'text-anchor="middle"', svg)) <= 9
