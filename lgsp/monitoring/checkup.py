"""What a Prometheus, an Alertmanager and a broker that others set up lack for lgsp: what they say of themselves in, findings out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lgsp.monitoring.alerts import alerts
from lgsp.monitoring.export import COMMAND, FAMILIES
from lgsp.monitoring.finding import Finding, Sentence, said
from lgsp.monitoring.profile import BROKER, CONNECTORS, GATEWAY, QUEUES, SEVERITIES, Profile
from lgsp.monitoring.routed import holds_back, receivers, ways
from lgsp.monitoring.rules import rules

NEEDED = ("rabbitmq_detailed_queue_messages_ready", "rabbitmq_detailed_queue_consumers")
"""What the rules read of every queue of ours."""
_SHOWN = 5
_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)("(?:[^"\\]|\\.)*")')
_TIME = re.compile(r"(\d+)(ms|[ywdhms])")
_MILLISECONDS = {
    "ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """What a Prometheus scrapes: `health` is `up`, `down` or `unknown`."""

    job: str
    url: str
    health: str
    error: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule in force. `seconds` is how long an alert waits; `error` is why it could not be evaluated."""

    name: str
    expr: str
    seconds: float = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, slots=True)
class Watching:
    """What a Prometheus says. `queues` are the series of our vhost's queues by name; `buses` the kinds that are in use."""

    targets: Sequence[Target] = ()
    rules: Sequence[Rule] = ()
    alertmanagers: Sequence[str] = ()
    queues: frozenset[str] = frozenset()
    vhosts: frozenset[str] = frozenset()
    buses: frozenset[str] = frozenset()
    cut_off: Sequence[str] = ()
    """Processes without a connection to their broker."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What an Alertmanager says: its configuration, and the labels of the alerts that it has."""

    config: Mapping[str, Any]
    alerts: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue on the broker."""

    ready: int
    consumers: int


@dataclass(frozen=True, slots=True)
class Carrying:
    """What a broker says: its queues by vhost and name, and what holds publishers back."""

    queues: Mapping[str, Mapping[str, Queue]]
    alarms: Sequence[str] = ()


def exporting(profile: Profile) -> str:
    """The command that writes what others' monitoring takes in, for this profile."""
    words = [COMMAND, "DIR"]
    if profile.matchers:
        words += ["--match", f"'{','.join(map(str, profile.matchers))}'"]
    for ours in SEVERITIES:
        if profile.severities[ours] != ours:
            words += ["--severity", f"{ours}={profile.severities[ours]}"]
    words += ["--vhost", profile.vhost] if profile.vhost != "lgsp" else []
    words += ["--scale", str(profile.scale)] if profile.scale != 1 else []
    return " ".join(words)


def of_prometheus(seen: Watching, profile: Profile) -> Iterator[Finding]:
    """What is missing in a Prometheus."""
    on_a_broker = seen.buses != {"memory"}
    for job in (GATEWAY, CONNECTORS, BROKER, QUEUES) if on_a_broker else (GATEWAY,):
        yield _job(job, [target for target in seen.targets if target.job == job], profile)
    if on_a_broker:
        yield _queues(seen, profile)
        yield _links(seen)
    yield from _rules(seen, profile)
    told = said("alerts go to {}", ", ".join(seen.alertmanagers))
    nobody = said("no alert leaves it: it knows no Alertmanager")
    mend = said(
        "name it in the Prometheus configuration: alerting: {alertmanagers: [{static_configs: [{targets: [HOST:9093]}]}]}"
    )
    yield Finding("prometheus: alerting", bool(seen.alertmanagers), told if seen.alertmanagers else nobody, mend)


def _job(job: str, targets: Sequence[Target], profile: Profile) -> Finding:
    what = f"prometheus: {job}"
    if not targets:
        says = said("no job of this name")
        return Finding(what, well=False, says=says, mend=_into("scrape.yml", "scrape_configs", profile))
    for target in targets:
        if target.health != "up":
            says = said("{}: {}: {}", target.url, target.health, target.error or "not scraped yet")
            return Finding(what, well=False, says=says, mend=_reach(job, target))
        wrong = {name: text for name, text in profile.labels.items() if target.labels.get(name) != text}
        if wrong:
            labels = ", ".join(f'{name}="{text}"' for name, text in wrong.items())
            says = said("{} lacks {}, by which the rules select it", target.url, labels)
            return Finding(what, well=False, says=says, mend=_into("scrape.yml", "scrape_configs", profile))
    return Finding(what, well=True, says=said("{} targets up", len(targets)))


