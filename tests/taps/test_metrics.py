from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from builders import a_reply, a_request, a_service, a_transaction
from prometheus_client.parser import text_string_to_metric_families

from lgsp.bus.base import Watch as BusWatch
from lgsp.catalogue.service import Catalogue
from lgsp.catalogue.watch import Reload
from lgsp.ledger.base import Standing
from lgsp.ledger.memory import MemoryLedger
from lgsp.ledger.periods import PERIODS
from lgsp.model import Outcome, Transaction
from lgsp.taps.answering import (
    FOLLOWED,
    LOST_STATE,
    RESULTS,
    BothMetrics,
    ConnectorMetrics,
    FaultMetrics,
    UpstreamMetrics,
)
from lgsp.taps.load import LoadMetrics
from lgsp.taps.metrics import CONTENT_TYPE, GatewayMetrics, ProcessMetrics
from lgsp.taps.stored import StoredMetrics

SERVICES = [
    a_service("svc", owner="stp", tier="central", route="ndxp", objective=0.99, timeout=12.0),
    a_service("off", mode="disabled"),
]
Labels = frozenset[tuple[str, str]]
Values = dict[tuple[str, Labels], float]

INFO = {"service": "svc", "owner": "stp", "tier": "central", "route": "ndxp", "mode": "simulate"}


@dataclass
class Stage:
    """Everything in one process, as `lgsp up` has it."""

    process: ProcessMetrics
    ledger: MemoryLedger
    asking: GatewayMetrics
    answering: ConnectorMetrics
    both: BusWatch

    def values(self) -> Values:
        """Every sample of ours in the exposition."""
        families = text_string_to_metric_families(self.process.hold()().decode())
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
            if sample.name.startswith("lgsp_")
        }

    def moved(self, act: Callable[[], object]) -> dict[str, float]:
        """By how much which samples moved, buckets aside, written as in the exposition."""
        before = self.values()
        act()
        after = self.values()
        assert before.keys() <= after.keys()
        return {
            written(*key): after[key] - before.get(key, 0.0)
            for key in after
            if after[key] != before.get(key, 0.0) and not key[0].endswith("_bucket")
        }


def written(name: str, labels: Labels) -> str:
    inside = ",".join(f"{label}={value}" for label, value in sorted(labels))
    return f"{name}{{{inside}}}" if inside else name


def stage(bus: str = "rabbitmq") -> Stage:
    process = ProcessMetrics("0.1.0", bus)
    process.reloaded(Reload("services", 1_000.0))
    ledger = MemoryLedger(service.id for service in SERVICES)
    asking = GatewayMetrics(process, SERVICES, ledger, "gw1")
    answering = ConnectorMetrics(process, SERVICES, 64)
    return Stage(process, ledger, asking, answering, BothMetrics(asking, answering))


def value(made: Stage, name: str, **labels: str) -> float:
    return made.values()[name, frozenset(labels.items())]


def ended(outcome: Outcome, service: str = "svc", *, answered: bool = True) -> Transaction:
    request = a_request(service=service, body=b"x" * 300)
    reply = a_reply(request, body=b"y" * 20) if answered else None
    return a_transaction(outcome, request=request, reply=reply, started_at=1_000.0, seconds=0.25)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_one_transaction_moves_each_number_by_one(outcome: Outcome) -> None:
    made = stage()
    official = outcome in {Outcome.OK, Outcome.BUSINESS_FAULT}
    result, last = ("ok", "success") if official else ("error", "failure")
    assert made.moved(lambda: made.asking.saw(ended(outcome))) == {
        f"lgsp_transaction_duration_seconds_count{{result={result},service=svc}}": 1,
        f"lgsp_transaction_duration_seconds_sum{{result={result},service=svc}}": 0.25,
        f"lgsp_service_last_{last}_timestamp_seconds{{service=svc}}": 1_000.25,
        "lgsp_transaction_size_bytes_count{direction=request}": 1,
        "lgsp_transaction_size_bytes_sum{direction=request}": 300,
        "lgsp_transaction_size_bytes_count{direction=response}": 1,
        "lgsp_transaction_size_bytes_sum{direction=response}": 20,
    }


