from __future__ import annotations

from collections.abc import Sequence

import pytest

from lgsp.capture.record import CONNECTOR, GATEWAY, Asked, Record
from lgsp.traffic.diff import report
from lgsp.traffic.diff.beside import Beside
from lgsp.traffic.diff.groups import Compared, compare
from lgsp.traffic.diff.pairing import NAMINGS, pairs
from lgsp.traffic.diff.rules import Rules

MS = 1_000_000


def call(at: int, key: str, *, service: str = "s", took: int = 1, tap: str = GATEWAY, consumer: str = "a") -> Record:
    times = {"total": took * MS}
    asked = Asked("GET", "/x")
    return Record(
        at * MS, tap, key=key, consumer=consumer, service=service, operation="GET /x", request=asked, times=times
    )


def compared(ours: Sequence[Record], theirs: Sequence[Record], beside: Beside) -> Compared:
    found = compare(beside.seen(pairs(ours, theirs, NAMINGS["key"])), Rules())
    beside.tell(found)
    return found


def told(
    ours: Sequence[Record], theirs: Sequence[Record], beside: Beside
) -> list[tuple[str, str, str, int, list[str]]]:
    groups = compared(ours, theirs, beside).groups
    return [(g.operation[0], g.path, g.kind, g.pairs, [sample.name for sample in g.samples]) for g in groups]


def test_a_call_that_moved_is_named_by_how_far_where_the_order_counts() -> None:
    ours = [call(at * 10, key) for at, key in enumerate("abcde")]
    theirs = [call(at * 10, key) for at, key in enumerate("bcdae")]
    assert told(ours, theirs, Beside(ordered=True)) == [("s", "", "out of order", 1, ["a, 3 later"])]
    assert told(ours, theirs, Beside()) == []
    assert told(ours, ours, Beside(ordered=True)) == []


def test_of_several_with_one_name_and_of_those_alone_none_moved() -> None:
    ours = [call(at * 10, key) for at, key in enumerate("aabac")]
    theirs = [call(at * 10, key) for at, key in enumerate("aadab")]
    assert told(ours, theirs, Beside(ordered=True)) == [
        ("s", "", "extra", 1, ["d"]),
        ("s", "", "missing", 1, ["c"]),
        ("s", "", "out of order", 1, ["b, 1 later"]),
    ]


@pytest.mark.parametrize("apart", [{"consumer": "b"}, {"tap": CONNECTOR}], ids=["consumers", "taps"])
def test_the_order_is_that_of_one_consumer_at_one_tap(apart: dict[str, str]) -> None:
    ours = [call(0, "x"), call(10, "y", **apart)]  # type: ignore[arg-type]  # names and taps are texts
    theirs = [call(10, "x"), call(0, "y", **apart)]  # type: ignore[arg-type]  # as above
    assert told(ours, theirs, Beside(ordered=True)) == []


def test_an_operation_that_became_slower_is_a_finding_and_all_of_them_are_told() -> None:
    """A hundred and fifty pairs of two operations; the slow tenth of one is three times as slow in B, the other as it was."""
    ours = [call(n, f"{s}{n}", service=s, took=10 + (30 if n % 10 == 0 else n % 7)) for n in range(150) for s in "st"]
    theirs = [
        call(n, f"{s}{n}", service=s, took=10 + ((90 if s == "s" else 30) if n % 10 == 0 else n % 7))
        for n in range(150)
        for s in "st"
    ]
    found = compared(ours, theirs, Beside(0.2))
    assert report.text(found) == (
        "300 pairs, 0 of them different; 0 records missing, 0 extra; 1 groups\n"
        "     150 s GET /x (gateway): latency.p95: slower\n"
        '         p95 of 150 pairs: "40.0 ms" became "100.0 ms"\n'
        "latency s GET /x (gateway): p50 13.0 ms became 13.0 ms, 150 pairs\n"
        "latency s GET /x (gateway): p95 40.0 ms became 100.0 ms, 150 pairs\n"
        "latency t GET /x (gateway): p50 13.0 ms became 13.0 ms, 150 pairs\n"
        "latency t GET /x (gateway): p95 40.0 ms became 40.0 ms, 150 pairs\n"
    )
    assert report.as_json(found)["latency"][1] == {
        "service": "s", "operation": "GET /x", "tap": "gateway", "percent": 95, "ours": 0.04, "theirs": 0.1, "pairs": 150,
        "needs": 97, "slower": True,
    }  # fmt: skip
    assert compared(ours, theirs, Beside()).paces == []


def test_what_too_few_pairs_cannot_tell_is_said() -> None:
    found = compared([call(0, "a", took=1)], [call(0, "a", took=9)], Beside(0.2))
    assert (found.untold, found.groups) == (True, [])
    assert report.text(found).splitlines()[1:] == [
        "latency s GET /x (gateway): p50 1.0 ms became 9.0 ms, 1 pairs: too few to tell, it takes 5",
        "latency s GET /x (gateway): p95 1.0 ms became 9.0 ms, 1 pairs: too few to tell, it takes 74",
    ]
