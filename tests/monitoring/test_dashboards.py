"""The boards' JSON: what is committed is what is made, and each rule of the lint holds and is seen failing."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from monitoring import boardlint as lint

from lgsp.catalogue.parse import read_catalogue
from lgsp.cli import lgsp
from lgsp.errors import SettingsError
from lgsp.monitoring.boards import boards
from lgsp.monitoring.profile import Profile

REPOSITORY = Path(__file__).parents[2]
CONFIG = REPOSITORY / "config"
FILES = sorted((CONFIG / "grafana" / "boards" / "LGSP").glob("*.json"))
COMMITTED: list[dict[str, Any]] = [json.loads(file.read_text(encoding="utf-8")) for file in FILES]
SAID = {board.uid: board for board in boards(Profile())}


def test_the_committed_boards_are_what_the_command_makes(tmp_path: Path) -> None:
    made = CliRunner().invoke(lgsp, ["monitoring", "boards", "--config", str(CONFIG), "--output", str(tmp_path)])
    assert made.exit_code == 0, made.output
    assert {f.name: f.read_text(encoding="utf-8") for f in tmp_path.iterdir()} == {
        f.name: f.read_text(encoding="utf-8") for f in FILES
    }


def test_without_what_they_are_made_with_it_says_where_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "lgsp.monitoring.dashboards", raising=False)
    monkeypatch.setitem(sys.modules, "grafana_foundation_sdk.builders", None)
    refused = CliRunner().invoke(lgsp, ["monitoring", "boards", "--config", str(CONFIG)]).exception
    assert isinstance(refused, SettingsError)
    assert "`make generated`" in str(refused)
    assert "grafana/boards/LGSP" in str(refused)


def test_a_file_is_named_as_its_board_and_asks_what_the_data_say() -> None:
    assert [file.stem for file in FILES] == [board["uid"] for board in COMMITTED] == sorted(SAID)
    for board in COMMITTED:
        assert lint.asked(board) == list(SAID[board["uid"]].expressions())


def test_every_board_that_an_alert_leads_to_is_there() -> None:
    rules = (CONFIG / "prometheus" / "rules" / "lgsp.yml").read_text(encoding="utf-8")
    led_to = {part.split("?")[0].split()[0].strip("'\"") for part in rules.split("/d/")[1:]}
    assert led_to <= set(SAID)
    assert len(led_to) >= 5


def test_no_board_names_a_service() -> None:
    services = [f'"{service.id}"' for service in read_catalogue(CONFIG)] + ["population"]
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert [name for name in services if name in text] == []


def test_grafana_is_told_where_the_boards_and_their_source_are() -> None:
    provisioning = CONFIG / "grafana" / "provisioning"
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "lgsp.yaml").read_text())["providers"]
    assert (provider["allowUiUpdates"], provider["disableDeletion"]) == (False, True)
    assert provider["options"]["foldersFromFilesStructure"] is True
    mounts = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]["grafana"]["volumes"]
    assert f"./config/grafana/boards:{provider['options']['path']}:ro" in mounts
    (source,) = yaml.safe_load((provisioning / "datasources" / "lgsp.yaml").read_text())["datasources"]
    chosen = [v["current"]["value"] for b in COMMITTED for v in b["templating"]["list"] if v["type"] == "datasource"]
    assert set(chosen) == {source["uid"]}


@pytest.mark.parametrize("rule", lint.RULES, ids=lambda rule: rule.__name__)
def test_the_boards_keep_the_rule(rule: Callable[[Sequence[lint.Board]], Iterator[str]]) -> None:
    assert list(rule(COMMITTED)) == []


def _panel(board: lint.Board, kind: str = "stat") -> dict[str, Any]:
    return next(panel for panel in board["panels"] if panel["type"] == kind)


def _field(board: lint.Board) -> dict[str, Any]:
    return dict.__getitem__(_panel(board)["fieldConfig"], "defaults")


def _query(board: lint.Board, old: str, new: str) -> None:
    target = next(t for p in lint.panels(board) for t in p["targets"] if old in t["expr"])
    target["expr"] = target["expr"].replace(old, new)


def _links(board: lint.Board) -> list[dict[str, Any]]:
    return next(
        p["fieldConfig"]["defaults"]["links"] for p in lint.panels(board) if p["fieldConfig"]["defaults"].get("links")
    )


BREAKS: list[tuple[str, Callable[..., Iterator[str]], Callable[[lint.Board], object]]] = [
    ("a uid twice", lint.names_are_given_once, lambda b: b.update(uid="lgsp-service")),
    ("a board's title twice", lint.names_are_given_once, lambda b: b.update(title="LGSP service · Dịch vụ LGSP")),
    ("an id twice", lint.names_are_given_once, lambda b: b["panels"][3].update(id=b["panels"][4]["id"])),
    ("a panel twice", lint.names_are_given_once, lambda b: b["panels"][3].update(title=b["panels"][4]["title"])),
    ("a refId twice", lint.names_are_given_once, lambda b: _panel(b, "table")["targets"][1].update(refId="A")),
    ("a panel moved", lint.panels_do_not_overlap, lambda b: b["panels"][3]["gridPos"].update(x=b["panels"][2]["gridPos"]["x"])),
    ("a panel too wide", lint.panels_do_not_overlap, lambda b: b["panels"][-1]["gridPos"].update(w=25)),
    ("no question", lint.a_board_asks_its_question_first, lambda b: b["panels"].pop(0)),
    ("another question", lint.a_board_asks_its_question_first, lambda b: b.update(description="Hm?\n\nSao?")),
    ("English alone", lint.everything_is_said_in_both_languages, lambda b: _panel(b).update(title="Pages firing")),
    ("no accents", lint.everything_is_said_in_both_languages, lambda b: b.update(title="LGSP overview · Tong quan")),
    ("no description", lint.a_panel_asks_a_question_with_a_unit, lambda b: _panel(b).pop("description")),
    ("no question mark", lint.a_panel_asks_a_question_with_a_unit, lambda b: _panel(b).update(description="Rate.\n\nĐộ.")),
    ("no unit", lint.a_panel_asks_a_question_with_a_unit, lambda b: _field(b).pop("unit")),
    ("no legend", lint.a_panel_asks_a_question_with_a_unit, lambda b: [t.update(legendFormat="__auto") for p in lint.panels(b) for t in p["targets"]]),
    ("green by default", lint.what_is_absent_is_grey, lambda b: _field(b)["thresholds"]["steps"][0].update(color="green")),
    ("a green column", lint.what_is_absent_is_grey, lambda b: [v["value"]["steps"].pop(0) for o in _panel(b, "table")["fieldConfig"]["overrides"] for v in o["properties"] if v["id"] == "thresholds"]),
    ("nothing said of nothing", lint.what_is_absent_is_grey, lambda b: _field(b).pop("noValue")),
    ("nothing in green", lint.what_is_absent_is_grey, lambda b: _field(b)["mappings"][0]["options"]["result"].update(color="green")),
    ("a fixed window", lint.windows_follow_the_screen, lambda b: _query(b, "$__rate_interval", "1m")),
    ("a window unsaid", lint.windows_follow_the_screen, lambda b: _panel(b, "table").update(description="Which?\n\nĐâu?")),
    ("a bare counter", lint.counters_are_rates, lambda b: _query(b, "rate(lgsp_transactions_total", "max_over_time(lgsp_transactions_total")),
    ("a fixed source", lint.sources_can_be_chosen, lambda b: _panel(b).update(datasource={"type": "prometheus", "uid": "x"})),
    ("a target's own", lint.sources_can_be_chosen, lambda b: _panel(b)["targets"][0].update(datasource={"uid": "x"})),
    ("no choice", lint.sources_can_be_chosen, lambda b: b["templating"]["list"].pop(0)),
    ("an unused choice", lint.variables_are_used_and_there, lambda b: b["templating"]["list"].append({"name": "x", "type": "custom"})),
    ("an unknown choice", lint.variables_are_used_and_there, lambda b: _query(b, '"$service"', '"$services"')),
    ("time lost", lint.links_carry_service_and_time, lambda b: _links(b)[0].update(url="/d/x?var-service=${service}")),
    ("service lost", lint.links_carry_service_and_time, lambda b: _links(b)[0].update(url="/d/x?${__url_time_range}")),
    ("alone", lint.links_carry_service_and_time, lambda b: b["links"].clear()),
    ("choices lost", lint.links_carry_service_and_time, lambda b: b["links"][0].update(includeVars=False)),
    ("no faults", lint.trouble_is_marked, lambda b: b["annotations"]["list"].pop(0)),
    ("no pages", lint.trouble_is_marked, lambda b: b["annotations"]["list"].pop(1)),
    ("no restarts", lint.trouble_is_marked, lambda b: b["annotations"]["list"].pop(2)),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "spoil"), [case[1:] for case in BREAKS], ids=[case[0] for case in BREAKS])
def test_a_board_that_breaks_the_rule_is_named(
    rule: Callable[[Sequence[lint.Board]], Iterator[str]], spoil: Callable[[lint.Board], object]
) -> None:
    spoiled = copy.deepcopy(COMMITTED)
    spoil(next(board for board in spoiled if board["uid"] == "lgsp-overview"))
    found = list(rule(spoiled))
    assert found
    assert all("lgsp-overview" in problem or "twice" in problem for problem in found)


def test_every_rule_is_seen_failing() -> None:
    assert {rule for _, rule, _ in BREAKS} == set(lint.RULES)
