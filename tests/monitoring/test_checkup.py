"""Ten things that can be left out where lgsp is watched by a monitoring of others: each is named, with what mends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from lgsp.monitoring.checkup import (
    NEEDED,
    Carrying,
    Queue,
    Rule,
    Target,
    Telling,
    Watching,
    exporting,
    of_alertmanager,
    of_broker,
    of_prometheus,
    plain,
)
from lgsp.monitoring.finding import Finding
from lgsp.monitoring.profile import Profile, parse_matchers, parse_severities
from lgsp.monitoring.routing import Receivers, alertmanager
from lgsp.monitoring.rules import rules

PROFILE = Profile(matchers=parse_matchers('env="prod"'), severities=parse_severities(["page=critical"]), vhost="bus-a")
JOBS = ("lgsp-gateway", "lgsp-connectors", "lgsp-broker", "lgsp-broker-queues")
EXPORT = "lgsp monitoring export DIR --match 'env=\"prod\"' --severity page=critical --vhost bus-a"


def a_target(job: str) -> Target:
    return Target(job, f"http://10.0.0.1:9100/{job}", "up", labels={"job": job, "env": "prod"})


def all_rules() -> list[Rule]:
    """As Prometheus tells them: with spaces of its own."""
    seconds = {"s": 1, "m": 60, "h": 3_600}
    return [
        Rule(
            rule.get("alert") or rule["record"],
            rule["expr"].replace(", ", ","),
            int((rule.get("for") or "0s")[:-1]) * seconds[(rule.get("for") or "0s")[-1]],
            rule["labels"],
        )
        for group in rules(PROFILE)["groups"]
        for rule in group["rules"]
    ]


@dataclass(frozen=True)
class Installation:
    """Everything well, for a province of two services."""

    prometheus: Watching = field(
        default_factory=lambda: Watching(
            [a_target(job) for job in JOBS],
            all_rules(),
            ["http://10.0.0.9:9093/api/v2/alerts"],
            frozenset(NEEDED),
            frozenset({"bus-a"}),
            frozenset({"rabbitmq"}),
        )
    )
    alertmanager: Telling = field(
        default_factory=lambda: Telling(
            alertmanager(PROFILE, Receivers()), [{"alertname": "LGSPWatchdog", "severity": "none", "env": "prod"}]
        )
    )
    broker: Carrying = field(
        default_factory=lambda: Carrying(
            {"bus-a": {f"q.{side}.{name}": Queue(0, 1) for name in ("one", "two") for side in ("sync", "async")}}
        )
    )

    def findings(self) -> list[Finding]:
        return [
            *of_prometheus(self.prometheus, PROFILE),
            *of_alertmanager(self.alertmanager, PROFILE),
            *of_broker(self.broker, PROFILE, ["one", "two"]),
        ]


def english(finding: Finding) -> tuple[str, str]:
    says, mend = finding.says, finding.mend
    return says.text.replace("{}", "%s") % says.values, mend.text.replace("{}", "%s") % mend.values


def watching(**changed: object) -> Callable[[Installation], Installation]:
    return lambda made: replace(made, prometheus=replace(made.prometheus, **changed))  # type: ignore[arg-type]


def targets(job: str, **changed: object) -> Callable[[Installation], Installation]:
    """One job's target as it is with `changed`; without it where nothing is said."""

    def change(made: Installation) -> Installation:
        left = [each for each in made.prometheus.targets if each.job != job]
        more = [replace(a_target(job), **changed)] if changed else []  # type: ignore[arg-type]
        return watching(targets=[*left, *more])(made)

    return change


def without_rule(name: str) -> Callable[[Installation], Installation]:
    return watching(rules=[rule for rule in all_rules() if rule.name != name])


def other_rule(name: str, **changed: object) -> Callable[[Installation], Installation]:
    return watching(rules=[replace(r, **changed) if r.name == name else r for r in all_rules()])  # type: ignore[arg-type]


def telling(**changed: object) -> Callable[[Installation], Installation]:
    """Parts of Alertmanager's configuration as they are with `changed`."""
    return lambda made: replace(
        made, alertmanager=replace(made.alertmanager, config={**made.alertmanager.config, **changed})
    )


