"""Numbers for Prometheus, of every process and of a gateway: every label set there from the start, every child kept.

Those of connectors are in `answering`, those of the ledger in `account`; `docs/metrics.md` lists every metric.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from functools import partial

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.process_collector import ProcessCollector

from lgsp.catalogue.live import Commit
from lgsp.catalogue.service import Catalogue, Service
from lgsp.catalogue.watch import Reload
from lgsp.ledger.base import Ledger
from lgsp.model import Outcome, Transaction
from lgsp.taps.account import FactsCollector, LedgerCollector
from lgsp.taps.cells import Cell, Counter, Gauge, Histogram

WHOLE = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60)
SEGMENT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 30)
LOOP = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1)
SIZES = (256, 1024, 4096, 16384, 65536, 262144, 1048576)
SHED = ("inflight", "memory", "outbox", "quota")
TURNED_AWAY = ("address", "files", "handshake")
ROUTES = ("service", "own", "refused", "unknown")
_ANSWERED = (Outcome.OK, Outcome.BUSINESS_FAULT)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class ProcessMetrics:
    """What every process tells: who it is, how its event loop does, how its broker connections stand.

    `bus` is its kind; `None` for a process that stands on none.
    """

    def __init__(self, version: str, bus: str | None) -> None:
        self.registry = CollectorRegistry()
        self.taking: list[Callable[[], None]] = []
        """What is copied in one moment of the event loop, because its numbers belong together."""
        ProcessCollector(registry=self.registry)
        build = Gauge("lgsp_build_info", "What runs here.", ("version", "python"), registry=self.registry)
        build.labels(version, platform.python_version()).set(1)
        if bus is not None:
            Gauge("lgsp_bus_info", "The kind of bus.", ("kind",), registry=self.registry).labels(bus).set(1)
        self.loop_lag = Histogram(
            "lgsp_event_loop_lag_seconds", "How late the event loop ran a timer.", buckets=LOOP, registry=self.registry
        )
        up = Gauge("lgsp_amqp_connection_up", "Whether the connection stands.", ("component",), registry=self.registry)
        back = Counter(
            "lgsp_amqp_reconnects_total", "Connections that came back.", ("component",), registry=self.registry
        )
        components = ("publish", "consume") if bus == "rabbitmq" else ()
        self._up = {component: up.labels(component) for component in components}
        self._back = {component: back.labels(component) for component in components}
        self._was_up: dict[str, bool] = {}  # without an entry it never was
        self._circuit = Gauge(
            "lgsp_circuit_open", "1 while a service is not asked after failures.", ("service",), registry=self.registry
        )
        self._opened: dict[str, set[str]] = {}
        lost = Counter(
            "lgsp_recorder_dropped_total",
            "Exchanges that found no room in a ring or a recording.",
            ("buffer",),
            registry=self.registry,
        )
        self._not_recorded = {buffer: lost.labels(buffer) for buffer in ("ring", "recording")}
        self._reload_ok = Gauge(
            "lgsp_config_last_reload_successful",
            "Whether what stands in the files is in force.",
            ("config",),
            registry=self.registry,
        )
        self._reload_at = Gauge(
            "lgsp_config_last_reload_success_timestamp_seconds",
            "When what is in force was read.",
            ("config",),
            registry=self.registry,
        )

    def connection(self, component: str, *, up: bool) -> None:
        """A connection came up or went down."""
        if component not in self._up:
            return
        self._up[component].set(up)
        was_up = self._was_up.get(component)
        if up and was_up is False:
            self._back[component].inc()
        if up or was_up is not None:
            self._was_up[component] = up

    def circuit(self, half: str, service: str, *, is_open: bool) -> None:
        """A breaker of the asking or the answering `half` opened or closed; where both are one process, one is enough."""
        opened = self._opened.setdefault(service, set())
        (opened.add if is_open else opened.discard)(half)
        self._circuit.labels(service).set(bool(opened))

    def not_recorded(self, buffer: str) -> None:
        """The recorder had no room for an exchange."""
        self._not_recorded[buffer].inc()

    def reloaded(self, reload: Reload) -> None:
        """A configuration was read; at start, the first time."""
        self._reload_ok.labels(reload.what).set(reload.successful)
        if reload.successful:
            self._reload_at.labels(reload.what).set(reload.at)

    def hold(self) -> Callable[[], bytes]:
        """Copies, on the event loop, what belongs together; what this gives renders it in Prometheus's text format, off the loop."""
        for take in self.taking:
            take()
        return partial(generate_latest, self.registry)


class _Asked:
    """The children of one service that the asking half moves."""

    __slots__ = ("error", "inflight", "last_failure", "last_success", "ok")

    def __init__(self, service: str, duration: Histogram, inflight: Gauge, success: Gauge, failure: Gauge) -> None:
        self.ok = duration.labels(service, "ok")
        self.error = duration.labels(service, "error")
        self.inflight = inflight.labels(service)
        self.last_success = success.labels(service)
        self.last_failure = failure.labels(service)


