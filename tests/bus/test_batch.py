import asyncio

import pytest

from lgsp.bus.batch import Batch, Work


class Stage:
    """Works that note what they do, and the tasks that were made for them."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        self.seen: list[str] = []
        self.gate = asyncio.Event()
        self.batch = Batch(self.spawn)

    def spawn(self, work: Work) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(work))

    async def quick(self, name: str) -> None:
        self.seen.append(name)

    async def slow(self, name: str) -> None:
        await self.gate.wait()
        self.seen.append(name)


@pytest.fixture
async def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize("names", ["", "a", "abcdef"])
async def test_what_ends_at_once_shares_one_task_in_its_order_and_one_turn(stage: Stage, names: str) -> None:
    for name in names:
        stage.batch.begin(stage.quick(name))
    assert stage.seen == [], "begun in the next turn"
    await asyncio.sleep(0)
    assert (stage.seen, len(stage.tasks)) == (list(names), min(len(names), 1))


async def test_what_waits_holds_nobody_up(stage: Stage) -> None:
    for work in (stage.quick("a"), stage.slow("b"), stage.quick("c"), stage.slow("d"), stage.quick("e")):
        stage.batch.begin(work)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert stage.seen == ["a", "c", "e"]
    stage.gate.set()
    await asyncio.gather(*stage.tasks)
    assert sorted(stage.seen) == list("abcde")


async def test_what_comes_while_an_earlier_one_waits_is_begun_as_if_it_were_alone(stage: Stage) -> None:
    stage.batch.begin(stage.slow("a"))
    await asyncio.sleep(0)
    for name in "bc":
        stage.batch.begin(stage.quick(name))
    await asyncio.sleep(0)
    assert stage.seen == ["b", "c"]
    stage.gate.set()
    await asyncio.gather(*stage.tasks)
    assert (stage.seen, len(stage.tasks)) == (["b", "c", "a"], 2)


async def test_a_task_that_is_cancelled_takes_only_its_own_work_with_it(stage: Stage) -> None:
    stage.batch.begin(stage.slow("a"))
    stage.batch.begin(stage.slow("b"))
    await asyncio.sleep(0)
    stage.tasks[0].cancel()
    stage.gate.set()
    await asyncio.gather(*stage.tasks, return_exceptions=True)
    assert stage.seen == ["b"]