def carrying(**changed: object) -> Callable[[Installation], Installation]:
    return lambda made: replace(made, broker=replace(made.broker, **changed))  # type: ignore[arg-type]


def without_queue(made: Installation) -> Installation:
    queues = {name: queue for name, queue in made.broker.queues["bus-a"].items() if name != "q.async.two"}
    return carrying(queues={"bus-a": queues})(made)


def silent(made: Installation) -> Installation:
    return replace(made, alertmanager=replace(made.alertmanager, alerts=[]))


DOWN = "LGSPServiceDown"
OMISSIONS = {
    "a job was left out": (
        targets("lgsp-connectors"),
        {"prometheus: lgsp-connectors": ("no job of this name", EXPORT)},
    ),
    "the token was not given": (
        targets("lgsp-gateway", health="down", error="server returned HTTP status 401 Unauthorized"),
        {"prometheus: lgsp-gateway": ("401 Unauthorized", "credentials_file")},
    ),
    "the port is not reached": (
        targets("lgsp-gateway", health="down", error="connection refused"),
        {"prometheus: lgsp-gateway": ("connection refused", "lgsp gateway --metrics HOST:PORT --open")},
    ),
    "the label was not put on the targets": (
        targets("lgsp-broker", labels={"job": "lgsp-broker"}),
        {"prometheus: lgsp-broker": ('lacks env="prod"', EXPORT)},
    ),
    "the queues' page is scraped without its families": (
        watching(queues=frozenset(NEEDED[:1])),
        {"prometheus: queues": ("no rabbitmq_detailed_queue_consumers of vhost bus-a", "family=queue_consumer_count")},
    ),
    "another vhost is scraped": (
        watching(queues=frozenset(), vhosts=frozenset({"/"})),
        {"prometheus: queues": ("those of vhost / instead of bus-a", EXPORT)},
    ),
    "the rule file was not loaded": (
        watching(rules=[]),
        {"prometheus: rules": (f"{len(all_rules())} of {len(all_rules())} are missing: ", "rule_files")},
    ),
    "an alert was taken out": (
        without_rule(DOWN),
        {"prometheus: rules": (f"1 of {len(all_rules())} are missing: {DOWN}", "rules.yml")},
    ),
    "an alert was changed": (
        other_rule(DOWN, seconds=3_600),
        {"prometheus: rules": (f"others than this lgsp makes: {DOWN}", EXPORT)},
    ),
    "the rules are for other severities": (
        other_rule(DOWN, labels={"severity": "page", "env": "prod"}),
        {"prometheus: rules": (f"others than this lgsp makes: {DOWN}", EXPORT)},
    ),
    "a rule cannot be evaluated": (
        other_rule(DOWN, error="many-to-many matching not allowed"),
        {"prometheus: rules": (f"{DOWN} cannot be evaluated: many-to-many", EXPORT)},
    ),
    "Prometheus knows no Alertmanager": (
        lambda made: silent(watching(alertmanagers=[])(made)),
        {
            "prometheus: alerting": ("it knows no Alertmanager", "static_configs"),
            "alertmanager: arrival": ("does not arrive", "alerting:"),
        },
    ),
    "our routes were left out": (
        telling(route={"receiver": "nobody"}, receivers=[{"name": "nobody"}]),
        {
            "alertmanager: page": (f"{DOWN} goes to nobody, which tells nobody", EXPORT),
            "alertmanager: ticket": ("LGSPErrorBudgetBurnSlow goes to nobody", EXPORT),
            "alertmanager: watchdog": ("LGSPWatchdog goes to nobody", EXPORT),
        },
    ),
    "the inhibitions were left out": (
        telling(inhibit_rules=[]),
        {
            "alertmanager: bus-wide": (f"LGSPBusWideDegradation does not hold back {DOWN}", "inhibit_rules"),
            "alertmanager: page over ticket": (f"{DOWN} does not hold back", "inhibit_rules"),
        },
    ),
    "the definitions were not imported": (
        carrying(queues={"/": {"theirs": Queue(3, 0)}}),
        {"broker: vhost": ("no queue in vhost bus-a; there are some in: /", "rabbitmqctl import_definitions")},
    ),
    "a service has no queue": (
        without_queue,
        {"broker: queues": ("1 of 4 are missing: q.async.two", "rabbitmqctl import_definitions")},
    ),
    "no connectors run": (
        carrying(queues={"bus-a": {f"q.{s}.{n}": Queue(0, 0) for n in ("one", "two") for s in ("sync", "async")}}),
        {"broker: consumers": ("nobody takes from q.sync.one, q.async.one, q.sync.two", "lgsp connectors --broker")},
    ),
    "a process has lost its broker": (
        watching(cut_off=["lgsp-gateway gw1"]),
        {"prometheus: links": ("lgsp-gateway gw1 has no connection", "LGSP_BROKER_PASSWORD_FILE")},
    ),
    "the broker is full": (
        carrying(alarms=["memory_used_watermark"]),
        {"broker: alarms": ("holds publishers back: memory_used_watermark", "LGSPBrokerAlarm")},
    ),
}


