"""The checker itself: green for one story that fits, red, with the right word, for each way in which it does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from checker import Call, End, Execution, Line, Pause, Row, Witnesses, judge, table


def a_story(budget: float = 2.0) -> Witnesses:
    """Five calls of two gateways: two answered, one timed out after it was executed, one broken, one refused."""
    calls = [
        Call("n1", "gw1", "s1", "GET", 0.0, 0.1, 200, "ok", "t1", "n1"),
        Call("n2", "gw2", "s1", "POST", 0.0, 0.1, 404, "business_fault", "t2", "n2"),
        Call("n3", "gw1", "s2", "POST", 1.0, 3.1, 504, "timeout", "t3"),
        Call("n4", "gw2", "s2", "GET", 1.0, 1.5),
        Call("n5", "gw1", "s2", "GET", 1.0, 1.1, 503),
    ]
    rows = [
        Row("t1", "gw1", "s1", "GET", "ok", "", b"h1"),
        Row("t2", "gw2", "s1", "POST", "business_fault", "nobody", b"h2"),
        Row("t3", "gw1", "s2", "POST", "timeout", "budget_spent", b"h3"),
        Row("t4", "gw2", "s2", "GET", "bus_error", "gateway_crash", b"h4"),
    ]
    counts = {(row.gateway, row.service, row.outcome): 1 for row in rows}
    return Witnesses(
        budget,
        calls,
        rows,
        [Execution(f"t{n}", f"n{n}", method) for n, method in enumerate(("GET", "POST", "POST", "GET"), 1)],
        {"q.sync.s1": 0},
        counts,
        {"gw1": 0, "gw2": 0},
        dict(counts),
        {(call.gateway, call.nonce): f"h{call.nonce[1]}".encode() for call in calls},
    )


def changed(calls: dict[int, Call] | None = None, **fields: object) -> Callable[[Witnesses], Witnesses]:
    def change(seen: Witnesses) -> Witnesses:
        seen.calls = [(calls or {}).get(number, call) for number, call in enumerate(seen.calls)]
        return replace(seen, **fields)

    return change


def test_a_story_that_fits_is_green_and_hides_nothing() -> None:
    seen = a_story()
    verdict = judge(seen)
    assert verdict.is_green, verdict.examples
    assert verdict.notes["connection broke"] == 1
    assert verdict.notes["... and in the ledger"] == 1
    assert verdict.notes["refused before they were one"] == 1
    assert verdict.notes["maybe executed"] == 2
    assert "lost 0  doubled 0  phantom 0  false ok 0  hanging 0" in table(seen, verdict)


def test_nothing_at_all_is_green() -> None:
    assert judge(Witnesses(2.0)).is_green


def without_row(seen: Witnesses) -> Witnesses:
    return replace(seen, rows=seen.rows[1:], scraped={}, hours={})


STORY = a_story()
WRONG: dict[str, tuple[Callable[[Witnesses], Witnesses], set[str]]] = {
    "a row is missing": (without_row, {"lost", "phantom", "uncounted"}),
    "the row is another gateway's": (
        changed(rows=[replace(STORY.rows[0], gateway="gw2"), *STORY.rows[1:]]),
        {"lost", "phantom", "uncounted"},
    ),
    "a request has two rows": (
        changed(rows=[*STORY.rows, replace(STORY.rows[0], transaction="t9")]),
        {"doubled", "false ok", "uncounted"},
    ),
    "a transaction has two rows": (
        changed(rows=[*STORY.rows, replace(STORY.rows[3], caller=b"")]),
        {"doubled", "phantom", "uncounted"},
    ),
    "a POST ran twice": (changed(executions=[*STORY.executions, STORY.executions[1]]), {"doubled"}),
    "a row is nobody's": (
        changed(rows=[replace(STORY.rows[0], caller=b"h8"), *STORY.rows[1:]]),
        {"phantom"},
    ),
    "a refused call has a row": (changed({3: replace(STORY.calls[3], status=503)}), {"phantom"}),
    "an execution is nobody's": (changed(executions=[*STORY.executions, Execution("t9", "n9", "GET")]), {"phantom"}),
    "ok without execution": (changed(executions=STORY.executions[1:]), {"false ok"}),
    "an answer too late": (changed({2: replace(STORY.calls[2], ended=4.1)}), {"hanging"}),
    "no end at all": (changed({3: replace(STORY.calls[3], ended=16.0)}), {"hanging"}),
    "open at rest": (changed(still_open={"gw1": 1}), {"hanging"}),
    "two outcomes": (changed({2: replace(STORY.calls[2], status=502, outcome="provider_error")}), {"contradicted"}),
    "another service": (changed({0: replace(STORY.calls[0], service="s2")}), {"contradicted"}),
    "a status of its own": (changed({2: replace(STORY.calls[2], status=200)}), {"contradicted"}),
    "an unknown outcome": (
        changed(
            {2: replace(STORY.calls[2], outcome="fine", status=200)},
            rows=[*STORY.rows[:2], replace(STORY.rows[2], outcome="fine"), STORY.rows[3]],
            scraped={("gw1", "s2", "fine"): 1} | {k: n for k, n in STORY.scraped.items() if k[2] != "timeout"},
            hours={("gw1", "s2", "fine"): 1} | {k: n for k, n in STORY.hours.items() if k[2] != "timeout"},
        ),
        {"contradicted"},
    ),
    "somebody else's answer": (changed({0: replace(STORY.calls[0], echo="n2")}), {"crossed"}),
    "the scrape has one more": (changed(scraped={**STORY.scraped, ("gw1", "s1", "ok"): 2}), {"uncounted"}),
    "the hours have one less": (changed(hours={}), {"uncounted"}),
    "a message is left": (changed(queues={"q.sync.s1": 1}), {"left behind"}),
    "a complaint on the way": (changed(complaints=["gw1: accepted 3, ended 1, open 1"]), {"complaint"}),
}


@pytest.mark.parametrize("name", WRONG)
def test_each_way_not_to_fit_has_its_word(name: str) -> None:
    change, words = WRONG[name]
    assert set(judge(change(a_story())).counts) == words


@pytest.mark.parametrize(("gateway", "hangs"), [("gw1", False), ("*", False), ("gw2", True)])
def test_time_in_which_nobody_could_answer_does_not_count(gateway: str, hangs: bool) -> None:  # noqa: FBT001 - a row of the table
    seen = a_story()
    seen.calls = [replace(STORY.calls[0], ended=6.0), *STORY.calls[1:]]
    seen.pauses = [Pause(gateway, -1.0, 3.5)]
    assert bool(judge(seen).counts["hanging"]) is hangs


def test_time_that_two_pauses_share_counts_once() -> None:
    seen = a_story()
    seen.calls = [replace(STORY.calls[0], ended=6.0), *STORY.calls[1:]]
    seen.pauses = [Pause("*", 1.0, 2.6), Pause("gw1", 1.0, 2.5), Pause("gw1", 2.0, 2.7)]
    assert judge(seen).counts["hanging"] == 1
    seen.pauses = [*seen.pauses, Pause("gw1", 4.0, 5.5)]
    assert judge(seen).counts["hanging"] == 0


def a_stored_story() -> Witnesses:
    """Three that were stored: one answered 202, one waited for and asked twice, one given up and sent once more."""
    calls = [
        Call("n1", "gw1", "s1", "POST", 0.0, 0.1, 202, "open", "t1"),
        Call("n2", "gw1", "s1", "POST", 0.0, 0.1, 200, "ok", "t2", "n2", asked=2),
        Call("n3", "gw1", "s1", "POST", 0.0, 2.1, 202, "open", "t3"),
    ]
    rows = [
        Row("t1", "gw1", "s1", "POST", "ok", "", b"h1"),
        Row("t2", "gw1", "s1", "POST", "ok", "", b"h2"),
        Row("t9", "gw1", "s1", "POST", "bus_error", "shutting_down", b"h2"),
        Row("t3", "gw1", "s1", "POST", "provider_error", "refused", b"h3"),
        Row("t4", "gw1", "s1", "POST", "ok", "", b"h3"),
    ]
    counts: Counter[tuple[str, str, str]] = Counter((row.gateway, row.service, row.outcome) for row in rows)
    return Witnesses(
        2.0,
        calls,
        rows,
        [Execution("t1", "n1", "POST"), Execution("t2", "n2", "POST"), Execution("t4", "n3", "POST")],
        scraped=counts,
        hours=dict(counts),
        hashes={("gw1", f"n{n}"): f"h{n}".encode() for n in (1, 2, 3)},
        ends={"t1": End("ok", 200, "n1"), "t3": End("provider_error", 502, "n3")},
        requeued={"t3": "t4"},
        outbox=[Line(id_, "gw1", "ended", "ok", has_body=False) for id_ in ("t1", "t2", "t4")],
    )


def test_what_was_stored_fits_and_hides_nothing() -> None:
    seen = a_stored_story()
    verdict = judge(seen)
    assert verdict.is_green, verdict.examples
    assert verdict.notes["answered 202"] == 2
    assert verdict.notes["asked again under one key"] == 1
    assert verdict.notes["stored"] == 4
    assert verdict.notes["parked, and sent once more"] == 1
    told = table(seen, verdict).splitlines()
    assert next(line.split() for line in told if line.startswith("provider_error")) == ["provider_error", *"1111"]


STORED = a_stored_story()
STORED_WRONG: dict[str, tuple[Callable[[Witnesses], Witnesses], set[str]]] = {
    "no end is told": (changed(ends={"t3": STORED.ends["t3"]}), {"hanging"}),
    "unknown where it was to be asked for": (changed(ends={**STORED.ends, "t1": End("", 404)}), {"hanging"}),
    "202 and no row": (
        changed(rows=STORED.rows[1:], executions=STORED.executions[1:], scraped={}, hours={}, ends={}),
        {"lost", "hanging", "uncounted"},
    ),
    "another end than the ledger's": (
        changed(ends={**STORED.ends, "t1": End("timeout", 504)}),
        {"contradicted"},
    ),
    "a status that is none of the end's": (
        changed(ends={**STORED.ends, "t1": End("ok", 502, "n1")}),
        {"contradicted"},
    ),
    "open with another status": (changed({0: replace(STORED.calls[0], status=200)}), {"contradicted"}),
    "somebody else's result": (changed(ends={**STORED.ends, "t1": End("ok", 200, "n2")}), {"crossed"}),
    "an end without an effect": (changed(executions=STORED.executions[1:]), {"false ok"}),
    "the effect twice": (changed(executions=[*STORED.executions, STORED.executions[0]]), {"doubled"}),
    "one key, two transactions": (
        changed(rows=[replace(row, reason="") for row in STORED.rows]),
        {"doubled"},
    ),
    "given up and gone": (changed(requeued={}), {"lost", "doubled"}),
    "sent once more into nothing": (changed(requeued={"t3": "t5"}), {"lost", "doubled"}),
    "no outcome in the outbox": (
        changed(outbox=[*STORED.outbox, Line("t8", "gw1", "queued", "", has_body=True)]),
        {"left behind"},
    ),
    "a body too long": (changed(outbox=[replace(STORED.outbox[0], has_body=True)]), {"left behind"}),
    "still parked": (changed(outbox=[replace(STORED.outbox[0], state="parked", has_body=True)]), {"left behind"}),
}


@pytest.mark.parametrize("name", STORED_WRONG)
def test_each_way_in_which_the_stored_do_not_fit_has_its_word(name: str) -> None:
    change, words = STORED_WRONG[name]
    assert set(judge(change(a_stored_story())).counts) == words
