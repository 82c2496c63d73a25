"""Beside what is already there: the files, and that the real programs take them in."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from monitoring import boardlint

from lgsp.bus.node import PrivateNode
from lgsp.cli import lgsp
from lgsp.errors import SettingsError
from lgsp.monitoring.boards import boards
from lgsp.monitoring.export import BOARDS, FAMILIES
from lgsp.monitoring.profile import Profile, parse_matchers, parse_severities

REPOSITORY = Path(__file__).parents[2]
SHIPPED = yaml.safe_load((REPOSITORY / "config" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))


def export(directory: Path, *more: str) -> Result:
    places = where(REPOSITORY / "config", directory)
    return CliRunner().invoke(lgsp, ["monitoring", "export", str(directory / "out"), *places, *more])


def where(config: Path, directory: Path) -> list[str]:
    return ["--config", str(config), "--state", str(directory / "state")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("export")
    done = export(
        directory,
        *("--match", 'env="prod"', "--severity", "page=critical", "--vhost", "bus-a", "--json"),
        *("--datasource", "their-prometheus"),
        *("--console-url", "https://bus.example/", "--gateway", "10.0.0.1:8290", "--gateway", "10.0.0.2:8290"),
    )
    assert done.exit_code == 0, done.output
    boards = [f"boards/{file.name}" for file in sorted((REPOSITORY / "config" / BOARDS).iterdir())]
    names = ["scrape.yml", "rules.yml", "alertmanager.yml", *boards, "rabbitmq.json"]
    assert json.loads(done.stdout) == [str(directory / "out" / name) for name in names]
    return directory / "out"


def document(made: Path, name: str) -> Any:
    return yaml.safe_load((made / name).read_text(encoding="utf-8"))


def test_every_target_carries_what_the_rules_match_on(made: Path) -> None:
    jobs = {job["job_name"]: job for job in document(made, "scrape.yml")["scrape_configs"]}
    assert list(jobs) == ["lgsp-gateway", "lgsp-connectors", "lgsp-broker", "lgsp-broker-queues"]
    assert jobs["lgsp-gateway"]["static_configs"] == [
        {"targets": ["10.0.0.1:8290", "10.0.0.2:8290"], "labels": {"env": "prod"}}
    ]
    assert all(job["static_configs"][0]["labels"] == {"env": "prod"} for job in jobs.values())
    assert jobs["lgsp-gateway"]["authorization"] == {"credentials_file": "admin-token"}
    assert jobs["lgsp-broker-queues"]["params"] == {"family": list(FAMILIES), "vhost": ["bus-a"]}


def test_ports_for_metrics_alone_want_no_token(tmp_path: Path) -> None:
    assert export(tmp_path, "--gateway", "10.0.0.1:9100", "--token-file", "").exit_code == 0
    jobs = document(tmp_path / "out", "scrape.yml")["scrape_configs"]
    assert [job for job in jobs if "authorization" in job] == []


def test_the_shipped_jobs_are_the_same() -> None:
    shipped = {job["job_name"]: job for job in SHIPPED["scrape_configs"]}
    assert shipped["lgsp-broker-queues"]["params"] == {"family": list(FAMILIES), "vhost": ["lgsp"]}


def test_an_alert_has_their_severity_and_leads_to_their_console(made: Path) -> None:
    alerts = {
        rule["alert"]: rule
        for group in document(made, "rules.yml")["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert alerts["LGSPServiceDown"]["labels"] == {"severity": "critical", "env": "prod"}
    assert alerts["LGSPServiceDown"]["annotations"]["console"].startswith("https://bus.example/transactions?service=")
    routes = document(made, "alertmanager.yml")["route"]["routes"][0]
    assert routes["matchers"] == ['alertname=~"LGSP.+"', 'env="prod"']
    assert routes["routes"][1] == {"receiver": "lgsp-page", "matchers": ['severity="critical"']}


def test_the_boards_ask_their_series_through_their_source(made: Path) -> None:
    theirs = Profile(
        matchers=parse_matchers('env="prod"'), severities=parse_severities(["page=critical"]), vhost="bus-a"
    )
    files = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in (made / "boards").iterdir()}
    assert set(files) == {board.uid for board in boards(theirs)}
    for board in boards(theirs):
        file = files[board.uid]
        assert boardlint.asked(file) == list(board.expressions())
        chosen = {v["name"]: (v["query"], v["current"]["value"]) for v in file["templating"]["list"]}
        assert chosen["datasource"] == ("prometheus", "their-prometheus")
        assert chosen["console"] == ("https://bus.example", "https://bus.example")
        for expr in board.expressions():
            for selected in re.findall(
                r"(?<![\w:])(?:lgsp_|rabbitmq_|process_|up|ALERTS|\w+:lgsp_)[\w:]*\{([^}]*)\}", expr
            ):
                assert 'env="prod"' in selected, expr
            assert 'vhost="lgsp"' not in expr
            assert 'severity="page"' not in expr


def test_what_somebody_changed_in_a_board_is_left_as_it_is(tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(REPOSITORY / "config", config)
    file = config / BOARDS / "lgsp-overview.json"
    board = json.loads(file.read_text(encoding="utf-8"))
    board["panels"][1]["targets"][0]["expr"] = "vector(1)"
    file.write_text(json.dumps(board), encoding="utf-8")
    done = CliRunner().invoke(lgsp, ["monitoring", "export", str(tmp_path / "out"), *where(config, tmp_path)])
    assert done.exit_code == 0, done.output
    kept = json.loads((tmp_path / "out" / "boards" / "lgsp-overview.json").read_text(encoding="utf-8"))
    assert kept["panels"][1]["targets"][0]["expr"] == "vector(1)"


@pytest.mark.parametrize(
    ("text", "says"), [(None, "holds no boards"), ("[]", "lgsp-overview.json is no board"), ("{", "is no board")]
)
def test_boards_that_are_none_are_said(text: str | None, says: str, tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(REPOSITORY / "config", config)
    shutil.rmtree(config / BOARDS)
    (config / BOARDS).mkdir()
    if text is not None:
        (config / BOARDS / "lgsp-overview.json").write_text(text)
    done = CliRunner().invoke(lgsp, ["monitoring", "export", str(tmp_path / "out"), *where(config, tmp_path)])
    assert isinstance(done.exception, SettingsError)
    assert says in str(done.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--match", "env=prod"], "--match 'env=prod' is no label matcher: write it as 'env=\"prod\"'"),
        (["--match", 'job="x"'], "--match names job, which the rules select themselves"),
        (["--severity", "urgent=critical"], "--severity 'urgent=critical': write it as page=critical"),
        (["--severity", "page=ticket"], "two of ours would have one name"),
    ],
)
def test_what_cannot_be_is_said(words: list[str], says: str, tmp_path: Path) -> None:
    done = export(tmp_path, *words)
    assert says in str(done.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.real
def test_prometheus_and_alertmanager_take_the_files(made: Path, tmp_path: Path) -> None:
    config = document(made, "scrape.yml") | {"rule_files": [str(made / "rules.yml")]}
    token = tmp_path / "token"
    token.write_text("made-up")
    for job in config["scrape_configs"][:2]:
        job["authorization"]["credentials_file"] = str(token)
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    for command in (
        ["promtool", "check", "config", str(file)],
        ["amtool", "check-config", str(made / "alertmanager.yml")],
    ):
        assert shutil.which(command[0]), f"{command[0]} is not installed: run `make test`"
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.real
@pytest.mark.timeout(60)
def test_rabbitmq_takes_users_queues_and_policies_in_their_vhost(made: Path, tmp_path: Path) -> None:
    with PrivateNode(tmp_path / "node", json.loads((made / "rabbitmq.json").read_text())) as node:
        queues = node.command("-q", "list_queues", "-p", "bus-a", "name", "--no-table-headers").split()
        users = node.command("-q", "list_users", "--no-table-headers")
        policies = node.command("-q", "list_policies", "-p", "bus-a", "--no-table-headers")
        assert node.command("-q", "list_vhosts", "name", "--no-table-headers").split() == ["bus-a"]
    assert "q.sync.population" in queues
    assert {line.split()[0] for line in users.splitlines()} == {"admin", "gw1", "connectors"}
    assert "lgsp-sync" in policies