def _reach(job: str, target: Target) -> Sentence:
    if "401" in target.error or "credentials" in target.error:
        return said(
            "give the job the admin token: authorization: {credentials_file: FILE}, FILE as secrets/admin-token of the state directory"
        )
    if job in {BROKER, QUEUES}:
        return said("on the broker: rabbitmq-plugins enable rabbitmq_prometheus")
    return said("start it with a port that Prometheus reaches: {} --metrics HOST:PORT --open", job.replace("-", " ", 1))


def _into(file: str, place: str, profile: Profile) -> Sentence:
    return said("{}, then put DIR/{} among its {} and reload it", exporting(profile), file, place)


def _queues(seen: Watching, profile: Profile) -> Finding:
    what = "prometheus: queues"
    missing = [name for name in NEEDED if name not in seen.queues]
    if not missing:
        return Finding(what, well=True, says=said("those of vhost {}", profile.vhost))
    if seen.queues or not seen.vhosts:
        says = said("no {} of vhost {}", ", ".join(missing), profile.vhost)
        asked = "&".join([*(f"family={family}" for family in FAMILIES), f"vhost={profile.vhost}"])
        return Finding(what, well=False, says=says, mend=said("scrape {} at /metrics/detailed?{}", QUEUES, asked))
    says = said("those of vhost {} instead of {}", ", ".join(sorted(seen.vhosts)), profile.vhost)
    return Finding(what, well=False, says=says, mend=_into("scrape.yml", "scrape_configs", profile))


def _links(seen: Watching) -> Finding:
    if seen.cut_off:
        says = said("{} has no connection to its broker", ", ".join(sorted(seen.cut_off)))
        mend = said(
            "look at /readyz there; check --broker, --broker-user, LGSP_BROKER_PASSWORD_FILE and the user's rights on the vhost"
        )
        return Finding("prometheus: links", well=False, says=says, mend=mend)
    return Finding("prometheus: links", well=True, says=said("every process has its connections to the broker"))


def _rules(seen: Watching, profile: Profile) -> Iterator[Finding]:
    wanted = [_expected(rule, profile) for group in rules(profile)["groups"] for rule in group["rules"]]
    there: dict[str, list[Rule]] = {}
    for rule in seen.rules:
        there.setdefault(rule.name, []).append(rule)
    missing = [rule.name for rule in wanted if rule.name not in there]
    mend = _into("rules.yml", "rule_files", profile)
    if missing:
        says = said("{} of {} are missing: {}", len(missing), len(wanted), _some(missing))
        yield Finding("prometheus: rules", well=False, says=says, mend=mend)
        return
    # Two installations in one Prometheus have rules of the same names: ours have to be among them.
    other = [rule.name for rule in wanted if not any(_same(rule, each) for each in there[rule.name])]
    if other:
        says = said("{} of {} are others than this lgsp makes: {}", len(other), len(wanted), _some(other))
        yield Finding("prometheus: rules", well=False, says=says, mend=mend)
        return
    failing = [each for rule in wanted for each in there[rule.name] if each.error]
    if failing:
        says = said("{} cannot be evaluated: {}", failing[0].name, failing[0].error)
        yield Finding("prometheus: rules", well=False, says=says, mend=mend)
        return
    yield Finding("prometheus: rules", well=True, says=said("all {} are in force", len(wanted)))


def _expected(rule: Mapping[str, Any], profile: Profile) -> Rule:
    name = rule.get("alert") or rule["record"]
    waits = next((a.lasts for a in alerts(profile) if a.name == name), 0)
    return Rule(name, rule["expr"], profile.seconds(waits), rule.get("labels", {}))


def _same(ours: Rule, theirs: Rule) -> bool:
    labels = all(theirs.labels.get(name) == text for name, text in ours.labels.items())
    return plain(ours.expr) == plain(theirs.expr) and abs(ours.seconds - theirs.seconds) < 1 and labels


def plain(expr: str) -> str:
    """An expression as it is told by nobody: Prometheus tells it with its own spaces, matchers sorted, times written anew."""

    def span(match: re.Match[str]) -> str:
        return f"[{sum(int(number) * _MILLISECONDS[unit] for number, unit in _TIME.findall(match[1]))}ms]"

    def matchers(match: re.Match[str]) -> str:
        return "{" + ",".join(sorted(f"{m[0]}{m[1]}{m[2]}" for m in _MATCHER.findall(match[1]))) + "}"

    return re.sub(r"\s+", "", re.sub(r"\[([\dywdhms]+)\]", span, re.sub(r"{([^{}]*)}", matchers, expr)))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" (+{len(names) - _SHOWN})" if len(names) > _SHOWN else "")


