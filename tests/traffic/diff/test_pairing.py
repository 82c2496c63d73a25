from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.capture.record import CONNECTOR, GATEWAY, Asked, Body, Record
from lgsp.errors import SettingsError
from lgsp.traffic.diff.pairing import NAMINGS, naming, pairs


def named(*tx: str, tap: str = GATEWAY) -> list[Record]:
    return [Record(t=number, tx=each, tap=tap) for number, each in enumerate(tx)]


def told(ours: list[Record], theirs: list[Record], by: str = "tx") -> list[tuple[int | None, int | None]]:
    found = pairs(ours, theirs, NAMINGS[by])
    return sorted(((p.ours.t if p.ours else None, p.theirs.t if p.theirs else None) for p in found), key=str)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("", "", []),
        ("a", "", [(0, None)]),
        ("", "a", [(None, 0)]),
        ("abc", "cab", [(0, 1), (1, 2), (2, 0)]),
        ("aba", "ba", [(0, 1), (1, 0), (2, None)]),  # the second of a name has no second to belong to
        ("aa", "aaa", [(0, 0), (1, 1), (None, 2)]),  # a reply that came once more
    ],
)
def test_records_of_one_name_belong_together(ours: str, theirs: str, expected: list[tuple[int | None, int | None]]) -> None:  # fmt: skip
    assert told(named(*ours), named(*theirs)) == expected


def test_one_transaction_at_two_taps_is_two_records() -> None:
    both = named("a") + named("a", tap=CONNECTOR)
    found = list(pairs(both, named("a", tap=CONNECTOR), NAMINGS["tx"]))
    assert sorted((pair.name, pair.theirs is None) for pair in found) == [
        (("connector", "a", 0), False),
        (("gateway", "a", 0), True),
    ]


def test_a_replay_has_the_first_one_s_numbers_as_its_keys() -> None:
    first = [Record(t=0, seq=7, key="x"), Record(t=1, seq=8, key="y")]
    again = [Record(t=0, seq=1, key="8"), Record(t=1, seq=2, key="7")]
    assert told(first, again, "replay") == [(0, 1), (1, 0)]
    further = Record(t=2, seq=9, key="7", tap=CONNECTOR)
    assert told([*first, further], [*again, further], "replay") == [(0, 1), (1, 0)]
    assert told(first, again, "key") == [(0, None), (1, None), (None, 0), (None, 1)]


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.lists(st.sampled_from("abcd"), max_size=30))
def test_every_record_is_in_one_pair_and_as_many_as_can_be_are_together(ours: list[str], theirs: list[str]) -> None:
    found = told(named(*ours), named(*theirs))
    assert sorted(one for one, _ in found if one is not None) == list(range(len(ours)))
    assert sorted(other for _, other in found if other is not None) == list(range(len(theirs)))
    together = sum(min(ours.count(name), theirs.count(name)) for name in "abcd")
    assert sum(1 for pair in found if None not in pair) == together


def test_what_is_held_is_what_waits() -> None:
    read: list[str] = []

    def noted(side: str) -> list[Record] | object:
        for record in named("a", "b", "c"):
            read.append(side)
            yield record

    next(pairs(noted("ours"), noted("theirs"), NAMINGS["tx"]))  # type: ignore[arg-type]  # a generator of records
    assert read == ["ours", "theirs"]


def test_what_stands_at_a_place_names_a_record_together_with_its_operation() -> None:
    def asked(number: int, operation: str, body: str) -> Record:
        return Record(
            t=number, service="s", operation=operation, request=Asked("POST", "/", body=Body.of(body.encode()))
        )

    ours = [asked(0, "a", '{"id":"x"}'), asked(1, "b", '{"id":"x"}'), asked(2, "a", '{"ids":[{"n":1},{"n":2}]}')]
    theirs = [asked(0, "b", '{"id":"x"}'), asked(1, "a", '{"ids":[{"n":1},{"n":2}]}'), asked(2, "a", '{"id":"x"}')]
    found = list(pairs(ours, theirs, naming("key:request.body.id")))
    assert sorted((p.name[1], p.ours.t, p.theirs.t) for p in found if p.ours and p.theirs) == [
        ("s a []", 2, 1),
        ("s a x", 0, 2),
        ("s b x", 1, 0),
    ]
    again = pairs(ours[2:], theirs[1:], naming("key:request.body.ids[].n"))
    assert [(p.name[1], p.theirs.t if p.theirs else None) for p in again] == [("s a [1, 2]", 1), ("s a []", 2)]


@pytest.mark.parametrize("text", ["", "key:", "seq:x", "sequence", "tx:"])
def test_a_naming_that_is_none_is_told(text: str) -> None:
    with pytest.raises(SettingsError, match="names no records"):
        naming(text)
