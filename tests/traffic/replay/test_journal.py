from __future__ import annotations

from pathlib import Path

import pytest

from lgsp.errors import SettingsError
from lgsp.traffic.replay.journal import Journal


def test_what_went_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    for numbers in (("3", "1"), (), ("20", "3.2")):
        with Journal(tmp_path / "j") as journal:
            for number in numbers:
                journal.going(number)
    assert Journal(tmp_path / "j").done == {"3", "1", "20", "3.2"}


def test_a_line_that_was_only_begun_did_not_go(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b"7\n12")
    with Journal(tmp_path / "j") as journal:
        assert journal.done == {"7"}
        journal.going("123")
    assert (tmp_path / "j").read_bytes() == b"7\n123\n"


def test_a_line_that_was_torn_within_its_round_did_not_go_in_any(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b"7\n7.")
    with Journal(tmp_path / "j") as journal:
        assert journal.done == {"7"}
    assert (tmp_path / "j").read_bytes() == b"7\n"


@pytest.mark.parametrize("line", [b"my notes", b"7.", b".2", b"7.2.2", b"7 ", b"-1"])
def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "j").write_bytes(b"1\n" + line + b"\n")
    with pytest.raises(SettingsError, match="is no journal of a replay"):
        Journal(tmp_path / "j")
    assert (tmp_path / "j").read_bytes() == b"1\n" + line + b"\n"
