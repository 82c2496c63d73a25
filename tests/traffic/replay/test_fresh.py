from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.capture.record import Answered, Asked, Body, Record
from lgsp.traffic.replay.bind import Binding, Put, Which
from lgsp.traffic.replay.fresh import Fresh, anew, moved, parse_new
from lgsp.traffic.replay.place import Said, parse_place
from lgsp.traffic.replay.plan import Wish, plan

BEGAN = 1_684_918_800.0  # 09:00 of 24 May 2023, UTC
DAY = 86_400.0
OLD = "0195a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"


@pytest.mark.parametrize(
    ("text", "days", "now"),
    [
        ("2023-05-24T09:00:00+07:00", 10, "2023-06-03T09:00:00+07:00"),
        ("2023-05-24T09:00:00.123Z", 1.5, "2023-05-25T21:00:00.123Z"),
        ("2023-05-24 23:59:59", 1, "2023-05-25 23:59:59"),
        ('{"from":"2023-05-24","to":"2023-05-31"}', 7, '{"from":"2023-05-31","to":"2023-06-07"}'),
        ("24/05/2023", 365, "23/05/2024"),
        ("24/05/2023 08:30:00", 1, "25/05/2023 08:30:00"),
        ("TuNgay=20230524&DenNgay=20230630", 30, "TuNgay=20230623&DenNgay=20230730"),
        ("20230524080000", 0.5, "20230524200000"),
        ("1985-06-05 19850605 05/06/1985", 100, "1985-06-05 19850605 05/06/1985"),
        ("20239999 99/99/2023 2023-13-01 20230524080099", 9, "20239999 99/99/2023 2023-13-01 20230524080099"),
        ("049085001234 1202305240 x2023-05-24-1", 9, "049085001234 1202305240 x2023-05-24-1"),
        ("", 9, ""),
    ],
)
def test_dates_near_the_capture_move_and_all_else_stays(text: str, days: float, now: str) -> None:
    assert moved(text, days * DAY, BEGAN) == now


@given(st.integers(-399, 399), st.integers(-5_000, 5_000), st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%d/%m/%Y"]))
def test_a_date_moves_by_its_days_in_its_form(off: int, days: int, form: str) -> None:
    day = datetime.fromtimestamp(BEGAN) + timedelta(days=off)  # noqa: DTZ006 - a day, wherever
    assert moved(day.strftime(form), days * DAY, BEGAN) == (day + timedelta(days=days)).strftime(form)


@pytest.mark.parametrize(("weeks", "now"), [(False, "2023-06-03"), (True, "2023-05-31")])
def test_by_weeks_a_day_keeps_its_name(weeks: bool, now: str) -> None:  # noqa: FBT001 - a table
    made = Fresh(now=BEGAN + 10 * DAY, weeks=weeks).made(Said(body=b"2023-05-24"), int(BEGAN * 1e9), ())
    assert made.body == now.encode()


def test_uuids_become_others_the_same_throughout_and_keep_their_kind() -> None:
    said = Said((("x-request-id", OLD.upper()),), f'{{"a":"{OLD}","b":"x{OLD}"}}'.encode(), f"/a/{OLD}?q={OLD}")
    made = Fresh(uuids=True, salt="1").made(said, 0, ())
    [new] = set(re.findall(r"/a/(.{36})\?", made.target))
    assert new != OLD
    assert uuid.UUID(new).version == 7
    assert uuid.UUID(new).variant == uuid.RFC_4122
    assert made == Said((("x-request-id", new.upper()),), f'{{"a":"{new}","b":"x{new}"}}'.encode(), f"/a/{new}?q={new}")
    assert Fresh(uuids=True, salt="2").made(said, 0, ()).target != made.target


@pytest.mark.parametrize("value", ["H47-0123", "QNM2305240013", "abc", "7", "a1b22c", ""])
def test_an_id_keeps_its_form(value: str) -> None:
    new = anew(value, "salt")
    assert new == anew(value, "salt")
    if any(letter.isdigit() for letter in value):
        assert [letter.isdigit() or letter for letter in new] == [letter.isdigit() or letter for letter in value]
    else:
        assert re.fullmatch(re.escape(value) + r"-\d{8}", new)


def test_ids_at_places_are_made_anew_and_what_replies_give_is_left_to_them() -> None:
    uuids, places = parse_new(["uuid", "$.ref"])
    binding = Binding("id", Which("POST /a"), parse_place("$.id"), (Put(parse_place("path")),))
    reply = Answered(200, body=Body.of(f'{{"id":"{OLD}"}}'.encode()))
    records = [
        Record(t=0, seq=1, request=Asked("POST", "/a", (), Body.of(b'{"ref":"R-100"}')), reply=reply),
        Record(t=1, seq=2, request=Asked("GET", f"/a/{OLD}", (), Body.of(b'{"ref":"R-100"}'))),
    ]
    first, second = plan(records, Wish(bindings=[binding], fresh=Fresh(uuids=uuids, places=places, salt="s")))[0]
    assert second.target == f"/a/{OLD}"
    assert first.body == second.body == b'{"ref":"%s"}' % anew("R-100", "s").encode()
    assert first.body != b'{"ref":"R-100"}'


@given(st.binary(max_size=40))
def test_what_is_no_text_goes_as_it_is(body: bytes) -> None:
    fresh = Fresh(now=BEGAN, uuids=True, salt="s")
    assert fresh.made(Said((("a", "b"),), b"\xff" + body, "/x"), int(BEGAN * 1e9), ()).body == b"\xff" + body
