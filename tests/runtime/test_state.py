from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from builders import a_request
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from remembering import Remembered

from lgsp.clock import ManualClock
from lgsp.errors import SettingsError
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.connector import Forward, Kept, State
from lgsp.runtime.state import Limits, States

Body = Callable[[Request, State], Any]


def a_connector(says: Body, **kinds: Kept) -> Any:
    """A stateful connector that replies with what `says` returns."""
    return SimpleNamespace(
        STATE=kinds or {"thing": Kept(seconds=60)},
        answer_with=lambda request, state: Reply.of_json(request, says(request, state)),
    )


def put(request: Request, state: State) -> None:
    state.put("thing", request.key, json.loads(request.body))


def get(request: Request, state: State) -> Any:
    return state.get("thing", request.key)


def keys(_: Request, state: State) -> list[str]:
    return [key for key, _value in state.each("thing")]


def count(_: Request, state: State) -> int:
    number = 1 + (state.get("thing", "count") or 0)
    state.put("thing", "count", number)
    return number


async def say(answer: Forward, key: str = "k", value: object = 1, consumer: str = "c") -> Any:
    reply = await answer(a_request(key=key, body=json.dumps(value).encode(), consumer=consumer))
    return json.loads(reply.body)


@pytest.fixture(params=["memory", "file"])
async def states(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[States]:
    async with States(ManualClock(), None if request.param == "memory" else tmp_path / "s.sqlite") as made:
        yield made


async def test_what_was_put_is_there_for_its_consumer_at_its_service(states: States) -> None:
    await say(states.answering("a", a_connector(put)), "k", {"ô": [1, None]})
    assert await say(states.answering("a", a_connector(get))) == {"ô": [1, None]}
    assert await say(states.answering("a", a_connector(get)), "other") is None
    assert await say(states.answering("a", a_connector(get)), consumer="d") is None
    assert await say(states.answering("b", a_connector(get))) is None


async def test_a_request_sees_its_own_changes_and_what_is_removed_is_gone(states: States) -> None:
    def says(_: Request, state: State) -> list[Any]:
        state.put("thing", "b", 2)
        state.put("thing", "a/1", 1)
        state.remove("thing", "k")
        return [state.get("thing", "b"), state.get("thing", "k"), list(state.each("thing", "a"))]

    await say(states.answering("a", a_connector(put)))
    assert await say(states.answering("a", a_connector(says))) == [2, None, [["a/1", 1]]]
    assert await say(states.answering("a", a_connector(keys))) == ["a/1", "b"]


async def test_what_comes_out_is_a_copy(states: States) -> None:
    def says(_: Request, state: State) -> Any:
        found = state.get("thing", "k")
        found["n"] = 2
        return state.get("thing", "k")

    await say(states.answering("a", a_connector(put)), value={"n": 1})
    assert await say(states.answering("a", a_connector(says))) == {"n": 1}


async def test_what_a_failing_request_put_is_not_kept(states: States) -> None:
    def says(request: Request, state: State) -> None:
        put(request, state)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await say(states.answering("a", a_connector(says)))
    assert await say(states.answering("a", a_connector(get))) is None
    await say(states.answering("a", a_connector(put)))
    assert await say(states.answering("a", a_connector(get))) == 1


async def test_a_kind_that_was_not_declared_is_a_mistake(states: States) -> None:
    for says in (
        lambda _, state: state.get("x", "k"),
        lambda _, state: state.put("x", "k", 1),
        lambda _, state: state.remove("x", "k"),
        lambda _, state: list(state.each("x")),
    ):
        with pytest.raises(KeyError, match="declared no 'x'"):
            await say(states.answering("a", a_connector(says)))


async def test_64_at_once_count_to_64(states: States) -> None:
    answer = states.answering("a", a_connector(count))
    numbers = await asyncio.gather(*(say(answer) for _ in range(64)))
    assert sorted(numbers) == list(range(1, 65))


async def test_of_64_that_want_the_same_one_wins_and_63_see_who(states: States) -> None:
    def says(request: Request, state: State) -> Any:
        winner = state.get("thing", "k")
        if winner is None:
            put(request, state)
        return winner

    answer = states.answering("a", a_connector(says))
    saw = await asyncio.gather(*(say(answer, value=n) for n in range(1, 65)))
    winner = await say(states.answering("a", a_connector(get)))
    assert Counter(saw) == {None: 1, winner: 63}
    assert saw[winner - 1] is None


async def test_processes_that_share_a_file_count_together(tmp_path: Path) -> None:
    file = tmp_path / "s.sqlite"
    async with AsyncExitStack() as stack:
        four = [await stack.enter_async_context(States(ManualClock(), file)) for _ in range(4)]
        answers = [states.answering("a", a_connector(count)) for states in four]
        numbers = await asyncio.gather(*(say(answers[n % 4]) for n in range(64)))
    assert sorted(numbers) == list(range(1, 65))


async def test_who_was_overtaken_by_another_process_is_asked_again(tmp_path: Path) -> None:
    file = tmp_path / "s.sqlite"
    has_read, may_write = threading.Event(), threading.Event()

    def slow(request: Request, state: State) -> int:
        number = count(request, state)
        has_read.set()
        may_write.wait()
        return number

    async with (
        States(ManualClock(), file) as first,
        States(ManualClock(), file) as second,
        asyncio.TaskGroup() as tasks,
    ):
        slower = tasks.create_task(say(first.answering("a", a_connector(slow))))
        await asyncio.to_thread(has_read.wait)
        assert await say(second.answering("a", a_connector(count))) == 1
        may_write.set()
        assert await slower == 2
        assert await say(second.answering("a", a_connector(count))) == 3


async def test_what_does_not_fit_on_the_disk_is_not_half_kept(states: States) -> None:
    def says(_: Request, state: State) -> None:
        state.put("thing", "small", 1)
        state.put("thing", "large", "x" * 1_000_000)

    assert states._db is not None
    states._db.execute("PRAGMA max_page_count = 50")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        await say(states.answering("a", a_connector(says)))
    assert await say(states.answering("a", a_connector(keys))) == []
    await say(states.answering("a", a_connector(put)))
    assert await say(states.answering("a", a_connector(keys))) == ["k"]


@pytest.mark.parametrize(("keep", "found"), [(True, 1), (False, None)])
async def test_a_file_outlives_its_process_where_that_is_asked(
    tmp_path: Path, *, keep: bool, found: int | None
) -> None:
    file = tmp_path / "s.sqlite"
    async with States(ManualClock(), file, keep=keep) as states:
        await say(states.answering("a", a_connector(put)))
    async with States(ManualClock(), file, keep=keep) as states:
        assert await say(states.answering("a", a_connector(get))) == found
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_second_process_does_not_empty_the_file_of_the_first(tmp_path: Path) -> None:
    file = tmp_path / "s.sqlite"
    async with States(ManualClock(), file) as first:
        await say(first.answering("a", a_connector(put)))
        async with States(ManualClock(), file) as second:
            assert await say(second.answering("a", a_connector(get))) == 1


async def test_what_a_killed_process_was_told_is_there(tmp_path: Path) -> None:
    file = tmp_path / "s.sqlite"
    program = f"""
import asyncio, os, signal
from pathlib import Path
from test_state import *
async def main():
    async with States(ManualClock(), Path({str(file)!r}), keep=True) as states:
        await say(states.answering("a", a_connector(put)), value="told")
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    here = Path(__file__).parent
    paths = {"PYTHONPATH": f"{here}:{here.parent}:{here.parents[1]}"}
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env=paths)
    assert await child.wait() == -9
    async with States(ManualClock(), file, keep=True) as states:
        assert await say(states.answering("a", a_connector(get))) == "told"


@pytest.mark.parametrize("content", ["not a database at all, but long enough to be one" * 99, "version"])
async def test_a_file_that_cannot_be_used_is_a_sentence_with_its_name(tmp_path: Path, content: str) -> None:
    file = tmp_path / "s.sqlite"
    if content == "version":
        db = sqlite3.connect(file)
        db.execute("PRAGMA user_version = 99")
        db.close()
    else:
        file.write_text(content)
    with pytest.raises(SettingsError, match=r"s\.sqlite.*move it away"):
        async with States(ManualClock(), file):
            pass


async def test_what_was_not_touched_for_its_time_is_forgotten_and_counted() -> None:
    clock, dropped = ManualClock(), Counter[tuple[str, str]]()
    async with States(clock, dropped=lambda s, reason, n: dropped.update({(s, reason): n})) as states:
        write, read = (states.answering("a", a_connector(says)) for says in (put, get))
        await say(write, "k")
        await say(write, "old")
        await clock.advance(59)
        assert await say(read) == 1
        await say(write, "k", 2)
        await clock.advance(59)
        assert (await say(read, "k"), await say(read, "old")) == (2, None)
        assert dropped == {}
        await say(write, "new")
        assert dropped == {("a", "expired"): 1}
        assert await say(states.answering("a", a_connector(keys))) == ["k", "new"]


async def test_a_consumer_s_share_is_bounded_and_the_longest_unchanged_goes_first() -> None:
    dropped = Counter[tuple[str, str]]()
    kept = Kept(seconds=60, most=3)
    async with States(ManualClock(), dropped=lambda s, reason, n: dropped.update({(s, reason): n})) as states:
        write = states.answering("a", a_connector(put, thing=kept))
        await say(write, "mine", consumer="other")
        for key in ("1", "2", "3", "1", "4", "5"):
            await say(write, key)
        assert await say(states.answering("a", a_connector(keys, thing=kept))) == ["1", "4", "5"]
        assert await say(states.answering("a", a_connector(keys, thing=kept)), consumer="other") == ["mine"]
    assert dropped == {("a", "consumer"): 2}


async def test_all_together_is_bounded_in_things_and_in_bytes() -> None:
    dropped = Counter[tuple[str, str]]()
    limits = Limits(consumer_bytes=100, items=4, bytes=150)
    async with States(
        ManualClock(), dropped=lambda s, reason, n: dropped.update({(s, reason): n}), limits=limits
    ) as states:
        for number in range(6):
            await say(states.answering(f"s{number % 2}", a_connector(put)), str(number), consumer=str(number))
        assert dropped == {("s0", "whole"): 1, ("s1", "whole"): 1}
        answer = states.answering("s0", a_connector(put))
        await say(answer, "big", "x" * 60, consumer="x")
        await say(answer, "bigger", "x" * 70, consumer="x")
        assert dropped["s0", "consumer"] == 1
        await say(answer, "too big for anybody", "x" * 200, consumer="x")
        assert await say(states.answering("s0", a_connector(keys)), consumer="x") == []


KEYS = st.sampled_from(["a", "b", "b/1", "b/2", "c"])


class OneConsumersState(RuleBasedStateMachine):
    """The kept state and one of dictionaries, told the same, say the same."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.states = States(self.clock)
        self.loop.run_until_complete(self.states.__aenter__())
        self.kinds = {"thing": Kept(seconds=10), "other": Kept(seconds=20)}
        self.model = Remembered(self.kinds, {}, self.clock.now())

    def both(self, says: Callable[[State], Any]) -> None:
        self.model.now = self.clock.now()
        connector = a_connector(lambda _, state: says(state), **self.kinds)
        reply = self.loop.run_until_complete(self.states.answering("a", connector)(a_request(consumer="c")))
        assert json.loads(reply.body) == json.loads(json.dumps(says(self.model)))

    @rule(kind=st.sampled_from(["thing", "other"]), key=KEYS, value=st.integers() | st.text(max_size=3))
    def put(self, kind: str, key: str, value: object) -> None:
        self.both(lambda state: state.put(kind, key, value))

    @rule(kind=st.sampled_from(["thing", "other"]), key=KEYS)
    def remove(self, kind: str, key: str) -> None:
        self.both(lambda state: state.remove(kind, key))

    @rule(kind=st.sampled_from(["thing", "other"]), prefix=KEYS | st.just(""))
    def put_and_list(self, kind: str, prefix: str) -> None:
        self.both(lambda state: [state.put(kind, prefix, 0), list(state.each(kind, prefix))])

    @rule(seconds=st.integers(1, 15))
    def wait(self, seconds: int) -> None:
        self.loop.run_until_complete(self.clock.advance(seconds))

    @invariant()
    def they_say_the_same(self) -> None:
        self.both(lambda state: [list(state.each(kind)) for kind in self.kinds])
        self.both(lambda state: [state.get("thing", key) for key in ("a", "b", "b/1")])

    def teardown(self) -> None:
        self.loop.run_until_complete(self.states.__aexit__(None, None, None))
        self.loop.close()


OneConsumersState.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestOneConsumersState = OneConsumersState.TestCase


async def test_a_reply_is_the_connector_s_own(states: States) -> None:
    connector = a_connector(put)
    connector.answer_with = lambda request, _: Reply(request.id, Outcome.BUSINESS_FAULT, 409, "r", b"x")
    request = a_request()
    assert await states.answering("a", connector)(request) == Reply(request.id, Outcome.BUSINESS_FAULT, 409, "r", b"x")
