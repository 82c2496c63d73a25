"""What is wrong with a board's JSON, each rule a pure function from all boards to what it objects to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

Board = dict[str, Any]
GREY = "#808080"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
ACCENTED = re.compile(r"[ăâđêôơưáàảãạấầẩẫậắằẳẵặéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ]", re.IGNORECASE)
COUNTER = re.compile(r"(?<![\w:])((?:lgsp|rabbitmq|process)_\w+_(?:total|bucket|sum|count))\{")
WINDOWS = {"5m": "5 min", "1h": "1 h"}
"""Fixed windows, and how a description says that it is one."""


def panels(board: Board) -> list[dict[str, Any]]:
    """Those that ask something."""
    return [panel for panel in board["panels"] if panel["type"] != "text"]


def where(board: Board, panel: dict[str, Any]) -> str:
    return f"{board['uid']} {panel['title']!r}"


def asked(board: Board) -> list[str]:
    """Every expression of a board: panels, variables, annotations."""
    found = [target["expr"] for panel in panels(board) for target in panel["targets"]]
    found += [v["query"]["query"] for v in board["templating"]["list"] if v["type"] == "query"]
    return found + [mark["expr"] for mark in board["annotations"]["list"]]


def names_are_given_once(boards: Sequence[Board]) -> Iterator[str]:
    for key in ("uid", "title"):
        every = [board[key] for board in boards]
        yield from (f"{key} {name!r} twice" for name in sorted({n for n in every if every.count(n) > 1}))
    for board in boards:
        ids = [panel["id"] for panel in board["panels"]]
        if len(set(ids)) < len(ids):
            yield f"{board['uid']}: an id of a panel twice"
        titles = [panel["title"] for panel in panels(board)]
        if len(set(titles)) < len(titles):
            yield f"{board['uid']}: a title of a panel twice"
        for panel in panels(board):
            refs = [target["refId"] for target in panel["targets"]]
            if len(set(refs)) < len(refs):
                yield f"{where(board, panel)}: a refId twice"


def panels_do_not_overlap(boards: Sequence[Board]) -> Iterator[str]:
    for board in boards:
        for panel in board["panels"]:
            at = panel["gridPos"]
            if at["x"] < 0 or at["x"] + at["w"] > 24 or at["w"] < 1 or at["h"] < 1:
                yield f"{where(board, panel)} stands off the grid"
        for one, other in combinations(board["panels"], 2):
            a, b = one["gridPos"], other["gridPos"]
            beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
            above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
            if not (beside or above):
                yield f"{where(board, one)} overlaps {other['title']!r}"


def a_board_asks_its_question_first(boards: Sequence[Board]) -> Iterator[str]:
    for board in boards:
        first = min(board["panels"], key=lambda panel: (panel["gridPos"]["y"], panel["gridPos"]["x"]))
        content = first.get("options", {}).get("content", "")
        said = board.get("description", "").split("\n\n")
        if first["type"] != "text" or len(said) != 2 or any(part not in content for part in said):
            yield f"{board['uid']} does not open with its question"


def everything_is_said_in_both_languages(boards: Sequence[Board]) -> Iterator[str]:
    for board in boards:
        pairs = [(board["uid"], board["title"], " · "), (board["uid"], board.get("description", ""), "\n\n")]
        for panel in panels(board):
            pairs += [
                (where(board, panel), panel["title"], " · "),
                (where(board, panel), panel.get("description", ""), "\n\n"),
            ]
        for place, text, between in pairs:
            english, _, vietnamese = text.partition(between)
            if not english or not vietnamese or ACCENTED.search(english) or not ACCENTED.search(vietnamese):
                yield f"{place}: {text!r} is not in both languages"


def a_panel_asks_a_question_with_a_unit(boards: Sequence[Board]) -> Iterator[str]:
    for board in boards:
        for panel in panels(board):
            parts = panel.get("description", "").split("\n\n")
            if len(parts) != 2 or any("?" not in part for part in parts):
                yield f"{where(board, panel)} asks no question"
            if not panel["fieldConfig"]["defaults"].get("unit"):
                yield f"{where(board, panel)} has no unit"
            many = len(panel["targets"]) > 1 and panel["type"] != "table"
            if many and any(target.get("legendFormat", "__auto") == "__auto" for target in panel["targets"]):
                yield f"{where(board, panel)} has answers without a name"


def what_is_absent_is_grey(boards: Sequence[Board]) -> Iterator[str]:
    for board in boards:
        for panel in panels(board):
            field = panel["fieldConfig"]["defaults"]
            overridden = [
                value["value"]
                for override in panel["fieldConfig"]["overrides"]
                for value in override["properties"]
                if value["id"] == "thresholds"
            ]
            for thresholds in [field["thresholds"], *overridden]:
                if thresholds["steps"][0] != {"value": None, "color": GREY}:
                    yield f"{where(board, panel)}: what is absent has the colour {thresholds['steps'][0]['color']}"
            absent = [m["options"]["result"]["color"] for m in field.get("mappings", []) if m["type"] == "special"]
            if not field.get("noValue") or absent != [GREY]:
                yield f"{where(board, panel)} does not say what stands there when nothing does"


def windows_follow_the_screen(boards: Sequence[Board]) -> Iterator[str]:
    for board in boards:
        for panel in panels(board):
            for target in panel["targets"]:
                for window in re.findall(r"\[([^\]]+)\]", re.sub(r'"[^"]*"', "", target["expr"])):
                    said = WINDOWS.get(window)
                    if window != "$__rate_interval" and (said is None or said not in panel["description"]):
                        yield f"{where(board, panel)}: the window {window} is neither the screen's nor said"


def counters_are_rates(boards: Sequence[Board]) -> Iterator[str]:
    for board in boards:
        for expr in asked(board):
            identity = "lgsp_open_transactions" in expr and "lgsp_transactions_accepted_total" in expr
            for match in COUNTER.finditer(expr):
                if not identity and not re.search(r"(?:rate|increase|changes)\($", expr[: match.start()]):
                    yield f"{board['uid']}: {match[1]} is a counter and not in rate() or increase(): {expr}"


def sources_can_be_chosen(boards: Sequence[Board]) -> Iterator[str]:
    for board in boards:
        variables = board["templating"]["list"]
        if not any(v["type"] == "datasource" and v["name"] == "datasource" for v in variables):
            yield f"{board['uid']} has no variable for its source"
        asking = [*panels(board), *(v for v in variables if v["type"] == "query"), *board["annotations"]["list"]]
        asking += [target for panel in panels(board) for target in panel["targets"] if "datasource" in target]
        if any(asks.get("datasource") != SOURCE for asks in asking):
            yield f"{board['uid']} asks a source that nobody chose"


def variables_are_used_and_there(boards: Sequence[Board]) -> Iterator[str]:
    for board in boards:
        there = {v["name"] for v in board["templating"]["list"]}
        links = [link.get("url", "") for p in panels(board) for link in p["fieldConfig"]["defaults"].get("links", ())]
        used = set()
        for text in [*asked(board), *links, SOURCE["uid"]]:
            used |= {a or b for a, b in re.findall(r"\$(?:\{(\w+)|(\w+))", re.sub(r"\$\{?__[\w.:]+", "", text))}
        # The console's address is carried for who adds a link by hand.
        for name in sorted((there - {"console"}) ^ (used - {"console"})):
            yield f"{board['uid']}: the variable {name} is {'unused' if name in there else 'not there'}"


def links_carry_service_and_time(boards: Sequence[Board]) -> Iterator[str]:
    for board in boards:
        drop_down = [link for link in board.get("links", ()) if link["type"] == "dashboards"]
        if not any(link["includeVars"] and link["keepTime"] and link["tags"] == ["lgsp"] for link in drop_down):
            yield f"{board['uid']} does not lead to the others with choices and time"
        for panel in panels(board):
            for link in panel["fieldConfig"]["defaults"].get("links", ()):
                url = link["url"]
                time = "${__url_time_range}" in url or ("${__from" in url and "${__to" in url)
                if "service=$" not in url or not time:
                    yield f"{where(board, panel)}: {url} does not carry service and time"


def trouble_is_marked(boards: Sequence[Board]) -> Iterator[str]:
    for board in boards:
        marks = " ".join(mark["expr"] for mark in board["annotations"]["list"])
        for what in ("lgsp_fault_active", "ALERTS", "process_start_time_seconds"):
            if what not in marks:
                yield f"{board['uid']} does not mark {what}"


RULES = (
    names_are_given_once,
    panels_do_not_overlap,
    a_board_asks_its_question_first,
    everything_is_said_in_both_languages,
    a_panel_asks_a_question_with_a_unit,
    what_is_absent_is_grey,
    windows_follow_the_screen,
    counters_are_rates,
    sources_can_be_chosen,
    variables_are_used_and_there,
    links_carry_service_and_time,
    trouble_is_marked,
)
