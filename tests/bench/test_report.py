from __future__ import annotations

import json

import pytest

from bench.figures import Drawn, Key, Page, Ratio, Round, Row, Started
from bench.process import REPOSITORY
from bench.report import BEGIN, END, Heading, Run, document, in_browser, markdown, noise, placed

RUN = Run("2023-05-24 00:00 UTC", "2 cores", "RabbitMQ", 2, 0.5)
ROWS = [
    Row(Key("bus", "lgsp", "64"), (Round(20_000, 3, 5, {"ask": 12}, 0.2), Round(22_000, 3, 5, {"ask": 14}, 0.4))),
    Row(Key("bus", "other", "64"), differs="no confirms", broken="node | is missing\nhere"),
]
RATIOS = {"bus_64_vs_other": Ratio(12.345, 11.0, 13.0)}


def test_the_table_has_a_line_for_each_row_and_each_ratio() -> None:
    text = markdown(RUN, {"bus": Heading("Over the bus", "alike")}, ROWS, RATIOS, [], [])
    lines = text.splitlines()
    assert "| `bus_64_vs_other` | 12.3 | 11.0 to 13.0 |" in lines
    assert "| lgsp | 64 | 21,000 | 3.00 | 5.00 | ask 13 |  | 10% |  |" in lines
    assert "**Over the bus.** Alike." in lines


def test_a_candidate_without_figures_is_a_row_with_its_reason_in_one_line() -> None:
    text = markdown(RUN, {"bus": Heading("Over the bus", "alike")}, ROWS, {}, [], [])
    assert "| other | 64 | none: node / is missing here |  |  |  |  |  | no confirms |" in text.splitlines()


def test_every_line_of_a_table_has_the_same_cells() -> None:
    started, pages = [Started("lgsp up", (1.0, 3.0, 2.0), 70.0)], [Page("gateway", 1.5, 120.0, 1_461)]
    text = markdown(RUN, {"bus": Heading("Over the bus", "alike")}, ROWS, RATIOS, started, pages)
    for block in text.split("\n\n"):
        if block.startswith("|"):
            assert len({line.count("|") for line in block.splitlines()}) == 1
    assert "| `lgsp up` | 2.00 | 3.00 | 70 |" in text
    assert "| gateway | 1.5 | 120 | 1,461 |" in text


def test_a_process_that_did_not_come_up_is_a_row_with_its_reason() -> None:
    started = [Started("lgsp up", broken="no port")]
    assert "| `lgsp up` | none: no port |  |  |" in markdown(RUN, {}, [], {}, started, [])
    assert document(RUN, [], {}, started, [])["started"] == [{"name": "lgsp up", "broken": "no port"}]


@pytest.mark.parametrize(
    ("others", "spreads", "says"),
    [
        ([], [], "nothing was measured"),
        ([0.5], [0.1], "0.50 cores (at most 0.50); a row's rounds differ by 10% of their median (at most 10%)"),
        (
            [0.1, 0.2, 0.9],
            [0.1, 0.3],
            "0.20 cores (at most 0.90); a row's rounds differ by 20% of their median (at most 30%)",
        ),
    ],
)
def test_the_noise_is_said(others: list[float], spreads: list[float], says: str) -> None:
    assert says in noise(others, spreads)


def test_the_document_holds_the_ratios_by_name_and_is_json() -> None:
    told = json.loads(json.dumps(document(RUN, ROWS, RATIOS, [Started("lgsp up", (1.0, 3.0), 70.0)], [])))
    assert told["ratios"] == {"bus_64_vs_other": 12.345}
    assert told["ends"] == {"bus_64_vs_other": [11.0, 13.0]}
    assert told["rows"][0]["per_second"] == 21_000
    assert told["rows"][1]["broken"].startswith("node")
    assert told["started"] == [{"name": "lgsp up", "seconds": 2.0, "mib": 70.0}]


@pytest.mark.parametrize("old", ["", "\n\n| old |\n\n"])
def test_a_table_is_placed_between_the_marks_of_a_page(old: str) -> None:
    page = f"# Page\n\n{BEGIN}{old}{END}\n\nmore\n"
    assert placed(page, "| new |\n") == f"# Page\n\n{BEGIN}\n\n| new |\n\n{END}\n\nmore\n"
    assert placed(placed(page, "| old |"), "| new |") == placed(page, "| new |")


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END}\n{BEGIN}"])
def test_a_page_without_both_marks_in_their_order_takes_no_table(page: str) -> None:
    with pytest.raises(ValueError, match="there is no line"):
        placed(page, "| new |")


def test_the_page_on_performance_has_a_place_for_the_tables() -> None:
    page = (REPOSITORY / "docs" / "performance.md").read_text(encoding="utf-8")
    assert "\n\n| here |\n\n" in placed(page, "| here |")


def test_what_a_browser_said_of_the_console_is_one_sentence() -> None:
    told = in_browser(Drawn(212.4, 4.24, 45.41, 13, 28))
    assert "first paint after 212 ms" in told
    assert "an update of 28 services 4.2 ms (median of 13, slowest 45.4 ms)" in told


def test_a_console_that_nobody_could_draw_says_why() -> None:
    assert in_browser(Drawn(broken="Chromium is not installed")).endswith("none: Chromium is not installed")
