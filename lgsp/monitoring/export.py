"""What somebody else's Prometheus, Alertmanager and Grafana take in: scrape jobs, rules, routes, boards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lgsp.errors import SettingsError
from lgsp.monitoring.boards.moved import moved
from lgsp.monitoring.profile import BROKER, CONNECTORS, GATEWAY, QUEUES, Profile, duration
from lgsp.monitoring.routing import Receivers, alertmanager
from lgsp.monitoring.rules import as_yaml, rules

FAMILIES = ("queue_coarse_metrics", "queue_consumer_count", "queue_metrics")
"""Of RabbitMQ's `/metrics/detailed`: what the rules read, and no more."""
BOARDS = Path("grafana", "boards", "LGSP")
"""Where the boards lie in a configuration; Grafana calls their folder as the last part says."""
COMMAND = "lgsp monitoring export"


@dataclass(frozen=True, slots=True)
class Targets:
    """Where the processes can be scraped, and where Prometheus finds the admin token; empty: the pages want none."""

    gateways: Sequence[str]
    connectors: Sequence[str]
    brokers: Sequence[str]
    token_file: str


def scrape_jobs(profile: Profile, targets: Targets) -> list[dict[str, Any]]:
    """Our jobs under the names that the rules select; what the rules match on by `=` is put on every target."""

    def job(name: str, where: Sequence[str], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - Prometheus's own form
        labels = {"labels": profile.labels} if profile.labels else {}
        return {"job_name": name, **more, "static_configs": [{"targets": list(where)} | labels]}

    token = {"authorization": {"credentials_file": targets.token_file}} if targets.token_file else {}
    asked = {"family": list(FAMILIES), "vhost": [profile.vhost]}
    return [
        job(GATEWAY, targets.gateways, **token),
        job(CONNECTORS, targets.connectors, **token),
        job(BROKER, targets.brokers),
        job(QUEUES, targets.brokers, metrics_path="/metrics/detailed", params=asked),
    ]


def prometheus(profile: Profile, targets: Targets, *, rules_file: str, alertmanager: str) -> dict[str, Any]:
    """A whole configuration for a Prometheus of our own. The faster the rules' time, the more often it looks."""
    every = duration(max(1.0, min(5.0, 60 / profile.scale)))
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every},
        "rule_files": [rules_file],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": scrape_jobs(profile, targets),
    }


def exported(profile: Profile, targets: Targets, receivers: Receivers) -> Mapping[str, str]:
    """The files by their names."""
    return {
        "scrape.yml": as_yaml({"scrape_configs": scrape_jobs(profile, targets)}, COMMAND),
        "rules.yml": as_yaml(rules(profile), COMMAND),
        "alertmanager.yml": as_yaml(alertmanager(profile, receivers), COMMAND),
    }


def exported_boards(shipped: Path, profile: Profile, source: str) -> Mapping[str, str]:
    """The boards of a directory for `profile`, by their names, each for Grafana's import; `source` is the uid of its Prometheus there.

    Raises `SettingsError` where there are none, or where a file is no board.
    """
    files = sorted(shipped.glob("*.json"))
    if not files:
        raise SettingsError(f"{shipped} holds no boards: take them from a configuration that `lgsp init` writes")
    made = {}
    for file in files:
        try:
            board = moved(json.loads(file.read_text(encoding="utf-8")), profile, source)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SettingsError(f"{file} is no board as `lgsp monitoring boards` makes them: {error!r}") from error
        made[f"boards/{file.name}"] = json.dumps(board, indent=1, ensure_ascii=False) + "\n"
    return made


def in_vhost(definitions: Mapping[str, Any], vhost: str) -> dict[str, Any]:
    """RabbitMQ's definitions document for another vhost."""

    def moved(entry: Mapping[str, Any]) -> dict[str, Any]:
        return dict(entry) | ({"vhost": vhost} if "vhost" in entry else {})

    made = {key: [moved(e) for e in value] if isinstance(value, list) else value for key, value in definitions.items()}
    return made | {"vhosts": [{"name": vhost}]}