def of_alertmanager(told: Telling, profile: Profile) -> Iterator[Finding]:
    """What is missing in an Alertmanager."""
    severity, ours = profile.severities, profile.labels
    watchdog = {"alertname": "LGSPWatchdog", "severity": severity["none"], **ours}
    arrives = any(all(alert.get(name) == text for name, text in watchdog.items()) for alert in told.alerts)
    yield Finding(
        "alertmanager: arrival",
        arrives,
        said("LGSPWatchdog arrives") if arrives else said("LGSPWatchdog, which always fires, does not arrive"),
        said("name this Alertmanager in the Prometheus configuration (alerting:), and load the rules there"),
    )
    service = {"service": "any", "tier": "any", **ours}
    page = {"alertname": "LGSPServiceDown", "severity": severity["page"], **service}
    ticket = {"alertname": "LGSPErrorBudgetBurnSlow", "severity": severity["ticket"], **service}
    yield _told("page", page, told, profile)
    yield _told("ticket", ticket, told, profile)
    yield _told("watchdog", watchdog, told, profile)
    inhibitions = told.config.get("inhibit_rules") or []
    wide = {"alertname": "LGSPBusWideDegradation", "severity": severity["page"], **ours}
    for what, source, target in (("bus-wide", wide, page), ("page over ticket", page, ticket)):
        held = holds_back(inhibitions, source, target)
        both = (source["alertname"], target["alertname"])
        says = said("{} holds back {}", *both)
        if not held:
            says = said("{} does not hold back {}: one trouble, many calls at night", *both)
        yield Finding(f"alertmanager: {what}", held, says, _into("alertmanager.yml", "inhibit_rules", profile))


def _told(what: str, alert: Mapping[str, str], told: Telling, profile: Profile) -> Finding:
    names = receivers(told.config.get("route") or {}, alert)
    known = told.config.get("receivers") or []
    found = [f"{name} ({', '.join(ways(known, name))})" for name in names if ways(known, name)]
    if found:
        return Finding(
            f"alertmanager: {what}", well=True, says=said("{} goes to {}", alert["alertname"], ", ".join(found))
        )
    says = said("{} goes to {}, which tells nobody", alert["alertname"], ", ".join(names))
    mend = _into("alertmanager.yml", "route and receivers", profile)
    return Finding(f"alertmanager: {what}", well=False, says=says, mend=mend, needed=what != "watchdog")


def of_broker(stands: Carrying, profile: Profile, services: Sequence[str]) -> Iterator[Finding]:
    """What is missing on a broker, for the services of a catalogue."""
    queues = stands.queues.get(profile.vhost, {})
    importing = said("{}, then on the broker: rabbitmqctl import_definitions DIR/rabbitmq.json", exporting(profile))
    wanted = [f"q.{side}.{service}" for service in services for side in ("sync", "async")]
    missing = [name for name in wanted if name not in queues]
    if not queues:
        others = ", ".join(sorted(stands.queues)) or "-"
        says = said("no queue in vhost {}; there are some in: {}", profile.vhost, others)
        yield Finding("broker: vhost", well=False, says=says, mend=importing)
        return
    yield Finding("broker: vhost", well=True, says=said("{} queues in vhost {}", len(queues), profile.vhost))
    if missing:
        says = said("{} of {} are missing: {}", len(missing), len(wanted), _some(missing))
        yield Finding("broker: queues", well=False, says=says, mend=importing)
    else:
        yield Finding("broker: queues", well=True, says=said("two for each of {} services", len(services)))
    alone = [name for name in wanted if name in queues and not queues[name].consumers]
    if alone:
        says = said("nobody takes from {}", _some(alone))
        yield Finding(
            "broker: consumers",
            well=False,
            says=says,
            mend=said("lgsp connectors --broker amqp://HOST/{}", profile.vhost),
        )
    else:
        yield Finding("broker: consumers", well=True, says=said("a connector takes from every queue"))
    if stands.alarms:
        says = said("it holds publishers back: {}", ", ".join(stands.alarms))
        yield Finding("broker: alarms", well=False, says=says, mend=said("see the runbook LGSPBrokerAlarm"))
    else:
        yield Finding("broker: alarms", well=True, says=said("none"))
