from __future__ import annotations

from pathlib import Path

import pytest
from builders import a_transaction
from ledgers import START, asked

from lgsp.errors import LedgerDamaged, SettingsError
from lgsp.ledger.journal import SIZE, Head, Journal, State, head_of, unsettled
from lgsp.ledger.row import crashed, ended_of, opened_of

FIRST = 4096


def opened(**fields: object) -> bytes:
    return opened_of(asked(**fields), 1, START, b"k")


ENDED = ended_of(a_transaction())


def a_journal(directory: Path, capacity: int = 4) -> Journal:
    made = Journal(directory / "x.open", capacity)
    made.start([])
    return made


def test_a_line_goes_from_open_to_ended_to_settled_and_its_place_is_used_last(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    body = opened()
    number = journal.open(body)
    assert [(place.state, place.body) for place in journal.places()] == [(State.OPEN, body)]
    journal.end(number, ENDED)
    assert [(place.state, place.body) for place in journal.places()] == [(State.ENDED, body + ENDED)]
    assert journal.body(number) == body + ENDED
    journal.settle([number], Head(7, b"r" * 32))
    assert [(place.state, place.sequence) for place in journal.places()] == [(State.SETTLED, 7)]
    assert list(journal.free) == [1, 2, 3, 0]
    assert journal.head() == Head(7, b"r" * 32)
    journal.close()


def test_others_read_what_is_under_way_and_where_the_chain_stands(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    first, second, third = opened(), opened(), opened()
    numbers = [journal.open(body) for body in (first, second, third)]
    for number in numbers[1:]:
        journal.end(number, ENDED)
    journal.settle([numbers[2]], Head(1, b"r" * 32))
    assert [(place.state, place.body) for place in unsettled(journal.path)] == [
        (State.OPEN, first),
        (State.ENDED, second + ENDED),
    ]
    assert head_of(journal.path) == Head(1, b"r" * 32)
    journal.close()


def test_without_a_file_there_is_nothing(tmp_path: Path) -> None:
    assert head_of(tmp_path / "none.open") == Head()
    assert unsettled(tmp_path / "none.open") == []


def test_it_is_one_process_s_at_a_time(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    with pytest.raises(SettingsError, match=r"another process keeps the ledger x.open"):
        Journal(journal.path, 4)
    journal.close()
    a_journal(tmp_path).close()


def test_it_grows_and_never_shrinks(tmp_path: Path) -> None:
    a_journal(tmp_path, 4).close()
    a_journal(tmp_path, 8).close()
    journal = a_journal(tmp_path, 4)
    assert (journal.capacity, len(journal.free)) == (8, 8)
    journal.close()


@pytest.mark.parametrize("content", [b"x" * 5_000, b"short"])
def test_a_file_that_is_none_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.open"
    path.write_bytes(content)
    with pytest.raises(LedgerDamaged):
        Journal(path, 4)
    with pytest.raises(LedgerDamaged):
        head_of(path)


@pytest.mark.parametrize("at", range(SIZE))
def test_a_line_with_a_byte_changed_is_whole_torn_or_open_again_and_never_another(at: int, tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    body = opened()
    journal.end(journal.open(body), ENDED)
    journal._map[FIRST + at] ^= 0x10
    found = [(place.state, place.body) for place in journal.places()]
    journal.close()
    # Changed padding and number change nothing; a changed second half leaves a transaction that was accepted.
    assert found in ([(State.ENDED, body + ENDED)], [(State.OPEN, body)], [])
    if found == []:
        again = Journal(journal.path, 4)
        assert len(again.torn()) == 1
        again.close()


@pytest.mark.parametrize("copy", [64, 128])
def test_one_copy_of_the_head_is_enough(copy: int, tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    journal.note(Head(5, b"a" * 32))
    journal.note(Head(6, b"b" * 32))
    journal._map[copy + 3] ^= 1
    assert journal.head() in (Head(5, b"a" * 32), Head(6, b"b" * 32))
    journal._map[64 + 128 - copy + 3] ^= 1
    with pytest.raises(LedgerDamaged, match="neither copy"):
        journal.head()
    journal.close()


def test_what_a_crash_left_has_the_same_first_half(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    body = opened()
    journal.open(body)
    (place,) = journal.places()
    assert place.body + crashed(place.body, START) == body + crashed(body, START)
    journal.close()
