"""For each alert: cases in which it fires, cases in which it must not, and changes of its rule that the cases notice."""

from __future__ import annotations

from monitoring.promtool import GATEWAY, Case, Series, known, steady, tx

THREE = known("s1", "s2", "s3")
QUIET = steady("s2", ok=99.5, timeout=0.5) | steady("s3", ok=99.5, timeout=0.5)
S1 = {"service": "s1", "severity": "page", "owner": "stp", "tier": "central"}
TICKET = S1 | {"severity": "ticket"}
PAGE = {"severity": "page"}
QUEUE = 'vhost="lgsp",queue="q.sync.s1"'


def many(services: int, failing: int) -> Series:
    names = [f"s{number}" for number in range(services)]
    made: dict[str, str] = dict(known(*names))
    for number, name in enumerate(names):
        made |= steady(name, ok=50, timeout=50) if number < failing else steady(name, ok=100, timeout=0)
    return made


def queue(ready: int, consumers: int, where: str = QUEUE, job: str = "lgsp-broker-queues") -> Series:
    labels = f'{{job="{job}",instance="rabbit",{where}}}'
    return {
        f"rabbitmq_detailed_queue_messages_ready{labels}": f"{ready}x60",
        f"rabbitmq_detailed_queue_consumers{labels}": f"{consumers}x60",
    }


def waits(service: str, timeout: float, *, below: dict[str, int], more: int) -> Series:
    """Waits in a queue: how many a minute below each edge, and how many in all."""
    labels = f'job="lgsp-connectors",instance="c1",service="{service}"'
    made = {f'lgsp_queue_wait_seconds_bucket{{{labels},le="{le}"}}': f"0+{n}x60" for le, n in below.items()}
    made[f'lgsp_queue_wait_seconds_bucket{{{labels},le="+Inf"}}'] = f"0+{more}x60"
    return made | known(service) | {f'lgsp_service_timeout_seconds{{{GATEWAY},service="{service}"}}': f"{timeout}x60"}


def calls(service: str, values: str) -> Series:
    return known(service) | {f'lgsp_transactions_accepted_total{{{GATEWAY},service="{service}"}}': values}


def account(accepted: str, ended: str, still_open: str) -> Series:
    labels = f'{{{GATEWAY},service="s1"}}'
    return {
        f"lgsp_transactions_accepted_total{labels}": accepted,
        f"lgsp_open_transactions{labels}": still_open,
    } | tx("s1", "ok", ended)


def witness(accepted: float, seen: float, refused: float = 0) -> Series:
    return {
        f'lgsp_transactions_accepted_total{{{GATEWAY},service="s1"}}': f"0+{accepted}x300",
        f'lgsp_http_requests_total{{{GATEWAY},route="service",method="GET",code="200"}}': f"0+{seen}x300",
        f'lgsp_http_requests_total{{{GATEWAY},route="refused",method="GET",code="401"}}': f"0+{refused}x300",
    }


def gauge(name: str, value: float, labels: str = GATEWAY) -> Series:
    return {f"{name}{{{labels}}}": f"{value}x60"}


