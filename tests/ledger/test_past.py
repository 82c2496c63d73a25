from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lgsp.errors import LedgerDamaged
from lgsp.ledger import schema
from lgsp.ledger.hours import pack_sketch
from lgsp.ledger.past import About, HourRow, Past, write_past

ABOUT = About("s.yaml", "ab" * 32, 7, "Asia/Ho_Chi_Minh", "2023-01-01", "2023-01-02", 5, 4, 0, "cd" * 32, [], "0.1.0")
HOURS: list[HourRow] = [
    (464_602, "b", "", "timeout", 1, 30_000_000, 30_000_000, 30_000_000, 0, 0, pack_sketch({330: 1})),
    (464_601, "a", "", "ok", 3, 900, 200, 400, 0, 0, pack_sketch({80: 2, 83: 1})),
    (464_601, "b", "", "ok", 1, 300, 300, 300, 0, 0, pack_sketch({83: 1})),
]
STREAMS = [("2023-01-02", "dossiers", "online", 4), ("2023-01-01", "dossiers", "online", 3)]


def test_what_was_written_is_read_in_order_of_time(tmp_path: Path) -> None:
    told = write_past(tmp_path / "history.sqlite", ABOUT, HOURS, STREAMS)
    with Past(tmp_path / "history.sqlite") as past:
        assert past.about == told
        assert list(past.hours()) == [HOURS[1], HOURS[2], HOURS[0]]
        assert past.totals() == {("a", "ok"): 3, ("b", "ok"): 1, ("b", "timeout"): 1}
        assert past.streams() == STREAMS[::-1]
        assert past.is_whole()
    assert (tmp_path / "history.sqlite").stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "history.sqlite"]


def test_the_same_past_has_the_same_bytes_whatever_order_it_came_in(tmp_path: Path) -> None:
    first = write_past(tmp_path / "1", ABOUT, HOURS, STREAMS)
    again = write_past(tmp_path / "2", ABOUT, HOURS[::-1], STREAMS)
    assert first == again
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_a_new_past_takes_the_place_of_the_old_one_whole(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    write_past(file, ABOUT, HOURS, STREAMS)
    write_past(file, ABOUT, HOURS[:1], [])
    with Past(file) as past:
        assert past.totals() == {("b", "timeout"): 1}
        assert past.streams() == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE hour SET n = n + 1 WHERE service = 'a'",
        "DELETE FROM hour WHERE service = 'b' AND outcome = 'ok'",
        "UPDATE hour SET sketch = x'00' WHERE service = 'a'",
        "UPDATE hour SET outcome = 'rejected' WHERE outcome = 'timeout'",
    ],
)
def test_a_number_that_was_changed_by_hand_is_seen(tmp_path: Path, change: str) -> None:
    file = tmp_path / "history.sqlite"
    write_past(file, ABOUT, HOURS, STREAMS)
    with closing(sqlite3.connect(file)) as db, db:
        db.execute(change)
    with Past(file) as past:
        assert not past.is_whole()


def test_a_ledger_is_no_simulated_past_nor_the_other_way_round(tmp_path: Path) -> None:
    with closing(schema.connect(tmp_path / "ledger.sqlite", readonly=False)) as db:
        schema.prepare(db)
    with pytest.raises(LedgerDamaged, match="is no simulated past"):
        Past(tmp_path / "ledger.sqlite")
    write_past(tmp_path / "history.sqlite", ABOUT, HOURS, STREAMS)
    with pytest.raises(LedgerDamaged, match="something else"):
        schema.connect(tmp_path / "history.sqlite", readonly=True)


@pytest.mark.parametrize("data", [b"", b"no database at all, but long enough to be read as one" * 40])
def test_what_cannot_be_read_is_said_with_its_path(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "history.sqlite").write_bytes(data)
    with pytest.raises(LedgerDamaged, match=str(tmp_path / "history.sqlite")):
        Past(tmp_path / "history.sqlite")
