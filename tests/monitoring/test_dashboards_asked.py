"""Every query of every board, asked of a real Prometheus that holds known traffic: busy, idle, and in an outage."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
import yaml
from monitoring import past
from monitoring.grafana import Answer, Labels, Prometheus, Refused, Screen, about_others, objections
from monitoring.past import BEFORE, BUSY, IDLE, OUT, OUTAGE, PHASE, SERVICES, STEP
from monitoring.server import running

from lgsp.model import Outcome
from lgsp.monitoring.boards import boards
from lgsp.monitoring.boards.panel import Board, Kind, Panel, Query
from lgsp.monitoring.profile import Profile
from lgsp.monitoring.rules import rules

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]
PROFILE = Profile()
BOARDS = {board.uid: board for board in boards(PROFILE)}
STATES = {"before": BEFORE, "busy": BUSY, "idle": IDLE, "outage": OUTAGE}
EVERY = [
    (board, panel, number)
    for board in BOARDS.values()
    for panel in board.panels
    for number in range(len(panel.queries))
]
RECORDED = re.compile(r"(?:service|owner|bus):\w+:\w+")


def _promtool(*words: str) -> None:
    done = subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _levels() -> Iterator[list[dict[str, Any]]]:
    """The recording rules, those first on which others build."""
    left = {r["record"]: r for group in rules(PROFILE)["groups"] for r in group["rules"] if "record" in r}
    while left:
        now = [rule for rule in left.values() if not set(RECORDED.findall(rule["expr"])) & set(left)]
        assert now, left
        yield now
        for rule in now:
            del left[rule["record"]]


@dataclass(frozen=True)
class Rig:
    """A Prometheus that holds the past, and where its states end."""

    prometheus: Prometheus
    start: int

    def screen(self, state: int) -> Screen:
        when = self.start - past.AWAY if state == BEFORE else self.start + state * PHASE * STEP
        return Screen(self.prometheus, when, STEP)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    directory = tmp_path_factory.mktemp("past")
    length = 3 * PHASE * STEP
    start = (int(time.clock_gettime(time.CLOCK_REALTIME)) - length - 4 * 3_600) // STEP * STEP
    (directory / "past.om").write_text("".join(past.open_metrics(start)))
    _promtool("openmetrics", "--quiet", "--max-block-duration=24h", str(directory / "past.om"), str(directory / "data"))
    for number, level in enumerate(_levels()):
        file = directory / f"level-{number}.yml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "recorded", "rules": level}]}))
        span = [f"--start={start}", f"--end={start + length}", f"--eval-interval={STEP}s"]
        with running(directory) as where:
            _promtool("rules", *span, f"--url=http://{where}", f"--output-dir={directory}/data", str(file))
    with running(directory) as where:
        prometheus = Prometheus(where)
        yield Rig(prometheus, start)
        prometheus.close()


Choices = Mapping[str, list[str]]


@pytest.fixture(scope="module")
def chosen(rig: Rig) -> dict[str, dict[str, Choices]]:
    """By board, what is chosen when all is and when one service is."""
    screen = rig.screen(BUSY)
    return {
        uid: {"all": screen.choices(board, {}), "one": screen.choices(board, {"service": OUT})}
        for uid, board in BOARDS.items()
    }


def ask(rig: Rig, state: int, panel: Panel, query: Query, choices: Choices) -> Answer:
    return rig.screen(state).ask(query.expr, choices, instant=panel.kind.is_instant)


def name_of(board: Board, panel: Panel, number: int) -> str:
    return f"{board.uid}: {panel.title.en} [{number}]"


@pytest.fixture(scope="module")
def answers(rig: Rig, chosen: dict[str, dict[str, Choices]]) -> dict[tuple[str, str, str], Answer]:
    """Every query in every state, with all services and with one."""
    return {
        (name_of(board, panel, number), state, which): ask(
            rig, at, panel, panel.queries[number], chosen[board.uid][which]
        )
        for board, panel, number in EVERY
        for state, at in STATES.items()
        for which in ("all", "one")
    }


Answers = Mapping[tuple[str, str, str], Answer]
SIMULATED = "lgsp-overview: The last five months [0]"
QUIET_WHEN_BUSY = {"lgsp-load: Faults injected [0]": "outage", SIMULATED: "before"}
"""When there is something of it: no fault, no line; and what was watched is not simulated."""
EMPTY_WHEN_IDLE = {
    SIMULATED,
    "lgsp-overview: SLI, last 5 min [0]",
    "lgsp-overview: Latency p95 [0]",
    "lgsp-overview: Every service: SLI above or below its objective [0]",
    "lgsp-overview: Where the time goes [0]",
    "lgsp-overview: Where the time goes [1]",
    "lgsp-overview: Where the time goes [2]",
    "lgsp-overview: Whose fault [0]",
    "lgsp-overview: Whose fault [1]",
    "lgsp-overview: Services, worst first [2]",
    "lgsp-overview: Services, worst first [3]",
    "lgsp-service: SLI against objective [0]",
    "lgsp-service: Latency p50 p95 p99 [0]",
    "lgsp-service: Latency p50 p95 p99 [1]",
    "lgsp-service: Latency p50 p95 p99 [2]",
    "lgsp-service: p95 of failures and of the rest [0]",
    "lgsp-service: Queue wait p95 [0]",
    "lgsp-service: Provider p95 [0]",
    "lgsp-service: Burn rate [0]",
    "lgsp-service: Alerts [0]",
    "lgsp-slo: Budgets of this month, worst first (exact) [4]",
    "lgsp-slo: Budgets of this month, worst first (exact) [5]",
    "lgsp-slo: Fastest burning [0]",
    "lgsp-slo: Owners: SLI [0]",
    "lgsp-broker: Publish confirm p95 [0]",
    "lgsp-broker: Longest waits in a queue, p95 [0]",
    "lgsp-report: Ledger against the HTTP edge, 1 h [0]",
    "lgsp-load: p95 at the client and at the gateway [0]",
    "lgsp-load: p95 at the client and at the gateway [1]",
}
"""Nobody called: what would be 0/0, or a green 100 %, is not there at all."""


def test_every_query_answers_when_busy_with_the_labels_that_are_shown(answers: Answers) -> None:
    for board, panel, number in EVERY:
        name = name_of(board, panel, number)
        for which in ("all", "one"):
            state = QUIET_WHEN_BUSY.get(name, "busy")
            if which == "one" and name == "lgsp-service: Alerts [0]":
                state = "outage"  # the service that is chosen has none before
            assert objections(panel, panel.queries[number], answers[name, state, which]) == [], (name, which)


def test_nothing_is_ever_nan_or_infinite(answers: Answers) -> None:
    for where, answer in answers.items():
        assert not [value for value in answer.values() if value - value != 0], where


def test_when_nobody_calls_what_has_no_meaning_is_not_there(answers: Answers) -> None:
    empty = {
        name for (name, state, which), answer in answers.items() if (state, which) == ("idle", "all") and not answer
    }
    assert empty == EMPTY_WHEN_IDLE


def test_when_nobody_calls_every_rate_of_calls_is_a_zero(answers: Answers) -> None:
    seen = 0
    for board, panel, number in EVERY:
        name = name_of(board, panel, number)
        if panel.unit == "reqps" and panel.kind in {Kind.LINES, Kind.AREAS, Kind.STAT} and name != SIMULATED:
            values = set(answers[name, "idle", "all"].values())
            assert values == {0}, (board.uid, panel.title.en)
            seen += 1
    assert seen > 15


def test_one_service_is_shown_alone_and_not_as_all_are(answers: Answers) -> None:
    for board, panel, number in EVERY:
        name = name_of(board, panel, number)
        if "$service" not in panel.queries[number].expr:
            continue
        for state in STATES:
            assert about_others(OUT, list(SERVICES), answers[name, state, "one"]) == [], (name, state)
        assert any(answers[name, state, "one"] != answers[name, state, "all"] for state in STATES), name


def labelled(**labels: str) -> Labels:
    return frozenset(labels.items())


def per_second(state: int, *outcomes: str, services: tuple[str, ...] = tuple(SERVICES)) -> float:
    chosen = outcomes or tuple(Outcome)
    return sum(SERVICES[name].ends(name, state, outcome) for name in services for outcome in chosen) / STEP


GOOD, BAD = ("ok", "business_fault"), ("provider_error", "timeout", "unreachable", "bus_error")


def sli(state: int, *services: str) -> float:
    names = services or tuple(SERVICES)
    bad = per_second(state, *BAD, services=names)
    return 1 - bad / (bad + per_second(state, *GOOD, services=names))


def so_far(state: int, *outcomes: str, services: tuple[str, ...] = tuple(SERVICES)) -> float:
    """Transactions until the end of a state."""
    return sum(per_second(s, *outcomes, services=services) * STEP * PHASE for s in range(1, state + 1))


def year(state: int, *outcomes: str, services: tuple[str, ...] = tuple(SERVICES)) -> float:
    return past.YEAR * len(services) * (not outcomes or "ok" in outcomes) + so_far(state, *outcomes, services=services)


def month_left(name: str, state: int) -> float:
    """As it was recorded: between two samples, so that it has not seen the last step."""
    bad, good = (
        so_far(state, *of, services=(name,)) - per_second(state, *of, services=(name,)) * STEP for of in (BAD, GOOD)
    )
    good += past.MONTH
    return 1 - bad / (bad + good) / (1 - SERVICES[name].objective)


def by_service(value: Any) -> dict[Labels, float]:
    return {labelled(service=name): value(name) for name in SERVICES}


ONE = (OUT,)
NOW = labelled()
INSIDE = {state: sum(month_left(name, state) >= 0 for name in SERVICES) for state in (BUSY, IDLE, OUTAGE)}
TRUTH: dict[tuple[str, str, str], dict[Labels, float]] = {
    ("lgsp-overview: Transactions per second [0]", "busy", "all"): {NOW: per_second(BUSY)},
    ("lgsp-overview: Transactions per second [0]", "busy", "one"): {NOW: per_second(BUSY, services=ONE)},
    ("lgsp-overview: Transactions per second [0]", "outage", "one"): {NOW: 2},
    ("lgsp-overview: SLI, last 5 min [0]", "busy", "all"): {NOW: sli(BUSY)},
    ("lgsp-overview: SLI, last 5 min [0]", "outage", "all"): {NOW: sli(OUTAGE)},
    ("lgsp-overview: SLI, last 5 min [0]", "outage", "one"): {NOW: 0},
    ("lgsp-overview: Since 1 January (exact) [0]", "busy", "all"): {NOW: year(BUSY)},
    ("lgsp-overview: Since 1 January (exact) [0]", "outage", "one"): {NOW: year(OUTAGE, services=ONE)},
    ("lgsp-overview: Official success since 1 January [0]", "outage", "all"): {NOW: year(OUTAGE, *GOOD) / year(OUTAGE)},
    ("lgsp-overview: Services inside their budget [0]", "busy", "all"): {NOW: INSIDE[BUSY]},
    ("lgsp-overview: Services inside their budget [0]", "outage", "all"): {NOW: INSIDE[OUTAGE]},
    ("lgsp-overview: Services inside their budget [1]", "outage", "all"): {NOW: 3},
    ("lgsp-overview: Pages firing [0]", "busy", "all"): {NOW: 0},
    ("lgsp-overview: Pages firing [0]", "outage", "all"): {NOW: 1},
    ("lgsp-overview: Every service: SLI above or below its objective [0]", "busy", "all"): by_service(
        lambda name: sli(BUSY, name) - SERVICES[name].objective
    ),
    ("lgsp-overview: Every service: SLI above or below its objective [0]", "outage", "one"): {
        labelled(service=OUT): -SERVICES[OUT].objective
    },
    ("lgsp-overview: Throughput by outcome [0]", "outage", "all"): {
        labelled(outcome=outcome): per_second(OUTAGE, outcome) for outcome in Outcome
    },
    ("lgsp-overview: Throughput by tier [0]", "outage", "all"): {
        labelled(tier="central"): per_second(OUTAGE, *GOOD, *BAD, services=("alpha", "gamma")),
        labelled(tier="provincial"): per_second(OUTAGE, services=ONE),
    },
    ("lgsp-overview: Where the time goes [1]", "busy", "one"): {NOW: 0.1},
    ("lgsp-overview: Where the time goes [2]", "busy", "one"): {NOW: 0.25},
    ("lgsp-overview: Whose fault [0]", "busy", "all"): {NOW: 1 - sli(BUSY)},
    ("lgsp-overview: Whose fault [1]", "busy", "all"): {
        NOW: per_second(BUSY, "bus_error") / per_second(BUSY, *GOOD, *BAD)
    },
    ("lgsp-overview: Services, worst first [2]", "busy", "all"): by_service(lambda name: sli(BUSY, name)),
    ("lgsp-overview: Services, worst first [4]", "outage", "all"): by_service(lambda name: month_left(name, OUTAGE)),
    ("lgsp-overview: Services, worst first [5]", "outage", "all"): by_service(
        lambda name: year(OUTAGE, services=(name,))
    ),
    ("lgsp-overview: Services, worst first [6]", "busy", "all"): by_service(lambda name: SERVICES[name].lag),
    ("lgsp-service: Budget left this month (exact) [0]", "outage", "one"): {NOW: month_left(OUT, OUTAGE)},
    ("lgsp-service: Since last success [0]", "outage", "one"): {NOW: 2 * PHASE * STEP + SERVICES[OUT].lag},
    ("lgsp-service: Connectors on its queues [0]", "busy", "one"): {NOW: 18},
    ("lgsp-service: Connectors on its queues [0]", "outage", "one"): {NOW: 9},
    ("lgsp-service: Year, month, today (exact) [1]", "outage", "one"): {NOW: past.MONTH + so_far(OUTAGE, services=ONE)},
    ("lgsp-service: Year, month, today (exact) [2]", "outage", "one"): {NOW: past.DAY + so_far(OUTAGE, services=ONE)},
    ("lgsp-service: SLI against objective [1]", "busy", "all"): {NOW: 0.95},
    ("lgsp-service: In flight, open, parked [2]", "busy", "one"): {NOW: SERVICES[OUT].gauge + 2},
    ("lgsp-service: Burn rate [0]", "outage", "one"): {NOW: 1 / (1 - SERVICES[OUT].objective)},
    ("lgsp-service: Alerts [0]", "outage", "one"): {
        labelled(alertname="LGSPServiceDown", alertstate="firing", severity="page", service=OUT): 1
    },
    ("lgsp-slo: Budgets of this month, worst first (exact) [2]", "outage", "one"): {
        labelled(service=OUT): 1
        - so_far(OUTAGE, *BAD, services=ONE) / (past.MONTH + so_far(OUTAGE, *GOOD, *BAD, services=ONE))
    },
    ("lgsp-slo: Owners: rate [0]", "busy", "all"): {
        labelled(owner=owner, tier=tier): per_second(BUSY, *GOOD, *BAD, services=(name,))
        for name, (owner, tier) in {n: (s.owner, s.tier) for n, s in SERVICES.items()}.items()
    },
    ("lgsp-slo: Owners since 1 January (exact) [0]", "outage", "all"): {
        labelled(owner=s.owner, tier=s.tier): year(OUTAGE, services=(name,)) for name, s in SERVICES.items()
    },
    ("lgsp-broker: Alarms [0]", "busy", "all"): {NOW: 0},
    ("lgsp-broker: Queues with work and no connector [0]", "busy", "all"): {NOW: 0},
    ("lgsp-broker: Queues with work and no connector [0]", "outage", "all"): {NOW: 1},
    ("lgsp-broker: Queues with work and no connector [0]", "idle", "all"): {NOW: 1},
    ("lgsp-broker: Queues with work and no connector [0]", "idle", "one"): {NOW: 0},
    ("lgsp-service: Since last success [0]", "busy", "all"): {NOW: max(known.lag for known in SERVICES.values())},
    **{
        (f"{panel} [0]", "busy", "all"): {
            labelled(service=name, owner=known.owner, tier=known.tier): 1 for name, known in SERVICES.items()
        }
        for panel in (
            "lgsp-overview: Services, worst first",
            "lgsp-slo: Budgets of this month, worst first (exact)",
            "lgsp-report: Every service since 1 January (exact)",
        )
    },
    ("lgsp-broker: Memory until publishers are blocked [0]", "busy", "all"): {NOW: 250e6},
    ("lgsp-broker: Messages per second [0]", "busy", "all"): {NOW: 230 / STEP},
    ("lgsp-runtime: Processes that answer [0]", "busy", "all"): {NOW: 5},
    ("lgsp-runtime: Processes that answer [0]", "outage", "all"): {NOW: 4},
    ("lgsp-runtime: Processes that answer [1]", "outage", "all"): {NOW: 5},
    ("lgsp-runtime: Watchdog [0]", "idle", "all"): {NOW: 1},
    ("lgsp-report: Accepted less ended less open [0]", "outage", "all"): {NOW: 0},
    ("lgsp-report: Ledger against the HTTP edge, 1 h [0]", "busy", "all"): {NOW: 0},
    ("lgsp-report: Since the last verification [0]", "busy", "all"): {NOW: past.VERIFIED + PHASE * STEP},
    ("lgsp-report: Verification failed [0]", "busy", "all"): {NOW: 0},
    ("lgsp-report: Every service since 1 January (exact) [6]", "outage", "one"): {
        labelled(service=OUT): so_far(OUTAGE, "timeout", services=ONE)
    },
    (SIMULATED, "before", "all"): {NOW: sum(past.SIMULATED.values())},
    (SIMULATED, "before", "one"): {NOW: past.SIMULATED[OUT]},
    ("lgsp-overview: The last five months [1]", "before", "all"): {},
    ("lgsp-overview: The last five months [1]", "busy", "all"): {NOW: per_second(BUSY, *GOOD, *BAD)},
    ("lgsp-load: Asked for and achieved [0]", "busy", "all"): {NOW: 9},
    ("lgsp-load: Asked for and achieved [1]", "busy", "all"): {NOW: per_second(BUSY)},
    ("lgsp-load: Faults injected [0]", "outage", "all"): {labelled(service=OUT, fault="outage"): 1},
}
"""What the figures are, from the numbers of transactions that were put in."""


@pytest.mark.parametrize(("where"), list(TRUTH), ids=" ".join)
def test_a_figure_is_what_was_put_in(where: tuple[str, str, str], answers: Answers) -> None:
    assert answers[where] == pytest.approx(TRUTH[where], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "above", "upto"),
    [
        ("lgsp-overview: Latency p95 [0]", 0.1, 0.25),
        ("lgsp-service: Latency p50 p95 p99 [0]", 0.1, 0.25),
        ("lgsp-service: Queue wait p95 [0]", 0.05, 0.1),
        ("lgsp-service: Provider p95 [0]", 0.1, 0.25),
        ("lgsp-load: p95 at the client and at the gateway [0]", 0.1, 0.25),
    ],
)
def test_a_quantile_lies_in_its_bucket(name: str, above: float, upto: float, answers: Answers) -> None:
    (value,) = answers[name, "busy", "one"].values()
    assert above < value <= upto


def test_the_age_of_the_rules_is_the_time_since_the_last_evaluation(answers: Answers) -> None:
    (age,) = answers["lgsp-runtime: Age of the rules' last result [0]", "idle", "all"].values()
    assert 0 <= age < STEP


def test_the_owner_s_choice_narrows_the_services_down(rig: Rig) -> None:
    for uid, board in BOARDS.items():
        if len(board.variables) == 2:
            found = rig.screen(BUSY).choices(board, {"owner": "bca"})
            assert found == {"owner": ["bca"], "service": ["beta", "gamma"]}, uid
    everything = rig.screen(BUSY).choices(BOARDS["lgsp-overview"], {})
    assert everything == {"owner": [".*"], "service": ["alpha", "beta", "gamma"]}
    processes_ = rig.screen(BUSY).choices(BOARDS["lgsp-runtime"], {})["instance"]
    assert processes_ == [re.escape(name) for name in ("c1:8291", "gw1:8290", "l1:8292", "mq:15692")]


def test_faults_pages_and_restarts_are_marked_when_they_are_there_and_only_then(rig: Rig) -> None:
    first_of_outage = replace(rig.screen(OUTAGE), when=rig.start + (2 * PHASE + 2) * STEP)
    for board in BOARDS.values():
        faults, pages, restarts = (mark.expr for mark in board.marks)
        for expr in (faults, pages, restarts):
            assert rig.screen(BUSY).ask(expr, {}, instant=True) == {}, expr
        assert rig.screen(OUTAGE).ask(faults, {}, instant=True) == {labelled(service=OUT, fault="outage"): 1}
        (page,) = rig.screen(OUTAGE).ask(pages, {}, instant=True)
        assert dict(page)["alertname"] == "LGSPServiceDown"
        assert len(first_of_outage.ask(restarts, {}, instant=True)) == 3


def changes(query: Query) -> Iterator[tuple[str, str]]:
    """A query with one metric renamed, one choice lost, one label no longer kept: each with its words."""
    for match in re.finditer(
        r"(?<![\w:$\"|.])((?:lgsp|rabbitmq|process|scrape)_\w+|ALERTS|up|(?:service|owner|bus):\w+)(?=[{)\s]|$)",
        query.expr,
    ):
        yield f"{match[1]} renamed", query.expr[: match.end()] + "_gone" + query.expr[match.end() :]
    if "$service" in query.expr:
        yield "the choice lost", re.sub(r'service=~"\$service",?', "", query.expr).replace("[.]($service)", "[.].+")
    for match in re.finditer(r"by \(([\w, ]+)\)", query.expr):
        for label in match[1].split(", "):
            kept = ", ".join(other for other in match[1].split(", ") if other != label)
            yield f"{label} dropped", query.expr[: match.start(1)] + kept + query.expr[match.end(1) :]


def is_noticed(rig: Rig, board: Board, panel: Panel, number: int, changed: str, chosen: dict[str, Choices]) -> bool:
    """Whether one of the checks above objects to a query."""
    query = replace(panel.queries[number], expr=changed)
    name = name_of(board, panel, number)
    try:
        found = {(s, w): ask(rig, at, panel, query, chosen[w]) for s, at in STATES.items() for w in ("all", "one")}
    except Refused:
        return True
    if any(value - value for answer in found.values() for value in answer.values()):
        return True
    busy = QUIET_WHEN_BUSY.get(name, "busy")
    if objections(panel, query, found[busy, "all"]):
        return True
    if (name in EMPTY_WHEN_IDLE) != (not found["idle", "all"]):
        return True
    if "$service" in panel.queries[number].expr:
        told = [other for s in STATES for other in about_others(OUT, list(SERVICES), found[s, "one"])]
        if told or all(found[s, "one"] == found[s, "all"] for s in STATES):
            return True
    return any(found[w[1:]] != pytest.approx(t, rel=1e-9, abs=1e-9) for w, t in TRUTH.items() if w[0] == name)


def test_a_metric_that_is_renamed_a_choice_or_a_label_that_is_lost_is_noticed(
    rig: Rig, chosen: dict[str, dict[str, Choices]]
) -> None:
    missed = []
    tried = 0
    for board, panel, number in EVERY:
        for words, changed in changes(panel.queries[number]):
            tried += 1
            if not is_noticed(rig, board, panel, number, changed, chosen[board.uid]):
                missed.append(f"{name_of(board, panel, number)}: {words}: {changed}")
    assert missed == [], "\n".join(missed)
    assert tried > 250
