"""The alerts: when somebody must get up, and when a ticket is enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lgsp.monitoring.profile import BROKER, GATEWAY, QUEUES, Profile, job
from lgsp.monitoring.recordings import (
    BAD,
    BUDGET,
    BUS_BUDGET,
    GOOD,
    INFO,
    PAGE,
    QUEUE_WAIT,
    SLOW_PAGE,
    SLOW_TICKET,
    TICKET,
    WINDOWS,
    errors_of,
    lost_of,
    ratio_of,
)

_TOP_EDGE = 30
"""Seconds of the last bucket of the queue's wait: a quantile says no more than this."""
_DAY = 86_400
_ALARMS = {
    "memory": "rabbitmq_alarms_memory_used_watermark",
    "disk": "rabbitmq_alarms_free_disk_space_watermark",
}


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. Times are seconds before they are scaled; `service` says that it carries that label."""

    name: str
    expr: str
    severity: str
    board: str
    lasts: float = 0
    keep: float = 0
    service: bool = False


def alerts(profile: Profile) -> Iterator[Alert]:
    """All of them."""
    yield from _of_a_service(profile)
    yield from _of_the_bus(profile)
    yield from _of_the_queues(profile)
    yield from _of_the_ledger(profile)
    # A process that is gone from service discovery has no `up`; a gateway stands in every setup.
    gone = f"absent({profile.select('up', job=job(GATEWAY))})"
    yield Alert("LGSPTargetDown", f"{profile.select('up')} == 0 or {gone}", "page", "lgsp-runtime", lasts=120)
    yield Alert("LGSPWatchdog", "vector(1)", "none", "lgsp-runtime")


def burns(profile: Profile, long: str, short: str, factor: float, events: int) -> str:
    """Burns above `factor` in both windows, by at least so many failed calls in the long one. Its value: how fast."""
    budget = profile.recorded(BUDGET)
    in_long = f"{profile.recorded(ratio_of(long))} / on (service) {budget} > {factor}"
    in_short = f"{profile.recorded(ratio_of(short))} / on (service) {budget} > {factor}"
    count = f"{profile.recorded(errors_of(long))} * {_number(profile.seconds(WINDOWS[long]))} >= {events}"
    return f"({in_long} and {in_short} and {count})"


def _owned(expr: str, profile: Profile) -> str:
    return f"({expr}) * on (service) group_left (owner, tier) {profile.recorded(INFO)}"


def _of_a_service(profile: Profile) -> Iterator[Alert]:
    fast = f"{burns(profile, '1h', '5m', PAGE, 5)} or {burns(profile, '6h', '30m', SLOW_PAGE, 10)}"
    yield Alert("LGSPErrorBudgetBurnFast", _owned(fast, profile), "page", "lgsp-service", service=True)
    slow = f"{burns(profile, '1d', '2h', TICKET, 10)} or {burns(profile, '3d', '6h', SLOW_TICKET, 10)}"
    yield Alert("LGSPErrorBudgetBurnSlow", _owned(slow, profile), "ticket", "lgsp-slo", service=True)
    span = profile.span(600)
    failed = f"sum by (service) (increase({profile.select('lgsp_transactions_total', BAD)}[{span}]))"
    went_well = f"sum by (service) (increase({profile.select('lgsp_transactions_total', GOOD)}[{span}]))"
    down = f"{failed} >= 3 unless {went_well} > 0"
    yield Alert("LGSPServiceDown", _owned(down, profile), "page", "lgsp-service", lasts=60, service=True)
    silent = " or ".join(_silent(profile, hours) for hours in (1, 4))
    yield _parked(profile)
    yield Alert("LGSPServiceSilent", _owned(silent, profile), "ticket", "lgsp-service", lasts=300, service=True)


def _parked(profile: Profile) -> Alert:
    parked = f"sum by (service) ({profile.select('lgsp_parked_transactions')}) > 0"
    return Alert("LGSPMessagesParked", _owned(parked, profile), "ticket", "lgsp-service", lasts=300, service=True)


def _silent(profile: Profile, hours: int) -> str:
    """Nobody called for so many working hours, in which the last day's mean lets expect 20 calls or more."""
    accepted = profile.select("lgsp_transactions_accepted_total")
    seconds = hours * 3_600
    usual = f"sum by (service) (rate({accepted}[{profile.span(_DAY)}])) * {_number(profile.seconds(seconds))} >= 20"
    none = f"sum by (service) (increase({accepted}[{profile.span(seconds)}])) > 0"
    silent = f"({usual} unless {none})"
    if profile.scale != 1:  # a day of minutes has no working hours
        return silent
    local = f"vector(time() + {profile.offset})"
    begin, end = profile.working.begin + hours, profile.working.end
    return f"({silent} and on () (hour({local}) >= {begin} < {end}) and on () (day_of_week({local}) > 0 < 6))"


