from __future__ import annotations

from collections.abc import Iterator

from lgsp.capture.record import CaptureError
from lgsp.traffic.replay.plan import Planned
from lgsp.traffic.replay.upcoming import Upcoming


def calls(count: int, read: list[int], broken: int = -1) -> Iterator[Planned]:
    for number in range(count):
        if number == broken:
            raise CaptureError("a", 7, "broken")
        read.append(number)
        yield Planned(number, number + 1, number / 10, "GET", "/", {}, b"", "", "")


def test_no_more_is_read_than_is_due() -> None:
    read: list[int] = []
    upcoming = Upcoming(calls(4, read))
    assert (upcoming.due(0), upcoming.due(0), read) == (0.0, 0.0, [0])
    assert (upcoming.due(1), read) == (0.1, [0, 1])
    assert [upcoming.take(number).seq for number in (1, 0)] == [2, 1]
    assert (upcoming.due(2), upcoming.due(3), upcoming.due(4), upcoming.due(4)) == (0.2, 0.3, None, None)


def test_what_nobody_took_is_counted() -> None:
    upcoming = Upcoming(calls(10, []))
    upcoming.due(0)
    upcoming.take(0)
    upcoming.due(1)
    upcoming.stop()
    assert (upcoming.due(1), upcoming.due(2), upcoming.rest(), upcoming.rest()) == (None, None, 9, 0)
    assert Upcoming(calls(0, [])).due(0) is None


def test_a_capture_that_breaks_off_ends_there_and_says_why() -> None:
    upcoming = Upcoming(calls(5, [], broken=2))
    assert (upcoming.due(1), upcoming.due(2), str(upcoming.error)) == (0.1, None, "a:7: broken")
    assert Upcoming(calls(5, [], broken=2)).rest() == 2
