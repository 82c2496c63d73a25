"""The turns of PromQL that the boards share: none of them gives NaN, and none says 0 where nobody measured."""

from __future__ import annotations

from collections.abc import Sequence

from lgsp.monitoring.boards.panel import Link, Mark, Variable
from lgsp.monitoring.profile import OURS, Profile
from lgsp.monitoring.recordings import INFO
from lgsp.monitoring.words import Text

SERVICE = 'service=~"$service"'
INTERVAL = "$__rate_interval"
OFFICIAL, ALL = 'outcome=~"ok|business_fault"', ""
TRANSACTIONS = "lgsp_transactions_total"
DURATION = "lgsp_transaction_duration_seconds"
PERIODS = "lgsp_ledger_period_transactions"


def _by(labels: Sequence[str]) -> str:
    return f" by ({', '.join(labels)})" if labels else ""


def rate(
    profile: Profile, metric: str, *labels: str, by: Sequence[str] = (), window: str = INTERVAL, job: str = OURS
) -> str:
    """Events a second."""
    return f"sum{_by(by)} (rate({profile.select(metric, *labels, job=job)}[{window}]))"


def quantile(part: float, profile: Profile, metric: str, *labels: str, by: Sequence[str] = (), window: str = "") -> str:
    """The value that this part of a histogram does not exceed; nothing when nothing happened."""
    buckets = rate(profile, f"{metric}_bucket", *labels, by=[*by, "le"], window=window or INTERVAL)
    return f"histogram_quantile({part:g}, {buckets}) >= 0"  # NaN is not


def mean(profile: Profile, metric: str, *labels: str) -> str:
    """The mean of a histogram; nothing when nothing happened."""
    return f"{rate(profile, f'{metric}_sum', *labels)} / ({rate(profile, f'{metric}_count', *labels)} > 0)"


def counted(profile: Profile, period: str, *labels: str, by: Sequence[str] = ()) -> str:
    """The ledger's exact count of this day, month or year, of the chosen services."""
    return f"sum{_by(by)} ({profile.select(PERIODS, SERVICE, *labels, _period(period))})"


def _period(period: str) -> str:
    return f'period="{period}"'


def or_none(count: str, alive: str) -> str:
    """A count of what matches, 0 when nothing does; nothing where `alive`, which says that somebody looks, is absent."""
    return f"{count} or 0 * count({alive})"


def since(profile: Profile, metric: str, *labels: str, by: Sequence[str] = ()) -> str:
    """Seconds since the moment that a gauge holds; nothing for 0, which is never."""
    return f"time() - (max{_by(by)} ({profile.select(metric, *labels)}) > 0)"


def of_owner(profile: Profile) -> str:
    """What joins owner and tier to a value by service, of the chosen owners."""
    owner = 'owner=~"$owner"'
    return f"* on (service) group_left (owner, tier) {profile.recorded(INFO, owner)}"


def alerts(profile: Profile, *labels: str) -> str:
    """The alerts of ours that fire or are about to."""
    return profile.recorded("ALERTS", 'alertname=~"LGSP.+"', *labels)


def watchdog(profile: Profile) -> str:
    """Is there while the rules are evaluated."""
    return profile.recorded("ALERTS", 'alertname="LGSPWatchdog"')


def service_variables(profile: Profile) -> tuple[Variable, Variable]:
    """Owner, and the services of the owner."""
    # A service may have no owner yet, and is there all the same.
    owner = Variable("owner", Text("Owner", "Đơn vị"), "owner", profile.select("lgsp_service_info"), every=".*")
    of = profile.select("lgsp_service_info", 'owner=~"$owner"')
    return owner, Variable("service", Text("Service", "Dịch vụ"), "service", of)


def marks(profile: Profile) -> tuple[Mark, ...]:
    """What every board draws: injected faults, pages, restarts."""
    page = f'severity="{profile.severities["page"]}"'
    firing = alerts(profile, 'alertstate="firing"', page)
    restarts = f"changes({profile.select('process_start_time_seconds')}[1m]) > 0"
    return (
        Mark(
            Text("Faults", "Sự cố gây ra"),
            f"max by (service, fault) ({profile.select('lgsp_fault_active')}) > 0",
            "red",
            "{{fault}} {{service}}",
        ),
        Mark(Text("Pages", "Báo động"), firing, "orange", "{{alertname}} {{service}}"),
        Mark(Text("Restarts", "Khởi động lại"), restarts, "blue", "{{job}} {{instance}}"),
    )


def links(service: str) -> tuple[Link, ...]:
    """From one service to its own boards and its transactions; `service` is what Grafana puts in."""
    where = f"var-service={service}&var-datasource=${{datasource}}&${{__url_time_range}}"
    span = "from=${__from:date:iso}&to=${__to:date:iso}"
    return (
        Link(Text("this service", "dịch vụ này"), f"/d/lgsp-service?{where}"),
        Link(Text("its queues", "hàng đợi của nó"), f"/d/lgsp-broker?{where}"),
        Link(Text("its transactions", "giao dịch của nó"), f"${{console}}/transactions?service={service}&{span}"),
    )


OF_SERIES = links("${__field.labels.service}")
OF_ROW = links("${__data.fields.service}")
OF_CHOICE = links("${service:csv}")