def _of_the_bus(profile: Profile) -> Iterator[Alert]:
    burning, every = profile.recorded("bus:lgsp_services_burning:count"), profile.recorded("bus:lgsp_services:count")
    wide = f"{burning} >= 5 and {burning} / {every} >= 0.2"
    yield Alert("LGSPBusWideDegradation", wide, "page", "lgsp-overview", lasts=120, keep=300)
    limit = f"{PAGE * BUS_BUDGET:g}"
    long, short = (profile.recorded(lost_of(window)) for window in ("1h", "5m"))
    count = f"{profile.recorded('bus:lgsp_bus_caused_errors:rate1h')} * {_number(profile.seconds(3_600))} >= 5"
    caused = f"{long} > {limit} and {short} > {limit} and {count}"
    yield Alert("LGSPBusCausedErrors", caused, "page", "lgsp-overview")


def _of_the_queues(profile: Profile) -> Iterator[Alert]:
    vhost, work = f'vhost="{profile.vhost}"', 'queue=~"q[.](sync|async)[.].+"'
    ready = profile.select("rabbitmq_detailed_queue_messages_ready", vhost, work, job=job(QUEUES))
    consumers = profile.select("rabbitmq_detailed_queue_consumers", vhost, work, job=job(QUEUES))
    alone = f"max by (vhost, queue) ({ready}) > 0 and on (vhost, queue) max by (vhost, queue) ({consumers}) == 0"
    named = f'label_replace({alone}, "service", "$2", "queue", "q[.](sync|async)[.](.+)")'
    yield Alert("LGSPQueueWithoutConsumer", named, "page", "lgsp-broker", lasts=60, service=True)
    timeout = f"max by (service) ({profile.select('lgsp_service_timeout_seconds')})"
    backlog = f"{profile.recorded(QUEUE_WAIT)} >= on (service) clamp_max(0.5 * {timeout}, {_TOP_EDGE})"
    yield Alert("LGSPQueueBacklog", _owned(backlog, profile), "page", "lgsp-service", lasts=300, service=True)
    alarms = " or ".join(_alarm(profile, name, metric) for name, metric in _ALARMS.items())
    yield Alert("LGSPBrokerAlarm", f"({alarms}) > 0", "page", "lgsp-broker")


def _alarm(profile: Profile, name: str, metric: str) -> str:
    value = f"max by (instance) ({profile.select(metric, job=job(BROKER))})"
    return f'label_replace({value}, "alarm", "{name}", "", "")'


def _of_the_ledger(profile: Profile) -> Iterator[Alert]:
    def each(metric: str, *labels: str) -> str:
        return f"sum by (instance) ({profile.select(metric, *labels)})"

    broken = f"max by (instance) ({profile.select('lgsp_ledger_verify_failed')}) > 0"
    yield Alert("LGSPLedgerChainBroken", broken, "page", "lgsp-report")
    lag = f"max by (instance) ({profile.select('lgsp_ledger_lag_seconds')}) > 30"
    yield Alert("LGSPLedgerLagging", lag, "ticket", "lgsp-report", lasts=300)
    accepted, ended = each("lgsp_transactions_accepted_total"), each("lgsp_transactions_total")
    rest = f"{accepted} - {ended} - {each('lgsp_open_transactions')}"
    yield Alert("LGSPConservation", f"{rest} != 0", "page", "lgsp-report", lasts=60)
    hour = profile.span(3_600)
    at_the_edge = profile.select("lgsp_http_requests_total", 'route="service"')
    seen = f"sum by (instance) (increase({at_the_edge}[{hour}]))"
    noted = f"sum by (instance) (increase({profile.select('lgsp_transactions_accepted_total')}[{hour}]))"
    drift = f"abs({noted} - {seen}) / ({noted} >= 100) > 0.01"
    yield Alert("LGSPLedgerWitnessDrift", drift, "ticket", "lgsp-report", lasts=1_800)


def _number(value: float) -> str:
    return f"{value:g}" if value < 1e5 else f"{value:.0f}"
