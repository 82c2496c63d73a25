"""Each form has every number, and each of its tables adds up to the headline."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from html.parser import HTMLParser
from io import StringIO

import pytest
from tallies import a_proof, a_report, an_about

from lgsp.monitoring.report.document import Language
from lgsp.monitoring.report.forms import FORMS

ADDING = ("services", "owners", "tiers", "routes", "consumers", "months")
Summed = tuple[int, int]
"""What a table's rows add up to, and what its last row says."""


def whole(cell: str) -> int:
    return int(re.sub(r"[.,*]", "", cell))


def of_lines(lines: list[list[str]], heads: list[str]) -> Iterator[Summed]:
    """Tables as lines of cells: those with a column for the official success."""
    if "Official success" in heads:
        at = heads.index("Total")
        yield sum(whole(line[at]) for line in lines[:-1]), whole(lines[-1][at])


def sums_of_text(text: str) -> Iterator[Summed]:
    for block in re.split(r"\n\n", text):
        lines = [re.split(r" {2,}", line.strip()) for line in block.splitlines() if not re.fullmatch(r"[- ]+", line)]
        yield from of_lines(lines[1:], lines[0] if lines else [])


def sums_of_md(text: str) -> Iterator[Summed]:
    for block in re.split(r"\n\n", text):
        rows = [line.strip("| ").split(" | ") for line in block.splitlines() if line.startswith("|")]
        yield from of_lines(rows[2:], rows[0] if rows else [])


def sums_of_html(text: str) -> Iterator[Summed]:
    tables: list[list[list[str]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the reader's form
            if tag == "table":
                tables.append([])
            elif tag == "tr":
                tables[-1].append([])
            elif tag in {"td", "th"}:
                tables[-1][-1].append("")

        def handle_data(self, data: str) -> None:
            if tables and tables[-1] and tables[-1][-1] and self.get_starttag_text() is not None:
                tables[-1][-1][-1] += data.strip()

    Reader().feed(re.sub(r"<caption>.*?</caption>|<svg.*?</svg>", "", text, flags=re.DOTALL))
    for table in tables:
        yield from of_lines(table[1:], table[0])


def sums_of_csv(text: str) -> Iterator[Summed]:
    lines = list(csv.DictReader(StringIO(text)))
    for name in ADDING:
        cells = [line for line in lines if (line["table"], line["column"]) == (name, "total")]
        yield sum(int(cell["value"]) for cell in cells[:-1]), int(cells[-1]["value"])
        assert cells[-1]["row"] == "total"


def sums_of_json(text: str) -> Iterator[Summed]:
    read = json.loads(text)
    assert read["total"] == 1712
    for name in ADDING:
        yield sum(row["total"] for row in read[name]), read["totals"][name]["total"]


SUMS: dict[str, Callable[[str], Iterator[Summed]]] = {
    "text": sums_of_text,
    "md": sums_of_md,
    "html": sums_of_html,
    "csv": sums_of_csv,
    "json": sums_of_json,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_table_of_every_form_adds_up_to_the_headline(form: str) -> None:
    assert list(SUMS[form](FORMS[form](a_report("en")))) == [(1712, 1712)] * len(ADDING)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_what_people_read_says_all_of_the_document(form: str, language: Language) -> None:
    document = a_report(language)
    said = re.sub(r"\s+", " ", unescape(FORMS[form](document)))
    for text in (*document.banner, *document.lead, "12" * 32, "lgsp report --check 12"):
        assert re.sub(r"\s+", " ", text) in said
    for table in document.tables:
        assert table.title in said
        assert table.columns[0].sort == "hour" or all(str(row[0]) in said for row in table.rows)


def test_numbers_are_written_as_each_language_does() -> None:
    assert "1.670 giao dịch thành công" in FORMS["text"](a_report("vi"))
    assert "97,55%" in FORMS["md"](a_report("vi"))
    assert "97.55%" in FORMS["md"](a_report("en"))
    assert "23:00 24/05/2023" in FORMS["html"](a_report("vi"))
    assert "2023-05-24 23:00" in FORMS["html"](a_report("en"))


def test_the_page_needs_nothing_else_and_lets_nothing_in() -> None:
    evil = an_about(scenario='<script>alert("x")</script>')
    page = FORMS["html"](a_report("en", proof=a_proof(past=evil)))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(src|href)=|url\(|@import", page)
    assert page.count("<svg") == 2
    assert "@media print" in page


def test_a_bar_of_the_markdown_table_does_not_break_it() -> None:
    page = FORMS["md"](a_report("en", proof=a_proof(past=an_about(places={"a|b": ["c"]}))))
    assert r"| a\|b | 1 | c |" in page


def test_programs_read_ratios_and_times_of_iso_8601() -> None:
    read = json.loads(FORMS["json"](a_report("vi")))
    assert (read["official_success"], read["busiest_hour"]) == (0.975467, {"hour": "2023-05-23T00:00", "total": 900})
    assert read["services"][0]["service"] == "e-office"
    assert read["worst_hours"][0]["hour"] == "2023-05-23T09:00"
    lines = list(csv.reader(StringIO(FORMS["csv"](a_report("vi")))))
    assert lines[0] == ["table", "row", "key", "column", "value"]
    assert ["report", "1", "total", "value", "1712"] in lines
    assert ["report", "1", "outcomes", "timeout", "20"] in lines
    assert ["services", "2", "population", "objective_met", "true"] in lines
