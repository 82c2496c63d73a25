"""Recording rules: rates, ratios, budgets and burn rates of every service in one set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lgsp.monitoring.profile import CONNECTORS, Profile

WINDOWS = {"5m": 300, "30m": 1_800, "1h": 3_600, "2h": 7_200, "6h": 21_600, "1d": 86_400, "3d": 259_200}
"""What a window is called in a rule's name, and its seconds before they are scaled."""
GOOD = 'outcome=~"ok|business_fault"'
BAD = 'outcome=~"provider_error|timeout|unreachable|bus_error"'
COUNTED = 'outcome!="rejected"'
REJECTED = 'outcome="rejected"'
PAGE, SLOW_PAGE, TICKET, SLOW_TICKET = 14.4, 6, 3, 1
"""Burn rates: at 1 the budget of a month is gone at its end."""
BUS_BUDGET = 0.001
"""The share of transactions that the bus itself may lose."""
INFO = "service:lgsp_service:info"
BUDGET = "service:lgsp_slo_error_budget:ratio"
LEFT = "service:lgsp_error_budget_remaining:ratio_month"
BURN_1H = "service:lgsp_burn_rate:ratio_rate1h"
BUS_RATE = "bus:lgsp_transactions:rate5m"
OWNER_RATE = "owner:lgsp_transactions:rate5m"
OWNER_RATIO = "owner:lgsp_transaction_errors:ratio_rate5m"
QUEUE_WAIT = "service:lgsp_queue_wait_seconds:p95_rate5m"


@dataclass(frozen=True, slots=True)
class Recording:
    """One rule that gives an expression a name."""

    name: str
    expr: str


def rate_of(window: str) -> str:
    """The recorded rate of what counts."""
    return f"service:lgsp_transactions:rate{window}"


def errors_of(window: str) -> str:
    """The recorded rate of what burns the budget."""
    return f"service:lgsp_transaction_errors:rate{window}"


def ratio_of(window: str) -> str:
    """The recorded share of the second in the first."""
    return f"service:lgsp_transaction_errors:ratio_rate{window}"


def bus_ratio_of(window: str) -> str:
    """The recorded share of errors in what the whole bus carried."""
    return f"bus:lgsp_transaction_errors:ratio_rate{window}"


def lost_of(window: str) -> str:
    """The recorded share of what the bus itself lost."""
    return f"bus:lgsp_bus_caused_errors:ratio_rate{window}"


def by_service(profile: Profile) -> Iterator[Recording]:
    """Rates in every window, and what they mean for the budget. A ratio is absent, not NaN, when nothing comes."""
    for window, seconds in WINDOWS.items():
        span = profile.span(seconds)
        every = profile.select("lgsp_transactions_total", COUNTED)
        bad = profile.select("lgsp_transactions_total", BAD)
        yield Recording(rate_of(window), f"sum by (service) (rate({every}[{span}]))")
        yield Recording(errors_of(window), f"sum by (service) (rate({bad}[{span}]))")
        errors, rate = profile.recorded(errors_of(window)), profile.recorded(rate_of(window))
        yield Recording(ratio_of(window), f"{errors} / ({rate} > 0)")
    yield Recording(BUDGET, f"1 - max by (service) ({profile.select('lgsp_slo_objective_ratio')})")
    budget = profile.recorded(BUDGET)
    yield Recording(BURN_1H, f"{profile.recorded(ratio_of('1h'))} / on (service) {budget}")
    month = 'period="month"'
    bad = f"sum by (service) ({profile.select('lgsp_ledger_period_transactions', BAD, month)})"
    every = f"sum by (service) ({profile.select('lgsp_ledger_period_transactions', COUNTED, month)})"
    yield Recording(LEFT, f"1 - {bad} / ({every} > 0) / on (service) {budget}")
    # One of several gateways tells: two that disagree for a moment would break every join.
    info = f"topk by (service) (1, {profile.select('lgsp_service_info')})"
    yield Recording(INFO, f"max by (service, owner, tier) ({info})")
    buckets = profile.select("lgsp_queue_wait_seconds_bucket", job=f'job=~"{CONNECTORS}|lgsp-gateway"')
    yield Recording(
        QUEUE_WAIT, f"histogram_quantile(0.95, sum by (service, le) (rate({buckets}[{profile.span(300)}])))"
    )


def by_owner(profile: Profile) -> Iterator[Recording]:
    """The same for an agency; who owns a service is looked up, not stored in its counters."""
    who = f"* on (service) group_left (owner, tier) {profile.recorded(INFO)}"
    rate = f"sum by (owner, tier) ({profile.recorded(rate_of('5m'))} {who})"
    errors = f"sum by (owner, tier) ({profile.recorded(errors_of('5m'))} {who})"
    yield Recording(OWNER_RATE, rate)
    yield Recording(OWNER_RATIO, f"{errors} / ({rate} > 0)")


def of_the_bus(profile: Profile) -> Iterator[Recording]:
    """The whole bus: sums over sums, so that a busy service weighs more."""
    yield Recording(BUS_RATE, f"sum({profile.recorded(rate_of('5m'))})")
    for window in ("5m", "1h"):
        rate = f"sum({profile.recorded(rate_of(window))})"
        errors = f"sum({profile.recorded(errors_of(window))})"
        ours = profile.select("lgsp_transactions_total", 'outcome="bus_error"')
        lost = f"sum(rate({ours}[{profile.span(WINDOWS[window])}]))"
        yield Recording(bus_ratio_of(window), f"{errors} / ({rate} > 0)")
        yield Recording(lost_of(window), f"{lost} / ({rate} > 0)")
        if window == "1h":
            yield Recording("bus:lgsp_bus_caused_errors:rate1h", lost)
    budget = profile.recorded(BUDGET)
    burning = f"{profile.recorded(ratio_of('5m'))} / on (service) {budget} > {PAGE}"
    yield Recording("bus:lgsp_services_burning:count", f"count({burning}) or vector(0)")
    yield Recording("bus:lgsp_services:count", f"count({budget})")
