"""Three hours and a half of known traffic as Prometheus would have stored it: busy, idle, then an outage of one service.

Everything rises evenly, and nothing has the same value in two services, so that every figure of a board is known and no
answer about one of them can be mistaken for an answer about all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lgsp.model import Outcome

STEP = 30
"""Seconds between two samples, as a Prometheus that scrapes each 30 s has them."""
PHASE = 140
"""Samples of each of the three states: more than an hour, the longest window of a panel that is asked for in each."""
BEFORE, BUSY, IDLE, OUTAGE = 0, 1, 2, 3
"""Before the first of the three there is what `lgsp history` simulated: recorded rates, and nobody who scraped."""
SIMULATED = {"alpha": 50.0, "beta": 20.0, "gamma": 5.0}
AWAY = 3 * 3_600
"""Seconds between the end of what was simulated and the first sample."""
OUT = "beta"
"""The service whose provider goes away in the third state, and the one that is chosen where one is."""
YEAR, MONTH, DAY = 1_000_000_007, 40_000, 700
"""What the ledger's periods held before."""
VERIFIED = 600
"""Seconds between a gateway's last verification and the first sample; of a second one half as many."""


@dataclass(frozen=True)
class Known:
    """One service: its facts, how many transactions end in a step, and the bucket in which each call's time lies."""

    owner: str
    tier: str
    objective: float
    busy: Mapping[str, int]
    above: float
    upto: float
    lag: int
    gauge: int

    def ends(self, name: str, state: int, outcome: str) -> int:
        """Transactions with an outcome in one step."""
        if state == IDLE:
            return 0
        if state == OUTAGE and name == OUT:
            return 60 if outcome == "timeout" else 0
        return self.busy.get(outcome, 0)


SERVICES = {
    "alpha": Known("stp", "central", 0.95, {"ok": 90, "business_fault": 6, "rejected": 3, "timeout": 1}, 0.05, 0.1, 0, 5),
    "beta": Known("bca", "provincial", 0.97, {"ok": 60, "provider_error": 2, "bus_error": 1}, 0.1, 0.25, 30, 7),
    "gamma": Known("bca", "central", 0.99, {"ok": 30, "unreachable": 3, "bus_error": 1}, 0.5, 1, 90, 11),
}  # fmt: skip
EDGES = ("0.01", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "+Inf")
Value = Callable[[int], float]
"""The value at a sample."""