CASES: dict[str, list[Case]] = {
    "LGSPErrorBudgetBurnFast": [
        Case("a fifth of one of three fails", THREE | QUIET | steady("s1", ok=80, timeout=20), "70m", [S1]),
        Case("half a percent fails", THREE | QUIET | steady("s1", ok=99.5, provider_error=0.5), "70m"),
        Case("the callers' own mistakes", THREE | QUIET | steady("s1", ok=20, rejected=80), "70m"),
        Case("one of two calls failed", THREE | tx("s1", "ok", "0x40 1x60") | tx("s1", "timeout", "0x63 1x60"), "65m"),
        Case("it is over", THREE | tx("s1", "ok", "0+60x70 4300+100x60") | tx("s1", "timeout", "0+40x70 2800x60"), "102m"),
        Case("8 % fail for hours", THREE | steady("s1", ok=460, unreachable=40), "7h", [S1], step="5m"),
        Case("a lower objective allows it", known("s1", objective=0.95) | steady("s1", ok=80, timeout=20), "70m"),
        Case("not ours", {k.replace("lgsp-gateway", "shop"): v for k, v in steady("s1", ok=1, timeout=99).items()} | THREE, "70m"),
    ],
    "LGSPErrorBudgetBurnSlow": [
        Case("1.5 % for three days", THREE | steady("s1", ok=5_910, timeout=90), "74h", [TICKET], step="1h"),
        Case("4 % of a day with little to do", THREE | tx("s1", "ok", "0+9000x48 432960+960x24") | tx("s1", "timeout", "0x48 40+40x24"), "72h", [TICKET], step="1h"),
        Case("half a percent for three days", THREE | steady("s1", ok=5_970, timeout=30), "74h", step="1h"),
        Case("nine failures in three days", THREE | steady("s1", ok=0.1, timeout=0.1), "74h", step="1h"),
    ],
    "LGSPServiceDown": [
        Case("a rare service fails three times", THREE | tx("s1", "ok", "1x30") | tx("s1", "timeout", "0x5 1 1 2 2 3 3 3 3 3 3 3"), "12m", [S1]),
        Case("two failures", THREE | tx("s1", "ok", "1x30") | tx("s1", "timeout", "0x5 1 1 2 2 2 2 2 2 2 2 2"), "13m"),
        Case("one succeeds in between", THREE | tx("s1", "ok", "1x8 2x30") | tx("s1", "timeout", "0x5 1 1 2 2 3 4 5 5 5 5 5"), "13m"),
        Case("not yet for a minute", THREE | tx("s1", "ok", "1x30") | tx("s1", "timeout", "0x11 4 4"), "12m"),
    ],
    # Time 0 is Thursday, 07:00 of a zone seven hours ahead.
    "LGSPServiceSilent": [
        Case("no call since nine on Friday", calls("s1", "0+300x52 15600x60"), "27h30m", [TICKET], step="30m"),
        Case("they call", calls("s1", "0+300x90"), "27h30m", step="30m"),
        Case("it is seldom called", calls("s1", "0+3x52 156x60"), "27h30m", step="30m"),
        Case("in the evening", calls("s1", "0+300x22 6600x60"), "13h", step="30m"),
        Case("on Saturday", calls("s1", "0+300x97 29100x60"), "52h", step="30m"),
        Case("seldom, but not for half a day", calls("s1", "0+6x52 312x60"), "33h30m", [TICKET], step="30m"),
    ],
    "LGSPBusWideDegradation": [
        Case("five of six", many(6, 5), "10m", [PAGE]),
        Case("one of six", many(6, 1), "10m"),
        Case("five of thirty", many(30, 5), "10m"),
        Case("three of three", many(3, 3), "10m"),
        Case("not yet for two minutes", many(6, 5), "2m"),
    ],
    "LGSPBusCausedErrors": [
        Case("3 % by the bus", THREE | steady("s1", ok=97, bus_error=3), "70m", [PAGE]),
        Case("half a percent by the bus", THREE | steady("s1", ok=99.5, bus_error=0.5), "70m"),
        Case("the providers'", THREE | steady("s1", ok=90, provider_error=10, bus_error=0), "70m"),
        Case("four calls", THREE | tx("s1", "ok", "0x120") | tx("s1", "bus_error", "0x60 4x60"), "64m"),
    ],
    "LGSPQueueWithoutConsumer": [
        Case("three wait and nobody takes them", queue(3, 0), "5m", [PAGE | {"service": "s1", "queue": "q.sync.s1"}]),
        Case("the same on store-and-forward", queue(3, 0, QUEUE.replace("sync", "async")), "5m", [PAGE | {"service": "s1"}]),
        Case("somebody takes them", queue(3, 1), "5m"),
        Case("nothing waits", queue(0, 0), "5m"),
        Case("not our vhost", queue(3, 0, QUEUE.replace('"lgsp"', '"shop"')), "5m"),
        Case("not our job", queue(3, 0, job="rabbitmq"), "5m"),
        Case("a gateway's queue", queue(3, 0, 'vhost="lgsp",queue="q.reply.gw1"'), "5m"),
        Case("not yet for a minute", queue(3, 0), "0m"),
    ],
    "LGSPQueueBacklog": [
        Case("they wait ten of twelve seconds", waits("s1", 12, below={"1": 0, "5": 0, "15": 100}, more=100), "15m", [S1]),
        Case("longer than can be told", waits("s1", 60, below={"15": 0, "30": 0}, more=100), "15m", [S1]),
        Case("the caller is patient", waits("s1", 60, below={"1": 0, "5": 0, "15": 100}, more=100), "15m"),
        Case("few wait", waits("s1", 12, below={"1": 96, "5": 96, "15": 100}, more=100), "15m"),
        Case("not yet for five minutes", waits("s1", 12, below={"1": 0, "5": 0, "15": 100}, more=100), "4m"),
    ],
    "LGSPMessagesParked": [
        Case("two were given up", THREE | gauge("lgsp_parked_transactions", 2, f'{GATEWAY},service="s1"'), "6m", [TICKET]),
        Case("none was", THREE | gauge("lgsp_parked_transactions", 0, f'{GATEWAY},service="s1"'), "6m"),
        Case("not yet for five minutes", THREE | gauge("lgsp_parked_transactions", 2, f'{GATEWAY},service="s1"'), "4m"),
    ],
    "LGSPBrokerAlarm": [
        Case("memory", gauge("rabbitmq_alarms_memory_used_watermark", 1, 'job="lgsp-broker",instance="r"'), "1m", [PAGE | {"alarm": "memory"}]),
        Case("disk", gauge("rabbitmq_alarms_free_disk_space_watermark", 1, 'job="lgsp-broker",instance="r"'), "1m", [PAGE | {"alarm": "disk"}]),
        Case("neither", gauge("rabbitmq_alarms_memory_used_watermark", 0, 'job="lgsp-broker",instance="r"'), "1m"),
        Case("not our broker", gauge("rabbitmq_alarms_memory_used_watermark", 1, 'job="rabbitmq",instance="r"'), "1m"),
    ],
    "LGSPLedgerChainBroken": [
        Case("the last verification failed", gauge("lgsp_ledger_verify_failed", 1), "1m", [PAGE | {"instance": "gw1"}]),
        Case("it went well", gauge("lgsp_ledger_verify_failed", 0), "1m"),
    ],
    "LGSPLedgerLagging": [
        Case("31 seconds behind", gauge("lgsp_ledger_lag_seconds", 31), "6m", [{"severity": "ticket", "instance": "gw1"}]),
        Case("30 seconds behind", gauge("lgsp_ledger_lag_seconds", 30), "6m"),
        Case("not yet for five minutes", gauge("lgsp_ledger_lag_seconds", 31), "4m"),
    ],
    "LGSPConservation": [
        Case("six vanish", account("0+100x60", "0+90x10 894+100x60", "0+10x10 100x60"), "15m", [PAGE | {"instance": "gw1"}]),
        Case("one is counted twice", account("0+100x60", "1+100x60", "0x60"), "15m", [PAGE | {"instance": "gw1"}]),
        Case("all agree", account("0+100x60", "0+90x60", "0+10x60"), "15m"),
    ],
    "LGSPLedgerWitnessDrift": [
        Case("a tenth has no witness", witness(100, 90), "100m", [{"severity": "ticket", "instance": "gw1"}]),
        Case("a tenth is not in the ledger", witness(90, 100), "100m", [{"severity": "ticket"}]),
        Case("ten refused for each", witness(100, 100, refused=1_000), "100m"),
        Case("they agree within a percent", witness(100, 99.5), "100m"),
        Case("too few to tell", witness(1, 0.5), "100m"),
        Case("not yet for half an hour", witness(100, 90), "20m"),
    ],
    "LGSPTargetDown": [
        Case("the connectors", gauge("up", 0, 'job="lgsp-connectors",instance="c"') | gauge("up", 1), "5m", [PAGE | {"job": "lgsp-connectors"}]),
        Case("the gateway is not even looked for", gauge("up", 1, 'job="lgsp-broker",instance="r"'), "5m", [PAGE | {"job": "lgsp-gateway"}]),
        Case("a foreign one", gauge("up", 0, 'job="shop",instance="x"') | gauge("up", 1), "5m"),
        Case("not yet for two minutes", gauge("up", 0), "1m"),
    ],
    "LGSPWatchdog": [Case("always", {}, "1m", [{"severity": "none"}])],
}  # fmt: skip

