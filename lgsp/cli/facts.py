"""What a Prometheus, an Alertmanager and a RabbitMQ say of themselves, as `lgsp.monitoring.checkup` wants to know it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lgsp.cli.prometheus import Prometheus, get_json, get_text
from lgsp.monitoring.checkup import NEEDED, Carrying, Queue, Rule, Target, Telling, Watching
from lgsp.monitoring.export import FAMILIES
from lgsp.monitoring.profile import QUEUES, Profile
from lgsp.monitoring.rules import from_yaml

_SAMPLE = re.compile(r"(\w+)\{(.*)\} ([\d.e+-]+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ALARM = "rabbitmq_alarms_"


def of_prometheus(url: str, profile: Profile) -> Watching:
    """Its targets, rules and series. Raises `SettingsError`, or `BusUnavailable` where nobody answers."""
    asked = Prometheus(url)
    selected = [str(matcher) for matcher in profile.matchers]

    def values(label: str, metric: str, *labels: str) -> list[str]:
        found = asked.query(f"count by ({label}) ({metric}{{{','.join([*labels, *selected])}}})")
        return [each["metric"].get(label, "") for each in found]

    of_queues = [f'job="{QUEUES}"', f'__name__=~"{"|".join(NEEDED)}"']
    return Watching(
        targets=[
            _target(each) for each in get_json(url, "/api/v1/targets", {"state": "active"})["data"]["activeTargets"]
        ],
        rules=[_rule(each) for group in asked.rules() for each in group["rules"]],
        alertmanagers=[each["url"] for each in get_json(url, "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]],
        queues=frozenset(values("__name__", "", *of_queues, f'vhost="{profile.vhost}"')),
        vhosts=frozenset(values("vhost", "", *of_queues)),
        buses=frozenset(values("kind", "lgsp_bus_info", 'job=~"lgsp-.+"')),
        cut_off=[
            f"{each['metric'].get('job', '')} {each['metric'].get('instance', '')}"
            for each in asked.query(f"min by (job, instance) ({profile.select('lgsp_amqp_connection_up')}) == 0")
        ],
    )


def _target(each: Mapping[str, Any]) -> Target:
    labels = each["labels"]
    return Target(labels.get("job", ""), each["scrapeUrl"], each["health"], each["lastError"], labels)


def _rule(each: Mapping[str, Any]) -> Rule:
    return Rule(
        each["name"], each["query"], each.get("duration", 0), each.get("labels") or {}, each.get("lastError", "")
    )


def of_alertmanager(url: str) -> Telling:
    """Its configuration and its alerts. Raises the same."""
    config = from_yaml(get_json(url, "/api/v2/status")["config"]["original"])
    return Telling(config, [each["labels"] for each in get_json(url, "/api/v2/alerts")])


def of_broker(url: str) -> Carrying:
    """Its queues and alarms, from its Prometheus plugin. Raises the same."""
    alarms = [
        name.removeprefix(_ALARM) for name, _, value in _samples(get_text(url, "/metrics")) if _is_alarm(name, value)
    ]
    ready, consumers = NEEDED
    found: dict[str, dict[tuple[str, str], int]] = {ready: {}, consumers: {}}
    for name, labels, value in _samples(get_text(url, "/metrics/detailed", {"family": FAMILIES})):
        if name in found:
            found[name][labels.get("vhost", ""), labels.get("queue", "")] = int(value)
    queues: dict[str, dict[str, Queue]] = {}
    for (vhost, queue), count in found[ready].items():
        queues.setdefault(vhost, {})[queue] = Queue(count, found[consumers].get((vhost, queue), 0))
    return Carrying(queues, alarms)


def _is_alarm(name: str, value: float) -> bool:
    return name.startswith(_ALARM) and value > 0


def _samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for line in text.splitlines():
        match = _SAMPLE.fullmatch(line) or re.fullmatch(r"(\w+)() ([\d.e+-]+)", line)
        if match:
            yield match[1], dict(_LABEL.findall(match[2])), float(match[3])