def test_without_a_reply_there_is_no_size_of_one() -> None:
    made = stage()
    moved = made.moved(lambda: made.asking.saw(ended(Outcome.TIMEOUT, answered=False)))
    assert not any("response" in name for name in moved)


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_the_counts_are_the_ledgers_own(outcome: Outcome) -> None:
    made = stage()
    transaction = ended(outcome)
    before = made.values()
    await made.ledger.open(transaction.request)
    opened = made.values()
    await made.ledger.close(transaction)
    closed = made.values()
    assert difference(before, opened) == {
        "lgsp_transactions_accepted_total{service=svc}": 1,
        "lgsp_open_transactions{service=svc}": 1,
    }
    assert difference(opened, closed) == {
        f"lgsp_transactions_total{{outcome={outcome},service=svc}}": 1,
        "lgsp_open_transactions{service=svc}": -1,
        "lgsp_ledger_last_sequence": 1,
        **{f"lgsp_ledger_period_transactions{{outcome={outcome},period={p},service=svc}}": 1 for p in PERIODS},
    }


def difference(before: Values, after: Values) -> dict[str, float]:
    assert before.keys() == after.keys()
    return {written(*key): after[key] - before[key] for key in after if after[key] != before[key]}


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda m: m.asking.inflight("svc", 1), {"lgsp_inflight_transactions{service=svc}": 1}),
        (
            lambda m: m.asking.http("service", "GET", 200),
            {"lgsp_http_requests_total{code=200,method=GET,route=service}": 1},
        ),
        (
            lambda m: m.asking.http("unknown", "BREW", 405),
            {"lgsp_http_requests_total{code=405,method=OTHER,route=unknown}": 1},
        ),
        (lambda m: m.asking.circuit("svc", is_open=True), {"lgsp_circuit_open{service=svc}": 1}),
        (lambda m: m.asking.turned_away("files"), {"lgsp_connections_refused_total{reason=files}": 1}),
        (lambda m: m.asking.shed("inflight"), {"lgsp_shed_total{reason=inflight}": 1}),
        (lambda m: m.both.late_reply("svc"), {"lgsp_late_replies_total{service=svc}": 1}),
        (lambda m: m.both.duplicate_reply("svc"), {"lgsp_duplicate_replies_total{service=svc}": 1}),
        (lambda m: m.both.unroutable("svc"), {"lgsp_unroutable_total{service=svc}": 1}),
        (
            lambda m: m.both.confirmed(0.5),
            {"lgsp_publish_confirm_seconds_count": 1, "lgsp_publish_confirm_seconds_sum": 0.5},
        ),
        *(
            (
                lambda m, result=result: m.both.delivery("svc", result),
                {f"lgsp_connector_messages_total{{result={result},service=svc}}": 1},
            )
            for result in RESULTS
        ),
        (
            lambda m: m.both.queue_wait("svc", 0.5),
            {"lgsp_queue_wait_seconds_count{service=svc}": 1, "lgsp_queue_wait_seconds_sum{service=svc}": 0.5},
        ),
        (
            lambda m: m.both.queue_wait("svc", -0.5),
            {"lgsp_queue_wait_seconds_count{service=svc}": 1, "lgsp_clock_skew_total": 1},
        ),
        (lambda m: m.answering.busy("svc", 1), {"lgsp_connector_busy{service=svc}": 1}),
        (
            lambda m: m.answering.duration("svc", 0.5),
            {
                "lgsp_connector_duration_seconds_count{service=svc}": 1,
                "lgsp_connector_duration_seconds_sum{service=svc}": 0.5,
            },
        ),
        *(
            (
                lambda m, reason=reason: m.answering.state_dropped("svc", reason, 1),
                {f"lgsp_state_dropped_total{{reason={reason},service=svc}}": 1},
            )
            for reason in LOST_STATE
        ),
        (lambda m: m.answering.owed("svc", 1), {"lgsp_follow_ups_owed{service=svc}": 1}),
        *(
            (
                lambda m, result=result: m.answering.follow_up("svc", result),
                {f"lgsp_follow_ups_total{{result={result},service=svc}}": 1},
            )
            for result in FOLLOWED
        ),
        (lambda m: m.both.connection("publish", up=True), {"lgsp_amqp_connection_up{component=publish}": 1}),
        (
            lambda m: m.process.loop_lag.observe(0.5),
            {"lgsp_event_loop_lag_seconds_count": 1, "lgsp_event_loop_lag_seconds_sum": 0.5},
        ),
    ],
)
def test_each_event_moves_its_own_number_by_one(act: Callable[[Stage], object], expected: dict[str, float]) -> None:
    made = stage()
    assert made.moved(lambda: act(made)) == expected


def test_what_begins_and_ends_is_at_rest_again() -> None:
    made = stage()
    before = made.values()
    for change in (1, 1, -1, -1):
        made.asking.inflight("svc", change)
        made.answering.busy("svc", change)
    assert made.values() == before


def test_each_half_leaves_the_others_numbers_alone() -> None:
    made = stage()
    before = made.values()
    made.asking.delivery("svc", "ack")
    made.asking.queue_wait("svc", 1.0)
    made.answering.late_reply("svc")
    made.answering.duplicate_reply("svc")
    made.answering.unroutable("svc")
    made.answering.confirmed(1.0)
    assert made.values() == before


