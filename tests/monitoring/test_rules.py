"""The rule file: what it selects, what it says, and, with `promtool`, when each alert fires and when not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from monitoring.cases import CASES, MUTATIONS, S1, THREE
from monitoring.promtool import Case, run, steady

from lgsp.cli import lgsp
from lgsp.monitoring.profile import Profile, parse_matchers, parse_severities
from lgsp.monitoring.rules import rules
from lgsp.monitoring.words import SAID

REPOSITORY = Path(__file__).parents[2]
COMMITTED = (REPOSITORY / "config" / "prometheus" / "rules" / "lgsp.yml").read_text(encoding="utf-8")
RUNBOOKS = REPOSITORY / "docs" / "runbooks"
HERE = Profile(zone="Asia/Ho_Chi_Minh", offset=25_200)
NAMES = [rule["alert"] for group in rules(HERE)["groups"] for rule in group["rules"] if "alert" in rule]
DURATION = re.compile(r"^(\d+)(ms|s|m|h|d)$")
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
OURS = re.compile(r"(?<![\w:])((?:lgsp|rabbitmq)_\w+|up)\{(?!\{)([^}]*)\}")


def of(document: dict[str, Any], alert: str) -> dict[str, Any]:
    found = [rule for group in document["groups"] for rule in group["rules"] if rule.get("alert") == alert]
    assert len(found) == 1
    return dict(found[0])


def expressions(document: dict[str, Any]) -> list[str]:
    every = [rule for group in document["groups"] for rule in group["rules"]]
    return [rule["expr"] for rule in every] + [text for rule in every for text in rule.get("annotations", {}).values()]


def test_the_committed_file_is_what_the_command_makes() -> None:
    made = CliRunner().invoke(lgsp, ["monitoring", "rules", "--config", str(REPOSITORY / "config")])
    assert (made.exit_code, made.stdout) == (0, COMMITTED)


def test_every_alert_has_its_words_its_cases_its_changes_and_its_page() -> None:
    assert set(NAMES) == set(SAID) == set(CASES) == set(MUTATIONS) == {page.stem for page in RUNBOOKS.glob("LGSP*.md")}


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_says_everything_in_both_languages(name: str) -> None:
    told = of(rules(HERE), name)["annotations"]
    for key in ("summary", "description", "fault"):
        assert re.search(r"[ăđơưạảấầậắềệểỉịọốồộớợụủứữừựỳáàãâèéêíóôõúũýộ]", told[f"{key}_vi"]), key
        assert re.sub(r"{{.*?}}", "", told[key]).isascii(), key
    assert told["local_time"].endswith(" Asia/Ho_Chi_Minh")
    assert told["runbook_url"] == f"docs/runbooks/{name}.md"
    assert told["dashboard"].startswith("http://127.0.0.1:3000/d/lgsp-")
    assert told["console"].startswith("http://127.0.0.1:8290/")


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_names_its_alert_and_what_to_look_at(name: str) -> None:
    page = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {name}\n")
    headings = re.findall(r"(?m)^## (.+)$", page)
    assert headings == ["What it means", "Look", "Do", "It is over when", "Tóm tắt"]
    severity = of(rules(HERE), name)["labels"]["severity"]
    assert f"Severity: {severity}" in page


def test_nothing_but_our_own_jobs_and_our_vhost_is_selected() -> None:
    profile = replace(HERE, vhost="bus-a", matchers=parse_matchers('env="prod",site!~"x|y"'))
    seen = 0
    for text in expressions(rules(profile)):
        for metric, labels in OURS.findall(text):
            seen += 1
            assert re.search(r'(^|,)job=~?"lgsp-', labels), (metric, labels)
            assert 'env="prod"' in labels, (metric, labels)
            assert 'site!~"x|y"' in labels, (metric, labels)
            assert ('vhost="bus-a"' in labels) == metric.startswith("rabbitmq_detailed_"), (metric, labels)
    assert seen > 60


def test_two_environments_in_one_prometheus_record_and_read_apart() -> None:
    document = rules(
        replace(HERE, matchers=parse_matchers('env="prod"'), severities=parse_severities(["page=critical"]))
    )
    for group in document["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["env"] == "prod"
            recorded = re.findall(r"(?:service|bus|owner):\w+:\w+(\{[^}]*\})?", rule["expr"])
            assert all('env="prod"' in labels for labels in recorded), rule
    assert of(document, "LGSPServiceDown")["labels"] == {"severity": "critical", "env": "prod"}


def seconds(duration: str) -> float:
    match = DURATION.match(duration)
    assert match, duration
    return int(match[1]) * UNITS[match[2]]


def test_the_scale_reaches_every_time() -> None:
    real, fast = rules(HERE), rules(replace(HERE, scale=60))
    ranges = [re.findall(r"\[(\d+[a-z]+)\]", text) for text in expressions(real)]
    scaled = [re.findall(r"\[(\d+[a-z]+)\]", text) for text in expressions(fast)]
    assert [[seconds(x) / 60 for x in row] for row in ranges] == [[seconds(x) for x in row] for row in scaled]
    for name in NAMES:
        for key in ("for", "keep_firing_for"):
            assert seconds(of(real, name).get(key, "0s")) / 60 == seconds(of(fast, name).get(key, "0s")), (name, key)
    guards = [
        re.findall(r"rate(?:1h|6h|1d|3d) \* (\d+) >=", of(d, "LGSPErrorBudgetBurnFast")["expr"]) for d in (real, fast)
    ]
    assert guards == [["3600", "21600"], ["60", "360"]]
    assert "hour(" not in of(fast, "LGSPServiceSilent")["expr"], "a day of minutes has no working hours"


@pytest.mark.real
@pytest.mark.parametrize("name", NAMES)
def test_an_alert_fires_when_it_must_and_only_then(name: str, tmp_path: Path) -> None:
    assert any(case.fires for case in CASES[name])
    assert name == "LGSPWatchdog" or not all(case.fires for case in CASES[name])
    assert run(tmp_path, COMMITTED, name, CASES[name]) == ""


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "old", "new"), [(name, old, new) for name, changes in MUTATIONS.items() for old, new in changes]
)
def test_a_change_of_the_rule_is_noticed(name: str, old: str, new: str, tmp_path: Path) -> None:
    document = yaml.safe_load(COMMITTED)
    group = document["groups"][-1]["rules"]
    at = next(number for number, rule in enumerate(group) if rule["alert"] == name)
    body = {key: value for key, value in group[at].items() if key != "annotations"}
    text = yaml.safe_dump(body, width=1_000_000)
    assert old in text
    group[:] = [yaml.safe_load(text.replace(old, new))]
    if ":lgsp_" not in text:
        document["groups"] = document["groups"][-1:]
    assert "FAILED" in run(tmp_path, yaml.safe_dump(document), name, CASES[name])


SAYS = Case(
    "a fifth fails, a month with a hundredth of its budget gone",
    THREE
    | steady("s1", ok=80, timeout=15, bus_error=5, rejected=25)
    | {
        f'lgsp_ledger_period_transactions{{job="lgsp-gateway",service="s1",outcome="{outcome}",period="month"}}': f"{n}x100"
        for outcome, n in (("ok", 99_500), ("timeout", 500), ("rejected", 9_000))
    },
    "70m",
    [S1],
    annotations={
        "summary": "s1: 20% of its calls fail; the error budget burns 20.0 times too fast",
        "summary_vi": "s1: 20% số lượt gọi bị lỗi; ngân sách lỗi cạn nhanh gấp 20.0 lần mức cho phép",
        "description": "Citizens and officials see errors from this service now. Owner: stp. Look at its failures in the console, "
        "then call whom the fault line names.",
        "description_vi": "Người dân và cán bộ đang gặp lỗi ở dịch vụ này. Đơn vị chủ quản: stp. Xem các giao dịch lỗi trên bảng điều "
        "khiển, rồi liên hệ bên nêu ở dòng nguyên nhân.",
        "fault": "the provider: 75% of the failures are silence until the time was up (timeout)",
        "fault_vi": "hệ thống cung cấp: 75% số lỗi là do nó không trả lời kịp thời hạn (timeout)",
        "callers": "20% of all calls were refused for the caller's own doing (rejected); they are not part of this alert",
        "callers_vi": "20% tổng số lượt gọi bị từ chối do lỗi của bên gọi (rejected); không tính vào cảnh báo này",
        "budget": "at this pace this month's error budget lasts 18h 0m",
        "budget_vi": "với nhịp độ này, ngân sách lỗi của tháng còn đủ cho 18 giờ 0 phút",
        "local_time": "1970-01-01 08:10 Asia/Ho_Chi_Minh",
        "dashboard": "http://127.0.0.1:3000/d/lgsp-service?var-service=s1",
        "console": "http://127.0.0.1:8290/transactions?service=s1",
        "runbook_url": "docs/runbooks/LGSPErrorBudgetBurnFast.md",
    },
)  # fmt: skip


@pytest.mark.real
def test_a_page_says_what_how_bad_whose_fault_how_long_when_and_where(tmp_path: Path) -> None:
    assert run(tmp_path, COMMITTED, "LGSPErrorBudgetBurnFast", [SAYS]) == ""
