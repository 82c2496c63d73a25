"""Every series that a rule reads is one that somebody exports: our own code, RabbitMQ's plugin, or another rule."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path
from typing import Any

import processes
import pytest
import yaml
from builders import a_service
from prometheus_client.parser import text_string_to_metric_families

from lgsp.bus import topology
from lgsp.bus.node import PrivateNode
from lgsp.catalogue.service import Catalogue
from lgsp.fault import Kind
from lgsp.ledger.memory import MemoryLedger
from lgsp.monitoring.profile import Profile
from lgsp.monitoring.rules import rules
from lgsp.taps.answering import ConnectorMetrics, FaultMetrics, UpstreamMetrics
from lgsp.taps.metrics import GatewayMetrics, ProcessMetrics
from lgsp.taps.stored import StoredMetrics

REPOSITORY = Path(__file__).parents[1]
RECORDED = re.compile(r"(?:service|owner|bus):lgsp_\w+:\w+")


def every_rule() -> list[dict[str, Any]]:
    return [rule for group in rules(Profile())["groups"] for rule in group["rules"]]


def texts() -> list[str]:
    return [text for rule in every_rule() for text in (rule["expr"], *rule.get("annotations", {}).values())]


def exported() -> dict[str, set[str]]:
    """Every series of a process that is gateway and connectors in one, with its labels."""
    service = a_service("svc")
    process = ProcessMetrics("0", "rabbitmq")
    GatewayMetrics(process, [service], MemoryLedger(["svc"]), "gw1")
    ConnectorMetrics(process, Catalogue({"svc": service}), 1)
    StoredMetrics(process, [service])
    UpstreamMetrics(process).provider("svc")
    FaultMetrics(process, lambda: ["svc"], list(Kind))
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(process.hold()().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_series_of_ours_in_a_rule_is_exported_with_the_labels_that_the_rule_reads() -> None:
    series = exported()
    seen = set()
    for text in texts():
        for name, labels in re.findall(r"(?<![\w:])(lgsp_[a-z0-9_]+)\{([^}]*)\}", text):
            seen.add(name)
            assert name in series, f"nobody exports {name}"
            read = {re.split(r"=~|!~|!=|=", part)[0] for part in re.findall(r'[a-z]+(?:=~|!~|!=|=)"[^"]*"', labels)}
            assert read - {"job", "service"} <= series[name], name
    assert len(seen) >= 11


def test_a_series_that_was_renamed_would_be_missed() -> None:
    assert "lgsp_transaction_total" not in exported()
    assert "lgsp_transactions_total" in exported()


def test_every_recorded_series_is_recorded_once_and_read_or_told_of() -> None:
    recorded = [rule["record"] for rule in every_rule() if "record" in rule]
    assert len(recorded) == len(set(recorded))
    read = {name for text in texts() for name in RECORDED.findall(text)}
    assert read <= set(recorded)
    told = (REPOSITORY / "docs" / "alerts.md").read_text(encoding="utf-8")
    assert {name for name in set(recorded) - read if f"`{name}`" not in told} == set()


@pytest.mark.real
@pytest.mark.timeout(60)
def test_every_series_of_the_broker_in_a_rule_is_the_plugin_s(tmp_path: Path) -> None:
    administrator = topology.administrator("admin", "made-up")
    document = topology.definitions(["svc"], [administrator], salt=b"salt")
    shipped = yaml.safe_load((REPOSITORY / "config" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    families = next(j for j in shipped["scrape_configs"] if j["job_name"] == "lgsp-broker-queues")["params"]["family"]
    with PrivateNode(tmp_path / "node", document, metrics=True) as node:
        base = f"http://127.0.0.1:{node.metrics_port}/metrics"
        processes.until(lambda: _answers(base), "the broker's metrics")
        queues = f"{base}/detailed?vhost=lgsp&" + "&".join(f"family={family}" for family in families)
        names = {"lgsp-broker": _names(base), "lgsp-broker-queues": _names(queues)}
    seen = set()
    for text in texts():
        for name, job in re.findall(r'(rabbitmq_\w+)\{job="([\w-]+)"', text):
            seen.add(name)
            assert name in names[job], f"{job} does not export {name}"
    assert len(seen) == 4


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _names(url: str) -> set[str]:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return set(re.findall(r"(?m)^(rabbitmq_\w+)", answer.read().decode()))
