from __future__ import annotations

import re
from html.parser import HTMLParser

from lgsp.model import Outcome
from lgsp.traffic.load.account import Account, Sent
from lgsp.traffic.load.page import Verdict, chart, page


class Tables(HTMLParser):
    """The cells of all tables, and whether anything of the page would run or be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.foreign: list[str] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_cell = tag in {"td", "th"}
        if tag in {"script", "img", "link", "iframe"} or any(
            name in {"src", "href"} or name[:2] == "on" for name, _ in attrs
        ):
            self.foreign.append(tag)

    def handle_data(self, data: str) -> None:
        if self._in_cell and data.strip():
            self.cells.append(data.strip())


def an_account() -> Account:
    account = Account(0.0, 3.0)
    for number in range(30):
        due = number / 10
        outcome = Outcome.TIMEOUT if number == 29 else Outcome.OK
        account.add(Sent("<b>svc</b>", "GET /a", due, due, due + 0.002, due + 0.102, outcome))
    return account


def test_the_page_has_the_figures_and_nothing_foreign() -> None:
    made = page(
        "Load on <x>",
        ["5 users & more"],
        an_account(),
        [Verdict("p95<800ms: 102.0 ms", kept=True), Verdict("errors<1%", kept=False)],
    )
    found = Tables()
    found.feed(made)
    assert found.foreign == []
    assert "<b>svc</b>" not in made
    cells = " ".join(found.cells)
    assert "p95<800ms: 102.0 ms kept errors<1% broken" in cells
    assert "response 30 102.0 102.0 102.0 102.0 102.0 102.0 102.0" in cells
    assert re.search(r"own lag 30 2\.0", cells)
    assert "<b>svc</b> 30 3.33% 102.0 102.0" in cells
    assert "<h1>Load on &lt;x&gt;</h1>" in made
    assert "5 users &amp; more" in made


def test_a_chart_ends_at_its_highest_value_and_of_nothing_is_empty() -> None:
    points = list(an_account().points())
    drawn = chart([("a", [p.asked for p in points])], points, "/s")
    assert ">10/s</text>" in drawn
    assert drawn.count("<path") == 1
    assert "<path" not in chart([("a", [])], [], "/s")