MUTATIONS: dict[str, list[tuple[str, str]]] = {
    "LGSPErrorBudgetBurnFast": [
        ("rate1h * 3600 >= 5", "rate1h * 3600 >= 0"),
        ("> 14.4", "> 0.4"),
        ("ratio_rate5m / on", "ratio_rate1h / on"),
        ("> 6", "> 9"),
        ("severity: page", "severity: ticket"),
    ],
    "LGSPErrorBudgetBurnSlow": [
        ("> 1 ", "> 0.4 "),
        ("> 1 ", "> 2 "),
        ("> 3 ", "> 6 "),
        ("* 259200 >= 10", "* 259200 >= 1"),
        ("severity: ticket", "severity: page"),
    ],
    "LGSPServiceDown": [(">= 3", ">= 2"), (">= 3", ">= 9"), ("unless", "and"), ("for: 1m", "for: 3m"), ("for: 1m", "for: 0s")],
    "LGSPServiceSilent": [
        (">= 9 < 17", ">= 9 < 24"),
        ("> 0 < 6", "> 0 < 7"),
        (">= 20", ">= 5"),
        (">= 20", ">= 900"),
        ("unless", "and"),
        ("* 14400", "* 3600"),
    ],
    "LGSPBusWideDegradation": [(">= 0.2", ">= 0.1"), (">= 5 ", ">= 1 "), (">= 5 ", ">= 6 "), ("for: 2m", "for: 0s")],
    "LGSPBusCausedErrors": [("> 0.0144", "> 0.1"), ("> 0.0144", "> 0.001"), (">= 5", ">= 1"), ("severity: page", "severity: none")],
    "LGSPQueueWithoutConsumer": [
        ('vhost="lgsp",', ""),
        ('job="lgsp-broker-queues",', ""),
        ("(sync|async)", "(sync|async|reply)"),
        ("== 0", ">= 0"),
        ("> 0", ">= 0"),
        ("for: 1m", "for: 10m"),
        ("for: 1m", "for: 0s"),
        ('"service"', '"name"'),
    ],
    "LGSPQueueBacklog": [(">=", ">"), ("0.5 *", "0.1 *"), ("0.5 *", "2 *"), ("for: 5m", "for: 1m"), ("for: 5m", "for: 1h")],
    "LGSPMessagesParked": [("> 0", "> 2"), ("> 0", ">= 0"), ("for: 5m", "for: 1m"), ("for: 5m", "for: 1h")],
    "LGSPBrokerAlarm": [('job="lgsp-broker"', 'job=~".+"'), ("> 0", ">= 0"), ("> 0", "> 1"), ('"disk"', '"memory"')],
    "LGSPLedgerChainBroken": [("> 0", ">= 0"), ("> 0", "> 1"), ("severity: page", "severity: ticket")],
    "LGSPLedgerLagging": [("> 30", "> 31"), ("> 30", "> 29"), ("for: 5m", "for: 1m"), ("for: 5m", "for: 10m")],
    "LGSPConservation": [("!= 0", "> 0"), ("!= 0", "< 0"), ("lgsp_open_transactions", "lgsp_inflight_transactions"), ("for: 1m", "for: 1h")],
    "LGSPLedgerWitnessDrift": [
        (',route="service"', ""),
        ("abs(", "("),
        ("> 0.01", "> 0.001"),
        ("> 0.01", "> 0.5"),
        (">= 100", ">= 1"),
        ("for: 30m", "for: 0s"),
        ("for: 30m", "for: 3h"),
    ],
    "LGSPTargetDown": [('job=~"lgsp-.+"', 'job=~".+"'), ('or absent(up{job="lgsp-gateway"})', ""), ("for: 2m", "for: 0s"), ("for: 2m", "for: 1h")],
    "LGSPWatchdog": [("vector(1)", "vector(1) > 1"), ("severity: none", "severity: page")],
}  # fmt: skip
"""What is replaced in the alert's own rule, wherever it stands there."""
