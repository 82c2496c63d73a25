from __future__ import annotations

from collections.abc import Callable

import pytest
from builders import a_transaction
from metered import SERVICES, Stage, difference, ended, stage, value

from lgsp.catalogue.watch import Reload
from lgsp.ledger.base import Standing
from lgsp.ledger.memory import MemoryLedger
from lgsp.ledger.periods import PERIODS
from lgsp.model import Outcome
from lgsp.taps.answering import (
    FOLLOWED,
    LOST_STATE,
    RESULTS,
)
from lgsp.taps.metrics import CONTENT_TYPE, GatewayMetrics, ProcessMetrics


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


def test_a_reload_that_was_refused_shows_and_the_time_of_the_last_good_one_stands() -> None:
    made = stage()
    names = ("lgsp_config_last_reload_successful", "lgsp_config_last_reload_success_timestamp_seconds")
    assert [value(made, name, config="services") for name in names] == [1, 1_000]
    made.process.reloaded(Reload("services", 2_000.0, ("a.yaml:1:1: bad",)))
    assert [value(made, name, config="services") for name in names] == [0, 1_000]
    made.process.reloaded(Reload("services", 3_000.0))
    assert [value(made, name, config="services") for name in names] == [1, 3_000]


def test_the_exposition_names_its_own_form() -> None:
    made = stage()
    assert "version=0.0.4" in CONTENT_TYPE
    assert made.process.hold()().endswith(b"\n")
    assert b"_created" not in made.process.hold()()


def test_the_process_tells_of_itself() -> None:
    assert b"process_resident_memory_bytes " in stage().process.hold()()


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