def test_a_connection_that_comes_back_is_counted_and_the_first_time_is_not() -> None:
    made = stage()
    seen = []
    for up in (False, True, False, False, True, True):
        made.both.connection("consume", up=up)
        seen.append(
            (
                value(made, "lgsp_amqp_connection_up", component="consume"),
                value(made, "lgsp_amqp_reconnects_total", component="consume"),
            )
        )
    assert seen == [(0, 0), (1, 0), (0, 0), (0, 0), (1, 1), (1, 1)]


def test_a_bus_in_memory_has_no_connections() -> None:
    made = stage("memory")
    before = made.values()
    made.both.connection("publish", up=True)
    assert made.values() == before
    assert not any(name.startswith("lgsp_amqp") for name, _ in before)


def label_sets(values: Mapping[tuple[str, Labels], float], name: str) -> set[str]:
    return {written(*key).removeprefix(name) for key in values if key[0] == name}


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


class Damaged(MemoryLedger):
    """An account in trouble."""

    def standing(self) -> Standing:
        return Standing(
            sequence=9,
            waiting=3,
            lag=31.5,
            write_errors=2,
            checkpoint=7,
            root=0xABC,
            verified_at=50.0,
            verify_failed=True,
        )


def test_the_standing_of_the_ledger_is_told() -> None:
    process = ProcessMetrics("0", "memory")
    GatewayMetrics(process, SERVICES, Damaged(["svc", "off"], zone="Asia/Tokyo"), "gw1")
    told = process.hold()().decode()
    for line in (
        "lgsp_ledger_last_sequence 9.0",
        "lgsp_ledger_queue_depth 3.0",
        "lgsp_ledger_lag_seconds 31.5",
        "lgsp_ledger_write_errors_total 2.0",
        "lgsp_ledger_checkpoint_sequence 7.0",
        "lgsp_ledger_checkpoint_root_prefix 2748.0",
        "lgsp_ledger_last_verified_timestamp_seconds 50.0",
        "lgsp_ledger_verify_failed 1.0",
        'lgsp_ledger_info{backend="memory",ledger="gw1",zone="Asia/Tokyo"} 1.0',
    ):
        assert f"\n{line}\n" in told, line


def test_connectors_of_some_services_have_no_series_of_others() -> None:
    process = ProcessMetrics("0.1.0", "memory")
    some = ConnectorMetrics(process, SERVICES, 64, ["svc"])
    some.prepare(Catalogue({"new": a_service("new"), "svc": SERVICES[0]}))()
    assert b'service="svc"' in process.hold()()
    assert not {b'service="new"', b'service="off"'} & set(process.hold()().split(b"{"))
    assert b"new" not in process.hold()()


def test_a_reload_that_was_refused_shows_and_the_time_of_the_last_good_one_stands() -> None:
    made = stage()
    names = ("lgsp_config_last_reload_successful", "lgsp_config_last_reload_success_timestamp_seconds")
    assert [value(made, name, config="services") for name in names] == [1, 1_000]
    made.process.reloaded(Reload("services", 2_000.0, ("a.yaml:1:1: bad",)))
    assert [value(made, name, config="services") for name in names] == [0, 1_000]
    made.process.reloaded(Reload("services", 3_000.0))
    assert [value(made, name, config="services") for name in names] == [1, 3_000]


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


def test_the_exposition_names_its_own_form() -> None:
    made = stage()
    assert "version=0.0.4" in CONTENT_TYPE
    assert made.process.hold()().endswith(b"\n")
    assert b"_created" not in made.process.hold()()


def test_the_process_tells_of_itself() -> None:
    assert b"process_resident_memory_bytes " in stage().process.hold()()


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


async def test_what_a_scrape_shows_is_of_one_moment_however_long_it_renders() -> None:
    ledger, process = MemoryLedger(["svc", "off"]), ProcessMetrics("1", "memory")
    GatewayMetrics(process, SERVICES, ledger, "gw1")
    one, other = a_transaction(), a_transaction()
    await ledger.open(one.request)
    held = process.hold()
    await ledger.close(one)
    await ledger.open(other.request)
    shown = held().decode()
    assert 'lgsp_transactions_accepted_total{service="svc"} 1.0' in shown
    assert 'lgsp_open_transactions{service="svc"} 1.0' in shown
    assert 'lgsp_transactions_total{outcome="ok",service="svc"} 0.0' in shown
    assert 'lgsp_transactions_accepted_total{service="svc"} 2.0' in process.hold()().decode()
