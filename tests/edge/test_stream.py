from __future__ import annotations

import asyncio

import pytest

from lgsp.edge.stream import AT_MOST, HEARTBEAT, QUEUE, Stream, frame, last_seen

ALL = b"all"


def everything() -> bytes:
    return ALL


def test_a_frame_is_an_event_with_the_ledger_s_row_as_its_id() -> None:
    assert frame("tick", {"tên": "a\nb"}, 7) == 'event: tick\nid: 7\ndata: {"tên":"a\\nb"}\n\n'.encode()


@pytest.mark.parametrize(
    ("header", "seen"), [("17", 17), ("0", 0), ("", None), ("-1", None), ("x", None), ("²", None), ("9" * 30, None)]
)
def test_what_a_browser_saw_last_is_a_number_or_nothing(header: str, seen: int | None) -> None:
    assert last_seen(header) == seen


async def test_a_browser_gets_everything_first_and_then_each_frame() -> None:
    stream = Stream(lambda _: None)
    watcher = stream.join()
    assert watcher
    stream.put(b"before it asked")
    assert await watcher.next(everything, 1) == ALL
    stream.put(b"1")
    stream.put(b"2")
    assert [await watcher.next(everything, 1) for _ in range(2)] == [b"1", b"2"]


async def test_a_slow_browser_gets_the_newest_whole_instead_of_a_backlog() -> None:
    stream = Stream(lambda _: None)
    slow, quick = stream.join(), stream.join()
    assert slow
    assert quick
    await slow.next(everything, 1)
    await quick.next(everything, 1)
    for number in range(QUEUE + 5):
        stream.put(str(number).encode())
        assert await quick.next(everything, 1) == str(number).encode()
    assert await slow.next(everything, 1) == ALL
    stream.put(b"new")
    assert await slow.next(everything, 1) == b"new"


async def test_silence_is_broken_by_a_heartbeat() -> None:
    watcher = Stream(lambda _: None).join()
    assert watcher
    await watcher.next(everything, 1)
    assert await watcher.next(everything, 0) == HEARTBEAT


async def test_what_no_longer_holds_is_told_anew() -> None:
    stream = Stream(lambda _: None)
    watcher = stream.join()
    assert watcher
    await watcher.next(everything, 1)
    stream.put(b"old")
    stream.all_anew()
    assert await watcher.next(everything, 1) == ALL


async def test_a_waiting_browser_is_let_go_at_the_end_and_nobody_comes_after() -> None:
    stream = Stream(lambda _: None)
    watcher = stream.join()
    assert watcher
    await watcher.next(everything, 1)
    async with asyncio.TaskGroup() as tasks:
        waits = tasks.create_task(watcher.next(everything, 60))
        await asyncio.sleep(0)
        stream.end()
    assert waits.result() == b""
    assert stream.join() is None


def test_browsers_are_counted_and_no_more_than_enough_come_in() -> None:
    counted: list[int] = []
    stream = Stream(counted.append)
    watchers = [stream.join() for _ in range(AT_MOST)]
    assert stream.join() is None
    assert watchers[0]
    stream.leave(watchers[0])
    assert stream.join() is not None
    assert counted[-3:] == [AT_MOST, AT_MOST - 1, AT_MOST]
