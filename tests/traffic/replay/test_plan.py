from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.capture.record import CONNECTOR, GATEWAY, Asked, Body, Record
from lgsp.traffic.replay.plan import Books, Plan, Wish, plan, sendable, writes

NS = 1_000_000_000


def a_record(
    seconds: float, seq: int = 1, *, method: str = "GET", url: str = "/a/1?q=%20", body: bytes = b""
) -> Record:
    headers = (("Authorization", "Bearer old"), ("Accept", "text/xml"), ("Host", "h"), ("Cookie", "c"), (":path", "/a"))
    return Record(
        t=int(1_700_000_000 * NS + seconds * NS),
        seq=seq,
        service="svc",
        operation=f"{method} /a/{{id}}",
        request=Asked(method, url, headers, Body.of(body)),
    )


def test_calls_go_in_the_order_of_their_times_and_at_their_speed() -> None:
    planned, books = plan([a_record(10, 3), a_record(0, 1), a_record(4, 2)], Wish(speed=2))
    assert [(call.seq, call.due) for call in planned] == [(1, 0.0), (2, 2.0), (3, 5.0)]
    assert (books.records, books.filtered, books.skipped) == (3, {}, {})
    assert [call.due for call in plan([a_record(0), a_record(9)], Wish(speed=None))[0]] == [0.0, 0.0]


def test_long_pauses_are_cut_and_short_ones_kept() -> None:
    planned, _ = plan([a_record(at) for at in (0, 1, 3_601, 3_602)], Wish(gap=5))
    assert [call.due for call in planned] == [0, 1, 6, 7]


def test_a_stretch_begins_at_once_and_the_rest_is_filtered_by_name() -> None:
    planned, books = plan([a_record(at, at) for at in range(10)], Wish(begin=3, end=6))
    assert [(call.seq, call.due) for call in planned] == [(3, 0), (4, 1), (5, 2)]
    assert books.filtered == {"outside of --from and --until": 7}


def test_a_call_is_sent_as_it_was_but_for_its_credentials_and_connection() -> None:
    [call], _ = plan(
        [a_record(0, 7, method="POST", url="https://old.example/api/v1/x?a=1&b=%C3%A9", body=b"\x00x")], Wish()
    )
    assert (call.seq, call.method, call.target, call.body) == (7, "POST", "/api/v1/x?a=1&b=%C3%A9", b"\x00x")
    assert call.headers == {"accept": "text/xml"}


@pytest.mark.parametrize(
    ("maps", "target"),
    [
        ((), "/api/v1/x?a=1"),
        ((("/api/v1", "/api/v2"),), "/api/v2/x?a=1"),
        ((("/api", ""),), "/v1/x?a=1"),
        ((("/other", "/no"), ("/api/", "/new/")), "/new/v1/x?a=1"),
    ],
)
def test_what_a_path_begins_with_can_be_rewritten(maps: tuple[tuple[str, str], ...], target: str) -> None:
    [call], _ = plan([a_record(0, url="/api/v1/x?a=1")], Wish(maps=maps))
    assert call.target == target


def test_what_cannot_be_sent_is_skipped_with_its_reason() -> None:
    cut = replace(a_record(0), request=Asked("POST", "/a", (), Body(b"ha", 4)))
    records = [a_record(0), replace(a_record(0), tap=CONNECTOR), replace(a_record(0), request=None), cut]
    planned, books = plan(records, Wish())
    assert len(planned) == 1
    assert books.skipped == {"no request": 1, "its body was not kept": 1}
    assert books.filtered == {"seen at connector, not at the entrance": 1}


@given(
    st.lists(st.tuples(st.floats(0, 1_000), st.sampled_from([GATEWAY, CONNECTOR]), st.booleans()), max_size=30),
    st.floats(0, 500),
    st.one_of(st.none(), st.floats(0, 1_000)),
    st.one_of(st.none(), st.floats(0.1, 100)),
    st.one_of(st.none(), st.floats(0.1, 10)),
)
def test_every_record_goes_somewhere_once_and_time_never_goes_back(
    given: list[tuple[float, str, bool]], begin: float, end: float | None, speed: float | None, gap: float | None
) -> None:
    records = [
        replace(a_record(at), tap=tap) if whole else replace(a_record(at), tap=tap, request=None)
        for at, tap, whole in given
    ]
    planned, books = plan(records, Wish(speed=speed, gap=gap, begin=begin, end=end))
    books.sent = len(planned)
    assert books.balance
    dues = [call.due for call in planned]
    assert dues == sorted(dues)
    assert not dues or dues[0] == 0
    books.sent += 1
    assert not books.balance


def test_what_may_change_something_is_counted_by_what_it_asks() -> None:
    records = [a_record(0), a_record(1, method="POST"), a_record(2, method="POST"), a_record(3, method="PUT")]
    planned, _ = plan([*records, replace(a_record(4, method="DELETE"), service="", operation="")], Wish())
    found = writes(planned, lambda _, operation: operation.startswith("PUT"))
    assert found == {"svc POST /a/{id}": 2, "DELETE /a/1": 1}


def test_a_rate_goes_evenly_in_the_order_of_the_times() -> None:
    planned, _ = plan([a_record(at, at) for at in (9, 0, 1)], Wish(rate=4))
    assert [(call.seq, call.due) for call in planned] == [(0, 0), (1, 0.25), (9, 0.5)]


@pytest.mark.parametrize(
    ("wish", "dues"),
    [
        (Wish(), [0, 2, 6, 9, 11, 15]),
        (Wish(speed=2), [0, 1, 3, 4.5, 5.5, 7.5]),
        (Wish(rate=2), [0, 0.5, 1, 1.5, 2, 2.5]),
        (Wish(speed=None), [0] * 6),
    ],
)
def test_another_round_begins_a_mean_pause_after_the_last_call(wish: Wish, dues: list[float]) -> None:
    records, books = [a_record(at, at) for at in (0, 2, 6)], Books()
    made = Plan(wish, books)
    calls = [call for _ in range(2) for call in made.calls(sendable(records, books))]
    assert [call.due for call in calls] == dues
    assert [(call.number, call.key) for call in calls] == list(enumerate(["0", "2", "6", "0.2", "2.2", "6.2"]))
    books.sent = 6
    assert (books.records, books.balance) == (6, True)


def test_what_went_before_does_not_go_again_and_the_rest_goes_at_once() -> None:
    planned, books = plan([a_record(at, at) for at in range(5)], Wish(done={"0", "1", "3", "4.2"}))
    assert [(call.seq, call.due) for call in planned] == [(2, 0), (4, 2)]
    assert books.filtered == {"went in an earlier run": 3}


def test_each_round_leaves_out_what_went_before_in_it() -> None:
    records, books = [a_record(at, at) for at in range(3)], Books()
    made = Plan(Wish(done={"0", "1", "2", "0.2", "1.3"}), books)
    rounds = [[call.key for call in made.calls(sendable(records, books))] for _ in range(3)]
    assert rounds == [[], ["1.2", "2.2"], ["0.3", "2.3"]]
    books.sent = 4
    assert (books.records, books.filtered, books.balance) == (9, {"went in an earlier run": 5}, True)
