"""Which series there are: all of them from the start, none from outside, each in docs/metrics.md."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from builders import a_service, a_transaction
from metered import INFO, SERVICES, ended, label_sets, stage, value
from prometheus_client.parser import text_string_to_metric_families

from lgsp.catalogue.service import Catalogue
from lgsp.model import Outcome
from lgsp.taps.answering import (
    LOST_STATE,
    RESULTS,
    ConnectorMetrics,
    FaultMetrics,
    UpstreamMetrics,
)
from lgsp.taps.load import LoadMetrics
from lgsp.taps.metrics import ProcessMetrics
from lgsp.taps.stored import StoredMetrics


def test_every_label_set_is_there_from_the_start() -> None:
    values = stage().values()
    by_service = {"{service=svc}", "{service=off}"}
    for name in (
        "lgsp_transactions_accepted_total",
        "lgsp_open_transactions",
        "lgsp_inflight_transactions",
        "lgsp_service_last_success_timestamp_seconds",
        "lgsp_service_last_failure_timestamp_seconds",
        "lgsp_unroutable_total",
        "lgsp_late_replies_total",
        "lgsp_duplicate_replies_total",
        "lgsp_queue_wait_seconds_count",
        "lgsp_connector_duration_seconds_count",
        "lgsp_connector_busy",
        "lgsp_connector_capacity",
        "lgsp_slo_objective_ratio",
        "lgsp_service_timeout_seconds",
    ):
        assert label_sets(values, name) == by_service, name
    assert label_sets(values, "lgsp_transactions_total") == {
        f"{{outcome={outcome},service={service}}}" for outcome in Outcome for service in ("svc", "off")
    }
    assert label_sets(values, "lgsp_transaction_duration_seconds_count") == {
        f"{{result={result},service={service}}}" for result in ("ok", "error") for service in ("svc", "off")
    }
    assert label_sets(values, "lgsp_connector_messages_total") == {
        f"{{result={result},service={service}}}" for result in RESULTS for service in ("svc", "off")
    }
    assert label_sets(values, "lgsp_transaction_size_bytes_count") == {"{direction=request}", "{direction=response}"}
    assert label_sets(values, "lgsp_amqp_connection_up") == {"{component=publish}", "{component=consume}"}
    assert label_sets(values, "lgsp_shed_total") == {
        f"{{reason={reason}}}" for reason in ("inflight", "memory", "outbox", "quota")
    }
    assert label_sets(values, "lgsp_connections_refused_total") == {
        f"{{reason={reason}}}" for reason in ("address", "files", "handshake")
    }


def test_a_service_that_comes_has_every_label_set_and_one_that_goes_keeps_its_counts() -> None:
    made = stage()
    made.asking.inflight("off", 1)
    made.both.late_reply("off")
    new = Catalogue({service.id: service for service in (SERVICES[0], a_service("new", objective=0.95))})
    commits = [made.asking.prepare(new), made.answering.prepare(new)]
    assert value(made, "lgsp_service_info", **INFO) == 1
    assert ("lgsp_slo_objective_ratio", frozenset({("service", "new")})) not in made.values()
    for commit in commits:
        commit()
    values = made.values()
    for name in ("lgsp_inflight_transactions", "lgsp_late_replies_total", "lgsp_connector_busy"):
        assert label_sets(values, name) == {"{service=svc}", "{service=off}", "{service=new}"}, name
    assert value(made, "lgsp_late_replies_total", service="off") == 1
    made.asking.inflight("off", -1)  # what was in flight ends
    assert value(made, "lgsp_inflight_transactions", service="off") == 0
    for name in ("lgsp_slo_objective_ratio", "lgsp_service_timeout_seconds", "lgsp_open_transactions"):
        assert {"{service=svc}", "{service=new}"} <= label_sets(values, name), name
    assert value(made, "lgsp_slo_objective_ratio", service="new") == 0.95
    assert label_sets(values, "lgsp_slo_objective_ratio") == {"{service=svc}", "{service=new}"}
    assert len(label_sets(values, "lgsp_service_info")) == 2
    made.asking.saw(ended(Outcome.OK, "new"))
    assert value(made, "lgsp_transaction_duration_seconds_count", service="new", result="ok") == 1


async def test_the_totals_of_a_service_that_went_stay() -> None:
    made = stage()
    transaction = ended(Outcome.OK, "off")
    await made.ledger.open(transaction.request)
    await made.ledger.close(transaction)
    made.asking.prepare(Catalogue({"svc": SERVICES[0]}))()
    assert value(made, "lgsp_transactions_total", service="off", outcome="ok") == 1
    assert value(made, "lgsp_transactions_accepted_total", service="off") == 1


def test_connectors_of_some_services_have_no_series_of_others() -> None:
    process = ProcessMetrics("0.1.0", "memory")
    some = ConnectorMetrics(process, SERVICES, 64, ["svc"])
    some.prepare(Catalogue({"new": a_service("new"), "svc": SERVICES[0]}))()
    assert b'service="svc"' in process.hold()()
    assert not {b'service="new"', b'service="off"'} & set(process.hold()().split(b"{"))
    assert b"new" not in process.hold()()


def test_a_service_from_outside_the_catalogue_makes_no_series() -> None:
    made = stage()
    before = made.values()
    made.asking.saw(ended(Outcome.OK, "nobody"))
    made.both.late_reply("nobody")
    made.both.duplicate_reply("nobody")
    made.both.unroutable("nobody")
    made.both.delivery("nobody", "ack")
    made.both.delivery("svc", "nothing")
    made.both.queue_wait("nobody", 1.0)
    made.answering.state_dropped("nobody", "whole", 1)
    made.both.connection("nothing", up=True)
    assert made.values() == before


def test_methods_that_nobody_knows_make_one_series() -> None:
    made = stage()
    for number in range(50):
        made.asking.http("unknown", f"X{number}", 405)
    assert value(made, "lgsp_http_requests_total", route="unknown", method="OTHER", code="405") == 50
    assert label_sets(made.values(), "lgsp_http_requests_total") == {
        "{code=200,method=GET,route=service}",
        "{code=200,method=POST,route=service}",
        "{code=405,method=OTHER,route=unknown}",
    }


def test_the_facts_of_a_service_are_labels_and_numbers() -> None:
    made = stage()
    assert value(made, "lgsp_service_info", **INFO) == 1
    assert value(made, "lgsp_slo_objective_ratio", service="svc") == 0.99
    assert value(made, "lgsp_service_timeout_seconds", service="svc") == 12
    assert value(made, "lgsp_connector_capacity", service="svc") == 64
    assert value(made, "lgsp_ledger_info", ledger="gw1", backend="memory", zone="UTC") == 1
    assert value(made, "lgsp_bus_info", kind="rabbitmq") == 1


def test_processes_do_not_share_their_numbers() -> None:
    one, other = stage(), stage()
    one.both.late_reply("svc")
    assert value(other, "lgsp_late_replies_total", service="svc") == 0


DOCUMENT = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(lgsp_\w+)` \| (\w+) \|([^|]*)\| [^|]+ \|$", re.MULTILINE)


def test_the_table_and_the_code_agree() -> None:
    made = stage()
    made.asking.http("service", "GET", 200)
    UpstreamMetrics(made.process).provider("svc")
    StoredMetrics(made.process, SERVICES)
    FaultMetrics(made.process, lambda: ["svc"], ["outage"])
    LoadMetrics(made.process, ["svc"])
    of_code = {
        (f"{family.name}_total" if family.type == "counter" else family.name): (
            family.type,
            frozenset(label for sample in family.samples for label in sample.labels if label != "le"),
        )
        for family in text_string_to_metric_families(made.process.hold()().decode())
        if family.name.startswith("lgsp_")
    }
    of_table = {name: (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in ROW.findall(DOCUMENT)}
    assert of_table == of_code


@pytest.mark.parametrize("label", [str(outcome) for outcome in Outcome] + [*RESULTS, *LOST_STATE])
def test_the_document_explains_each_word_of_a_label(label: str) -> None:
    assert f"`{label}`" in DOCUMENT


@pytest.mark.real
def test_prometheus_finds_nothing_to_mend() -> None:
    promtool = shutil.which("promtool")
    assert promtool, "promtool comes with the package prometheus"
    made = stage()
    made.asking.saw(ended(Outcome.OK))
    made.asking.http("service", "GET", 200)
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=made.process.hold()(), capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_a_real_provider_has_its_series_from_the_start_and_each_moves_by_one() -> None:
    made = stage()
    upstream = UpstreamMetrics(made.process)
    before = made.values()
    upstream.provider("svc")
    new = made.values().keys() - before.keys()
    assert len(new) == 2 * len(Outcome)
    assert value(made, "lgsp_circuit_open", service="svc") == 0
    assert {made.values()[key] for key in new} == {0.0}
    assert made.moved(lambda: upstream.attempt("svc", Outcome.TIMEOUT)) == {
        "lgsp_upstream_attempts_total{outcome=timeout,service=svc}": 1
    }
    assert made.moved(lambda: upstream.circuit("svc", is_open=True)) == {"lgsp_circuit_open{service=svc}": 1}
    assert made.moved(lambda: upstream.circuit("svc", is_open=False)) == {"lgsp_circuit_open{service=svc}": -1}
    upstream.circuit("svc", is_open=True)
    made.asking.circuit("svc", is_open=True)
    assert made.moved(lambda: upstream.circuit("svc", is_open=False)) == {}  # the gateway's own is open still
    assert made.moved(lambda: made.asking.circuit("svc", is_open=False)) == {"lgsp_circuit_open{service=svc}": -1}
    seen = a_transaction(Outcome.OK)
    assert made.moved(lambda: upstream.saw(seen)) == {"lgsp_spied_total{outcome=ok,service=svc}": 1}


def test_every_fault_of_every_service_is_there_from_the_start_and_moves_to_one_and_back() -> None:
    process = ProcessMetrics("0", "memory")
    faults = FaultMetrics(process, lambda: ["a", "b"], ["outage", "latency"])

    def active() -> dict[str, float]:
        found = re.findall(r'lgsp_fault_active\{fault="(\w+)",service="(\w+)"\} ([\d.]+)', process.hold()().decode())
        return {f"{service} {kind}": float(value) for kind, service, value in found}

    assert active() == {"a outage": 0, "a latency": 0, "b outage": 0, "b latency": 0}
    faults.faults({("b", "outage")})
    assert active() == {"a outage": 0, "a latency": 0, "b outage": 1, "b latency": 0}
    faults.faults(set())
    assert sum(active().values()) == 0
