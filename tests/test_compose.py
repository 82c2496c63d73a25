"""The compose file and the Dockerfile, as far as they can be judged without an engine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from lgsp.cli import lgsp

REPOSITORY = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
OF_OURS = {name: service for name, service in SERVICES.items() if service.get("build")}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_nobody_and_may_nothing(name: str) -> None:
    service = SERVICES[name]
    user, group = service["user"].split(":")
    assert user.isdigit()
    assert int(user) > 0
    assert int(group) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_says_how_it_is(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    is_over_soon = SERVICES[name].get("restart") == "no"
    assert check == {"disable": True} if is_over_soon else check["test"][0] == "CMD"


def test_what_is_over_soon_is_started_once() -> None:
    assert {name for name, service in SERVICES.items() if service["restart"] == "no"} == {"init", "history", "past"}


BLOCKS_MADE = """#!/bin/sh
echo "$@" >> told
mkdir -p "$6/01A" "$6/01B" && touch "$6/01A/meta.json" "$6/01B/meta.json" && [ ! -e full ]
"""
"""A `promtool` that says what it was told, and fails halfway where there is a file `full`."""


def test_the_past_goes_to_prometheus_once_and_whole_and_is_kept_as_long_as_it_reaches(tmp_path: Path) -> None:
    """The service's own words are run as they stand, with the paths mapped."""
    line = (
        SERVICES["past"]["command"][0].replace("/prometheus", "prometheus").replace("/past/past.txt", "past/past.txt")
    )
    data = tmp_path / "prometheus"
    (data / "wal").mkdir(parents=True)
    (tmp_path / "promtool").write_text(BLOCKS_MADE)
    (tmp_path / "promtool").chmod(0o755)

    def started() -> int:
        words = [*SERVICES["past"]["entrypoint"], line]
        return subprocess.run(words, cwd=tmp_path, check=False, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}).returncode

    (tmp_path / "full").touch()
    assert (started() != 0, list(data.glob("*/meta.json"))) == (True, [])
    (tmp_path / "full").unlink()
    assert [started() for _ in range(2)] == [0, 0]
    assert sorted(file.name for file in data.iterdir()) == ["01A", "01B", "wal"]
    told = (tmp_path / "told").read_text().splitlines()
    assert told == ["tsdb create-blocks-from openmetrics --max-block-duration=2160h past/past.txt prometheus/past"] * 2
    assert "--storage.tsdb.retention.time=400d" in SERVICES["prometheus"]["command"]
    assert "-m 0750 /secrets /past" in DOCKERFILE


@pytest.mark.parametrize("name", [name for name in SERVICES if "image" in SERVICES[name]])
def test_an_image_has_an_exact_tag(name: str) -> None:
    assert re.search(r":v?\d+\.\d+\.\d+", SERVICES[name]["image"])


def test_what_is_published_is_published_on_loopback_and_the_broker_not_at_all() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"gateway", "prometheus", "alertmanager", "grafana"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_no_secret_stands_in_an_environment_variable() -> None:
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            secret = re.search("PASSWORD|SECRET|TOKEN|KEY", variable)
            assert not secret or (variable.endswith("FILE") and value.startswith("/secrets/")), variable


@pytest.mark.parametrize("name", OF_OURS)
def test_a_command_of_ours_is_one_that_the_command_line_takes(name: str) -> None:
    """Parsed by the real command line, up to where it would begin."""
    words = list(OF_OURS[name]["command"])
    command: click.Command = lgsp
    context = click.Context(lgsp)
    while isinstance(command, click.Group):
        found = command.get_command(context, words.pop(0))
        assert found is not None
        command = found
    parsed = command.make_context(command.name, words)
    assert parsed.params


def test_secrets_that_are_read_are_secrets_that_init_makes() -> None:
    made = {
        "admin-password",
        "gateway-password",
        "connectors-password",
        "admin-token",
        "token-key.pem",
        "alert-webhook-token",
        "alert-mail-password",
        "definitions.json",
    }
    config = REPOSITORY / "config"
    files = [
        REPOSITORY / "docker-compose.yml",
        config / "prometheus" / "prometheus.yml",
        config / "alertmanager" / "alertmanager.yml",
    ]
    read = {Path(found).name for file in files for found in re.findall(r"/secrets/[\w.-]+", file.read_text())}
    assert read == made


@pytest.mark.parametrize("name", [n for n, s in SERVICES.items() if "secrets:/secrets:ro" in s.get("volumes", ())])
def test_who_reads_a_secret_waits_for_init_and_is_of_the_shared_group(name: str) -> None:
    before, found = [name], set()
    while before:
        needed = SERVICES[before.pop()].get("depends_on", {})
        found |= {dependency for dependency, how in needed.items() if how["condition"] != "service_started"}
        before += needed
    assert "init" in found
    assert SERVICES[name]["user"].partition(":")[2] == "10001"


def test_a_new_volume_of_secrets_belongs_to_init_and_the_group_may_enter() -> None:
    assert SERVICES["init"]["user"] == "10001:10001"
    assert "useradd --uid 10001 --user-group" in DOCKERFILE
    assert "install -d -o lgsp -g lgsp -m 0750 /secrets" in DOCKERFILE


def test_the_broker_s_own_lines_write_its_configuration_into_an_empty_directory(tmp_path: Path) -> None:
    """What the tmpfs over /etc/rabbitmq is. Its first words are run as they stand, with the path mapped."""
    shell, flag, line = SERVICES["rabbitmq"]["command"]
    lines = line.replace("/etc/rabbitmq", "etc").replace("exec rabbitmq-server", "true")
    subprocess.run([shell, flag, lines], cwd=tmp_path, check=True)
    assert (tmp_path / "etc/enabled_plugins").read_text() == "[rabbitmq_prometheus]."
    written = (tmp_path / "etc/conf.d/20-lgsp.conf").read_text().splitlines()
    assert written == ["load_definitions = /secrets/definitions.json", "log.console = true"]


def test_the_broker_s_data_outlives_its_container() -> None:
    """The directory is named for the node, which is named for the host."""
    assert SERVICES["rabbitmq"]["hostname"] == "rabbitmq"


def test_prometheus_finds_every_process_by_name() -> None:
    config = yaml.safe_load((REPOSITORY / "config" / "prometheus" / "prometheus.yml").read_text())
    jobs = {job["job_name"]: job["dns_sd_configs"][0] for job in config["scrape_configs"]}
    assert set(jobs) == {"lgsp-gateway", "lgsp-connectors", "lgsp-broker", "lgsp-broker-queues"}
    assert {job["names"][0] for job in jobs.values()} <= set(SERVICES)
    assert (jobs["lgsp-gateway"]["port"], jobs["lgsp-connectors"]["port"]) == (8290, 8291)
    told = config["alerting"]["alertmanagers"][0]["dns_sd_configs"][0]
    assert told["names"][0] in SERVICES
    assert SERVICES[told["names"][0]]["ports"] == [f"127.0.0.1:{told['port']}:{told['port']}"]


def test_the_image_is_built_from_the_lock_and_runs_as_nobody() -> None:
    assert all(re.search(r"python:\d+\.\d+\.\d+-", line) for line in DOCKERFILE.splitlines() if line.startswith("FROM"))
    assert "--require-hashes -r requirements/run.txt" in DOCKERFILE
    assert re.search(r"(?m)^USER [1-9]\d+:[1-9]\d+$", DOCKERFILE)
    assert "HEALTHCHECK" in DOCKERFILE
    assert not re.search(r"(?mi)^(ENV|ARG) .*(password|secret|token)", DOCKERFILE)
