from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from builders import shipped

from lgsp.app.recorded import Recorded
from lgsp.cli.load import allow, exit_code, load, plan_of, refuse_writes
from lgsp.errors import SettingsError
from lgsp.model import Outcome
from lgsp.traffic.load.account import Account, Sent
from lgsp.traffic.load.limits import parse_limits
from lgsp.traffic.load.mix import Call


def asked(*words: str) -> dict[str, Any]:
    """The options as the command line reads them."""
    return load.make_context("load", list(words)).params


@pytest.mark.parametrize(
    ("words", "seconds", "calls"),
    [
        (("--rate", "50", "--for", "10s"), 10, 500),
        (("--stages", "10s:100,10s:100,10s:0"), 30, 2_000),
        (("--rate", "10", "--for", "20s", "--arrivals", "bursty"), 20, 200),
    ],
)
def test_a_plan_is_what_the_options_say(words: tuple[str, ...], seconds: float, calls: int) -> None:
    plan = plan_of(asked(*words))
    assert (plan.seconds, plan.users) == (seconds, 0)
    assert plan.arrivals is not None
    assert plan.arrivals.due(calls - 1) is not None
    assert plan.arrivals.due(calls) is None


def test_users_have_no_moments_but_think() -> None:
    plan = plan_of(asked("--users", "7", "--for", "1m", "--think", "500ms", "--warm-up", "10s"))
    assert (plan.users, plan.arrivals, plan.think, plan.warm_up, plan.seconds) == (7, None, 0.5, 10.0, 60.0)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--for", "1m"), "in one way"),
        (("--rate", "5", "--users", "5", "--for", "1m"), "in one way"),
        (("--rate", "5"), "--for says how long"),
        (("--stages", "10s:5", "--for", "1m"), "--for says how long"),
        (("--stages", "10s:5", "--arrivals", "bursty"), "goes with --rate"),
        (("--rate", "5", "--for", "10"), "--for: a duration needs its unit"),
        (("--rate", "5", "--for", "0s"), "sends nothing"),
        (("--rate", "5", "--for", "1s", "--arrivals", "trace"), "goes with --mix CAPTURE"),
        (("--rate", "5", "--for", "10s", "--warm-up", "6s", "--cool-down", "4s"), "leave nothing of 10 s"),
    ],
)
def test_what_makes_no_plan_is_a_sentence(words: tuple[str, ...], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        plan_of(asked(*words))


CALL = Call("svc", "POST /a", "POST", "/svc/a", {}, b"", 7.0)


def test_a_trace_has_the_pauses_of_what_was_recorded_and_its_order() -> None:
    recorded = Recorded((CALL, CALL, CALL), (0.0, 1.0, 3.0), Counter())
    plan = plan_of(asked("--rate", "1", "--for", "3s", "--mix", "a.har", "--arrivals", "trace"), recorded)
    assert (plan.recorded, plan.in_order) == ((CALL, CALL, CALL), True)
    assert plan.arrivals is not None
    assert [plan.arrivals.due(number) for number in range(4)] == pytest.approx([0, 2 / 3, 2, None])
    plan = plan_of(asked("--users", "2", "--for", "3s", "--mix", "a.har"), recorded)
    assert (plan.recorded, plan.in_order, plan.arrivals) == ((CALL, CALL, CALL), False, None)


def test_what_may_change_something_is_refused_by_name() -> None:
    with pytest.raises(
        SettingsError, match=r"^1 of 2 calls may change something at http://here: svc POST /a \(1\); add"
    ):
        refuse_writes([CALL, replace(CALL, method="GET")], shipped(), "http://here")
    refuse_writes([], shipped(), "http://here")


def test_only_this_machine_is_loaded_unless_another_is_named() -> None:
    for url in ("http://127.0.0.1:8280", "https://localhost:8243", "http://[::1]:8280"):
        allow(url, ())
    allow("http://10.0.0.7:8280", ("10.0.0.7",))
    with pytest.raises(SettingsError, match=r"--allow-target 10\.0\.0\.7"):
        allow("http://10.0.0.7:8280", ("10.0.0.8",))
    with pytest.raises(SettingsError, match="is no address"):
        allow("127.0.0.1:8280", ())


@pytest.mark.parametrize(("late", "slow", "code"), [(0.0, 0.1, 0), (0.0, 2.0, 1), (0.2, 0.1, 4), (0.2, 2.0, 4)])
def test_whoever_was_late_himself_judges_nobody(late: float, slow: float, code: int) -> None:
    account = Account(0.0, 1.0)
    account.add(Sent("svc", "GET /a", 0.0, 0.0, late, slow, Outcome.OK))
    assert exit_code(parse_limits("lag_p99<50ms,p95<1s"), account) == code