def test_where_nothing_is_missing_everything_is_well() -> None:
    found = Installation().findings()
    assert [english(each) for each in found if not each.well] == []
    assert len(found) == 18


@pytest.mark.parametrize("planted", OMISSIONS)
def test_what_was_left_out_is_named_with_what_mends_it_and_nothing_else_is(planted: str) -> None:
    omit, named = OMISSIONS[planted]
    wrong = {each.what: english(each) for each in omit(Installation()).findings() if not each.well}
    assert set(wrong) == set(named)
    for what, (says, mend) in named.items():
        assert says in wrong[what][0]
        assert mend in wrong[what][1]


def test_a_watchdog_that_nobody_hears_is_told_and_needed_by_nobody() -> None:
    made = telling(**alertmanager(PROFILE, replace(Receivers(), watchdog="")))(Installation())
    assert [(each.what, each.needed) for each in made.findings() if not each.well] == [
        ("alertmanager: watchdog", False)
    ]


def test_on_the_embedded_bus_the_gateway_is_all_there_is_to_scrape() -> None:
    seen = Watching([a_target("lgsp-gateway")], all_rules(), ["x"], buses=frozenset({"memory"}))
    assert [each.what for each in of_prometheus(seen, PROFILE)] == [
        "prometheus: lgsp-gateway",
        "prometheus: rules",
        "prometheus: alerting",
    ]


def test_two_installations_in_one_prometheus_do_not_disturb_each_other() -> None:
    test = Profile(matchers=parse_matchers('env="test"'))
    others = [Rule(r.get("alert") or r["record"], r["expr"]) for g in rules(test)["groups"] for r in g["rules"]]
    made = watching(rules=[*others, *all_rules()])(Installation())
    assert [each.what for each in made.findings() if not each.well] == []


@pytest.mark.parametrize(
    ("profile", "command"),
    [
        (Profile(), "lgsp monitoring export DIR"),
        (PROFILE, EXPORT),
        (Profile(scale=60), "lgsp monitoring export DIR --scale 60"),
    ],
)
def test_the_command_that_mends_is_for_this_installation(profile: Profile, command: str) -> None:
    assert exporting(profile) == command


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ('rate(a{job="x", env="p"}[72m])', 'rate(a{env="p",job="x"}[1h12m])'),
        ("sum by (service) (a) > 0", "sum by(service) (a)>0"),
        ('a{queue=~"q[.](sync|async)[.].+",b!="1,2"}', 'a{b!="1,2",queue=~"q[.](sync|async)[.].+"}'),
    ],
)
def test_an_expression_is_the_same_however_it_is_written(ours: str, theirs: str) -> None:
    assert plain(ours) == plain(theirs)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ('a{job="x"}', 'a{job="y"}'),
        ('a{job="x"}', 'a{job!="x"}'),
        ("rate(a[1h])", "rate(a[1m])"),
        ("a > 14.4", "a > 14"),
        ('a{job="x"}', "a"),
    ],
)
def test_another_expression_is_another(ours: str, theirs: str) -> None:
    assert plain(ours) != plain(theirs)