class GatewayMetrics:
    """A tap, and the watch of a gateway's bus and edge."""

    def __init__(self, process: ProcessMetrics, services: Iterable[Service], ledger: Ledger, name: str) -> None:
        registry = process.registry
        self._process = process
        known = Catalogue({service.id: service for service in services})
        self._counts = LedgerCollector(ledger, name, known)
        registry.register(self._counts)
        process.taking.append(self._counts.take)
        by = ("service",)
        duration = Histogram(
            "lgsp_transaction_duration_seconds",
            "From acceptance to answer, as the caller sees it.",
            ("service", "result"),
            buckets=WHOLE,
            registry=registry,
        )
        inflight = Gauge("lgsp_inflight_transactions", "Calls this process waits on.", by, registry=registry)
        success = Gauge(
            "lgsp_service_last_success_timestamp_seconds", "Last official success; 0 is never.", by, registry=registry
        )
        failure = Gauge(
            "lgsp_service_last_failure_timestamp_seconds", "Last failure; 0 is never.", by, registry=registry
        )
        self._by_service = (duration, inflight, success, failure)
        self._asked: dict[str, _Asked] = {}
        size = Histogram(
            "lgsp_transaction_size_bytes", "Bytes of a body.", ("direction",), buckets=SIZES, registry=registry
        )
        self._request_size, self._response_size = size.labels("request"), size.labels("response")
        self._confirm = Histogram(
            "lgsp_publish_confirm_seconds", "From publish to the broker's confirm.", buckets=SEGMENT, registry=registry
        )
        unroutable = "Requests that came back: nobody serves them."
        self._unroutable = Counter("lgsp_unroutable_total", unroutable, by, registry=registry)
        late = "Replies after their caller had been answered."
        self._late = Counter("lgsp_late_replies_total", late, by, registry=registry)
        duplicate = "Second replies to one request."
        self._duplicate = Counter("lgsp_duplicate_replies_total", duplicate, by, registry=registry)
        early = "Calls that came before the Retry-After that their consumer was given was over."
        self._impatient = Counter("lgsp_client_ignored_retry_after_total", early, by, registry=registry)
        self._watching = Gauge("lgsp_console_clients", "Browsers that watch the console.", registry=registry).labels()
        shed = Counter("lgsp_shed_total", "Calls refused for our own capacity.", ("reason",), registry=registry)
        self._shed = {reason: shed.labels(reason) for reason in SHED}
        away = Counter(
            "lgsp_connections_refused_total", "Connections that were not let in.", ("reason",), registry=registry
        )
        self._away = {reason: away.labels(reason) for reason in TURNED_AWAY}
        self._http = Counter(
            "lgsp_http_requests_total", "HTTP requests at the edge.", ("route", "method", "code"), registry=registry
        )
        # The rest appears as it happens; but the first calls after a start must be a step, not a new line.
        self._http_children: dict[tuple[str, str, int], Cell] = {
            ("service", method, 200): self._http.labels("service", method, "200") for method in ("GET", "POST")
        }
        self._facts = FactsCollector(known)
        registry.register(self._facts)
        self.prepare(known)()

    def prepare(self, new: Catalogue) -> Commit:
        """See `Taker`: every label set of what is new; those of what is gone stay, its facts go."""
        fresh = [service.id for service in new if service.id not in self._asked]
        for family in (self._unroutable, self._late, self._duplicate, self._impatient):
            for service in fresh:
                family.labels(service)
        for service in fresh:
            self.circuit(service, is_open=False)
        asked = self._asked | {service: _Asked(service, *self._by_service) for service in fresh}

        def commit() -> None:
            self._asked = asked
            self._counts.services = self._facts.services = tuple(new)

        return commit

    def saw(self, transaction: Transaction) -> None:
        """Note a finished transaction."""
        asked = self._asked.get(transaction.request.service)
        if asked is None:
            return
        ended = transaction.started_at + transaction.seconds
        if transaction.outcome in _ANSWERED:
            took = asked.ok
            asked.last_success.set(ended)
        else:
            took = asked.error
            asked.last_failure.set(ended)
        if not transaction.request.stored:  # its hours are no waiting of a caller's: see `stored`
            took.observe(transaction.seconds)
        self._request_size.observe(len(transaction.request.body))
        if transaction.reply is not None:
            self._response_size.observe(len(transaction.reply.body))

    def inflight(self, service: str, change: int) -> None:
        """A call to a service began (+1) or ended (-1)."""
        self._asked[service].inflight.inc(change)

    def http(self, route: str, method: str, code: int) -> None:
        """An HTTP request was answered. `method` is one of HTTP's own, else counted as OTHER."""
        key = (route, method, code)
        child = self._http_children.get(key)
        if child is None:
            if method not in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}:
                key = (route, "OTHER", code)
            child = self._http_children[key] = self._http.labels(key[0], key[1], str(code))
        child.inc()

    def watching(self, count: int) -> None:
        """So many browsers watch the console."""
        self._watching.set(count)

    def shed(self, reason: str) -> None:
        """A call was refused for our own capacity."""
        self._shed[reason].inc()

    def impatient(self, service: str) -> None:
        """A consumer called again too soon."""
        self._impatient.labels(service).inc()

    def turned_away(self, reason: str) -> None:
        """A connection was refused."""
        self._away[reason].inc()

    def circuit(self, service: str, *, is_open: bool) -> None:
        """See `dispatch.Watch`."""
        self._process.circuit("asking", service, is_open=is_open)

    def late_reply(self, service: str) -> None:
        """See `bus.base.Watch`."""
        if service in self._asked:  # a name from outside the catalogue makes no series
            self._late.labels(service).inc()

    def duplicate_reply(self, service: str) -> None:
        """See `bus.base.Watch`."""
        if service in self._asked:  # a name from outside the catalogue makes no series
            self._duplicate.labels(service).inc()

    def unroutable(self, service: str) -> None:
        """See `bus.base.Watch`."""
        if service in self._asked:  # a name from outside the catalogue makes no series
            self._unroutable.labels(service).inc()

    def confirmed(self, seconds: float) -> None:
        """See `bus.base.Watch`."""
        self._confirm.observe(seconds)

    def delivery(self, service: str, result: str) -> None:
        """Deliveries are the answering half's."""

    def queue_wait(self, service: str, seconds: float) -> None:
        """So is the wait in the queue."""

    def connection(self, component: str, *, up: bool) -> None:
        """See `bus.base.Watch`."""
        self._process.connection(component, up=up)