def state_of(number: int) -> int:
    """In which state a sample was taken; the first one is before everything."""
    return min((max(number, 1) - 1) // PHASE + 1, OUTAGE)


def risen(per_step: Callable[[int], float]) -> Value:
    """A counter that rises by so much in each step of a state."""
    ends = [0.0]
    for number in range(1, 3 * PHASE + 1):
        ends.append(ends[-1] + per_step(state_of(number)))
    return ends.__getitem__


def flat(value: float) -> Value:
    return lambda _: value


def only(state: int, value: float, other: float = 0) -> Value:
    return lambda number: value if state_of(number) == state else other


def ended(name: str, outcome: str) -> Value:
    """The ledger's counter of one outcome."""
    service = SERVICES[name]
    return risen(lambda state: service.ends(name, state, outcome))


def of_all(name: str) -> Value:
    counters = [ended(name, outcome) for outcome in Outcome]
    return lambda number: sum(counter(number) for counter in counters)


Series = Iterator[tuple[str, str, dict[str, str], Value]]
"""Type, name, labels, values."""


def _gateway(start: int) -> Series:
    job = {"job": "lgsp-gateway", "instance": "gw1:8290"}
    for name, service in SERVICES.items():
        by = {**job, "service": name}
        for outcome in Outcome:
            count = ended(name, outcome)
            yield "counter", "lgsp_transactions_total", {**by, "outcome": outcome}, count
            for period, base in (("year", YEAR), ("month", MONTH), ("day", DAY)):
                first = base if outcome == "ok" else 0
                yield (
                    "gauge", "lgsp_ledger_period_transactions", {**by, "outcome": outcome, "period": period},
                    lambda n, count=count, first=first: first + count(n),  # type: ignore[misc]
                )  # fmt: skip
        whole = of_all(name)
        yield "counter", "lgsp_transactions_accepted_total", by, lambda n, w=whole, g=service.gauge: w(n) + g  # type: ignore[misc]
        yield "gauge", "lgsp_open_transactions", by, flat(service.gauge)
        yield "gauge", "lgsp_inflight_transactions", by, flat(service.gauge + 1)
        yield "gauge", "lgsp_parked_transactions", by, flat(service.gauge + 2)
        for result, outcomes in (("ok", ("ok", "business_fault")), ("error", tuple(Outcome)[2:])):
            counts = [ended(name, outcome) for outcome in outcomes]
            times = (service.above, service.upto) if result == "ok" else (1.0, 2.5)
            yield from histogram("lgsp_transaction_duration_seconds", {**by, "result": result}, counts, times)
        last = [n for n in range(3 * PHASE + 1) if service.ends(name, state_of(n), "ok")]
        yield (
            "gauge", "lgsp_service_last_success_timestamp_seconds", by,
            lambda n, last=last, lag=service.lag: start + STEP * max((m for m in last if m <= n), default=0) - lag,  # type: ignore[misc]
        )  # fmt: skip
        yield "gauge", "lgsp_slo_objective_ratio", by, flat(service.objective)
        info = {"owner": service.owner, "tier": service.tier, "route": "ndxp", "mode": "simulate"}
        yield "gauge", "lgsp_service_info", by | info, flat(1)
        yield "counter", "lgsp_late_replies_total", by, risen(lambda state, g=service.gauge: g * (state != IDLE))  # type: ignore[misc]
        yield "counter", "lgsp_duplicate_replies_total", by, flat(1)
        yield "counter", "lgsp_unroutable_total", by, flat(2)
    wholes = [of_all(name) for name in SERVICES]
    seen = {**job, "route": "service", "method": "GET", "code": "200"}
    yield "counter", "lgsp_http_requests_total", seen, lambda n: sum(whole(n) for whole in wholes)
    yield "counter", "lgsp_http_requests_total", {**seen, "route": "refused", "code": "401"}, risen(lambda _: 500)
    yield "counter", "lgsp_shed_total", {**job, "reason": "inflight"}, only(OUTAGE, 1)
    yield from histogram("lgsp_publish_confirm_seconds", job, wholes, (0.01, 0.05))
    yield "gauge", "lgsp_ledger_last_sequence", job, lambda n: sum(whole(n) for whole in wholes)
    yield "gauge", "lgsp_ledger_checkpoint_sequence", job, lambda n: sum(whole(n - n % 2) for whole in wholes)
    yield "gauge", "lgsp_ledger_lag_seconds", job, flat(0.5)
    yield "counter", "lgsp_ledger_write_errors_total", job, flat(0)
    yield "gauge", "lgsp_ledger_last_verified_timestamp_seconds", job, flat(start - VERIFIED)
    later = {"job": "lgsp-gateway", "instance": "gw2:8290"}
    yield "gauge", "lgsp_ledger_last_verified_timestamp_seconds", later, flat(start - VERIFIED // 2)
    yield "gauge", "lgsp_ledger_verify_failed", job, flat(0)


def _connectors(_: int) -> Series:
    job = {"job": "lgsp-connectors", "instance": "c1:8291"}
    for name, service in SERVICES.items():
        by = {**job, "service": name}
        taken = [risen(lambda state, n=name, s=service: sum(s.ends(n, state, o) for o in Outcome))]  # type: ignore[misc]
        yield from histogram("lgsp_queue_wait_seconds", by, taken, (0.01, service.above))
        yield from histogram("lgsp_connector_duration_seconds", by, taken, (service.above, service.upto))
        for fault in ("outage", "latency"):
            hit = {(OUT, "outage"): OUTAGE, ("gamma", "latency"): IDLE}.get((name, fault))
            yield "gauge", "lgsp_fault_active", {**by, "fault": fault}, only(hit, 1) if hit else flat(0)


def _processes(start: int) -> Series:
    samples = {
        "lgsp-gateway": 2_400,
        "lgsp-connectors": 1_450,
        "lgsp-load": 606,
        "lgsp-broker": 300,
        "lgsp-broker-queues": 90,
    }
    where = {"lgsp-gateway": "gw1:8290", "lgsp-connectors": "c1:8291", "lgsp-load": "l1:8292", "lgsp-broker": "mq:15692", "lgsp-broker-queues": "mq:15692"}  # fmt: skip
    for number, job in enumerate(samples, start=1):
        by = {"job": job, "instance": where[job]}
        yield "gauge", "up", by, only(OUTAGE, float(job != "lgsp-connectors"), 1)
        yield "gauge", "scrape_duration_seconds", by, flat(0.01 * number)
        yield "gauge", "scrape_samples_scraped", by, flat(samples[job])
        if job.startswith("lgsp-broker"):
            continue
        yield "counter", "process_cpu_seconds_total", by, risen(lambda _, n=number: 3 * n)  # type: ignore[misc]
        yield "gauge", "process_resident_memory_bytes", by, flat(50e6 * number)
        yield "gauge", "process_open_fds", by, flat(10 * number)
        yield "gauge", "process_max_fds", by, flat(1_000)
        yield "gauge", "process_start_time_seconds", by, lambda n: start - 100 + (n > 2 * PHASE + 1)
        yield from histogram("lgsp_event_loop_lag_seconds", by, [risen(lambda _: 30)], (0.01, 0.05))
        if job != "lgsp-load":
            yield "gauge", "lgsp_amqp_connection_up", {**by, "component": "publish"}, flat(1)
            yield "counter", "lgsp_amqp_reconnects_total", {**by, "component": "publish"}, flat(number)
            yield "gauge", "lgsp_config_last_reload_successful", {**by, "config": "services"}, flat(1)


def _load(_: int) -> Series:
    job = {"job": "lgsp-load", "instance": "l1:8292"}
    yield "gauge", "lgsp_load_target_rate", job, only(IDLE, 0, 9)
    yield "gauge", "lgsp_load_schedule_lag_seconds", job, flat(0.002)
    yield "gauge", "lgsp_load_users", job, only(IDLE, 0, 40)
    for name, service in SERVICES.items():
        counts = {o: ended(name, o) for o in Outcome}
        for outcome, count in counts.items():
            yield "counter", "lgsp_load_requests_total", {**job, "service": name, "outcome": outcome}, count
        times = (service.above, service.upto)
        yield from histogram(
            "lgsp_load_request_duration_seconds", {**job, "service": name}, list(counts.values()), times
        )


def _broker(_: int) -> Series:
    node = {"job": "lgsp-broker", "instance": "mq:15692"}
    flow = {"received": 230, "confirmed": 229, "delivered": 228, "acknowledged": 227}
    for what, count in flow.items():
        name = f"rabbitmq_global_messages_{what}_total"
        yield "counter", name, {**node, "protocol": "amqp091"}, risen(lambda state, c=count: c * (state != IDLE))  # type: ignore[misc]
    for what in ("unroutable_returned", "dead_lettered_expired", "dead_lettered_rejected", "redelivered"):
        yield "counter", f"rabbitmq_global_messages_{what}_total", node, flat(0)
    for what in ("memory_used_watermark", "free_disk_space_watermark"):
        yield "gauge", f"rabbitmq_alarms_{what}", node, flat(0)
    yield "gauge", "rabbitmq_resident_memory_limit_bytes", node, flat(400e6)
    yield "gauge", "rabbitmq_process_resident_memory_bytes", node, flat(150e6)
    for name, service in SERVICES.items():
        for kind in ("sync", "async"):
            by = {"job": "lgsp-broker-queues", "instance": "mq:15692", "vhost": "lgsp", "queue": f"q.{kind}.{name}"}
            out = name == OUT and kind == "sync"
            ready = only(OUTAGE, 400, service.gauge) if out else flat(service.gauge)
            yield "gauge", "rabbitmq_detailed_queue_messages_ready", by, ready
            yield "gauge", "rabbitmq_detailed_queue_messages_unacked", by, flat(service.gauge + 1)
            gone = {("sync", OUT): OUTAGE, ("async", "gamma"): IDLE}.get((kind, name))
            consumers = only(gone, 0, service.gauge + 2) if gone else flat(service.gauge + 2)
            yield "gauge", "rabbitmq_detailed_queue_consumers", by, consumers
            foreign = {**by, "vhost": "other"}
            yield "gauge", "rabbitmq_detailed_queue_messages_ready", foreign, flat(9_999)
            yield "gauge", "rabbitmq_detailed_queue_consumers", foreign, flat(0)


def _alerts(_: int) -> Series:
    """What Prometheus writes of alerts: only while there is one."""
    watchdog = {"alertname": "LGSPWatchdog", "alertstate": "firing", "severity": "none"}
    yield "gauge", "ALERTS", watchdog, flat(1)
    down = {"alertname": "LGSPServiceDown", "alertstate": "firing", "severity": "page", "service": OUT}
    yield "gauge", "ALERTS", down, only(OUTAGE, 1, float("nan"))
    slow = {"alertname": "LGSPErrorBudgetBurnSlow", "alertstate": "pending", "severity": "ticket", "service": "gamma"}
    yield "gauge", "ALERTS", slow, only(IDLE, float("nan"), 1)


def histogram(name: str, labels: Mapping[str, str], counts: list[Value], times: tuple[float, float]) -> Series:
    """Every value lies above the first of `times` and not above the second."""
    for le in EDGES:
        within = le == "+Inf" or float(le) >= times[1]
        yield "histogram", f"{name}_bucket", {**labels, "le": le}, _summed(counts, 1.0 if within else 0.0)
    yield "histogram", f"{name}_count", dict(labels), _summed(counts, 1)
    yield "histogram", f"{name}_sum", dict(labels), _summed(counts, times[1])


def _summed(counts: list[Value], times: float) -> Value:
    return lambda number: times * sum(count(number) for count in counts)


def open_metrics(start: int) -> Iterator[str]:
    """All of it as OpenMetrics, from `start` on."""
    families: dict[str, list[str]] = {}
    for make in (_gateway, _connectors, _processes, _load, _broker, _alerts):
        for kind, name, labels, value in make(start):
            family = name
            for suffix in {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(kind, ()):
                family = family.removesuffix(suffix)
            told = ",".join(f'{key}="{text}"' for key, text in labels.items())
            lines = families.setdefault(f"# TYPE {family} {kind}\n", [])
            lines += [
                f"{name}{{{told}}} {number} {start + at * STEP}\n"
                for at in range(3 * PHASE + 1)
                if (number := value(at)) == number
            ]
    for name, rate in SIMULATED.items():
        lines = families.setdefault("# TYPE service:lgsp_transactions:rate5m gauge\n", [])
        at = range(start - AWAY - 600, start - AWAY + 1, STEP)
        lines += [f'service:lgsp_transactions:rate5m{{service="{name}"}} {rate} {second}\n' for second in at]
    for head, lines in families.items():
        yield head
        yield from lines
    yield "# EOF\n"
