import fcntl
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsp.capture.files import Writer
from lgsp.capture.record import Record
from lgsp.capture.retention import DELETED, Deletion, Stored, delete, due, stored_in, take_notes

DAY = 86_400.0
NOW = 1_772_330_400.0


def a_capture(path: Path, days: float, *more: str) -> Path:
    """A file, or a directory with the files named, last written so many days ago."""
    files = [path / name for name in more] or [path]
    files[0].parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in files:
        with Writer.create(file, {}) as writer:
            writer.write(Record(t=1))
        os.utime(file, (NOW - days * DAY, NOW - days * DAY))
    return path


def remove(home: Path, days: float) -> list[str]:
    gone = delete(home, due(stored_in(home), NOW, days * DAY), NOW, who="command", why="test")
    return [each.capture for each in gone]


def left(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir() if path.name != DELETED)


@given(
    st.lists(st.tuples(st.floats(0, 2e9), st.booleans()), max_size=6),
    st.floats(0, 2e9),
    st.floats(0, 1e8),
)
@settings(derandomize=True)
def test_what_is_old_enough_and_not_being_written_goes(
    captures: list[tuple[float, bool]], now: float, age: float
) -> None:
    stored = [Stored(Path(str(n)), (), 1, last, held) for n, (last, held) in enumerate(captures)]
    gone = due(stored, now, age)
    assert not any(each.held for each in gone)
    for each in stored:
        assert (each in gone) == (not each.held and now - each.last >= age)


@pytest.mark.parametrize(("days", "gone"), [(0, ["a", "b", "c"]), (10, ["a", "c"]), (10.01, ["a"]), (31, [])])
def test_a_capture_goes_by_its_newest_file(tmp_path: Path, days: float, gone: list[str]) -> None:
    a_capture(tmp_path / "a", 30, "0001.lgsp.jsonl", "0002.lgsp.jsonl")
    a_capture(tmp_path / "b", 30, "0001.lgsp.jsonl.gz")
    a_capture(tmp_path / "b", 1, "0002.lgsp.jsonl.gz")
    a_capture(tmp_path / "c", 10, "0001.lgsp.jsonl")
    assert remove(tmp_path, days) == gone
    assert left(tmp_path) == sorted({"a", "b", "c"} - set(gone))


def test_what_is_no_capture_stays_and_links_are_not_followed(tmp_path: Path) -> None:
    home = tmp_path / "captures"
    elsewhere = a_capture(tmp_path / "elsewhere", 99, "0001.lgsp.jsonl")
    a_capture(home / "one.lgsp.jsonl", 99)
    a_capture(home / "mixed", 99, "0001.lgsp.jsonl")
    (home / "mixed" / "notes.txt").write_text("mine")
    (home / "notes.txt").write_text("mine")
    (home / "empty").mkdir()
    (home / "link").symlink_to(elsewhere)
    (home / "link.lgsp.jsonl").symlink_to(elsewhere / "0001.lgsp.jsonl")
    (home / "mixed" / "in.lgsp.jsonl").symlink_to(elsewhere / "0001.lgsp.jsonl")
    assert remove(home, 1) == ["mixed", "one.lgsp.jsonl"]
    assert left(home) == ["empty", "link", "link.lgsp.jsonl", "mixed", "notes.txt"]
    assert sorted(path.name for path in (home / "mixed").iterdir()) == ["in.lgsp.jsonl", "notes.txt"]
    assert (elsewhere / "0001.lgsp.jsonl").is_file()


def test_what_is_being_written_stays_until_its_writer_is_done_or_dead(tmp_path: Path) -> None:
    one = Writer.create(tmp_path / "one.lgsp.jsonl", {})
    part = a_capture(tmp_path / "dir", 99, "0001.lgsp.jsonl")
    two = Writer.create(part / "0002.lgsp.jsonl", {})
    os.utime(part / "0002.lgsp.jsonl", (0, 0))
    assert [each.held for each in stored_in(tmp_path)] == [True, True]
    assert remove(tmp_path, 0) == []
    one.close()
    two._stream.close()
    assert remove(tmp_path, -999_999) == ["dir", "one.lgsp.jsonl"]
    assert left(tmp_path) == []


def test_a_capture_whose_writer_comes_between_looking_and_deleting_stays(tmp_path: Path) -> None:
    a_capture(tmp_path / "dir", 99, "0001.lgsp.jsonl")
    found = stored_in(tmp_path)
    held = os.open(tmp_path / "dir", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    assert delete(tmp_path, due(found, NOW, 0), NOW, who="command", why="test") == []
    os.close(held)
    assert (tmp_path / "dir" / "0001.lgsp.jsonl").is_file()
    assert not (tmp_path / DELETED).exists()


def test_every_deletion_is_noted_once_even_where_a_line_is_torn(tmp_path: Path) -> None:
    assert list(take_notes(tmp_path)) == []
    for name in ("a", "b"):
        a_capture(tmp_path / name, 40, "0001.lgsp.jsonl", "0002.lgsp.jsonl")
    assert remove(tmp_path, 30) == ["a", "b"]
    assert (tmp_path / DELETED).stat().st_mode & 0o777 == 0o600
    with (tmp_path / DELETED).open("ab") as file:
        file.write(b'{"at": 1, "wh')
    a_capture(tmp_path / "c", 40, "0001.lgsp.jsonl")
    size = (tmp_path / "c" / "0001.lgsp.jsonl").stat().st_size
    assert remove(tmp_path, 30) == ["c"]
    told = list(take_notes(tmp_path))
    assert told == [
        Deletion(NOW, "command", "test", name, files, size * files) for name, files in (("a", 2), ("b", 2), ("c", 1))
    ]
    assert list(take_notes(tmp_path)) == []


def test_what_was_not_told_is_told_the_next_time(tmp_path: Path) -> None:
    for name in ("a.lgsp.jsonl", "b.lgsp.jsonl"):
        a_capture(tmp_path / name, 40)
    remove(tmp_path, 30)
    telling = take_notes(tmp_path)
    next(telling)
    second = next(telling)
    telling.close()
    assert list(take_notes(tmp_path)) == [second]


def test_the_note_stands_before_the_first_byte_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_capture(tmp_path / "a.lgsp.jsonl", 40)

    def refuse(_: Path) -> None:
        assert json.loads((tmp_path / DELETED).read_text())["capture"] == "a.lgsp.jsonl"
        raise PermissionError

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(PermissionError):
        remove(tmp_path, 30)
    assert left(tmp_path) == ["a.lgsp.jsonl"]


def test_there_may_be_no_captures_at_all(tmp_path: Path) -> None:
    assert stored_in(tmp_path / "none") == stored_in(tmp_path) == []
    assert delete(tmp_path / "none", [], NOW, who="command", why="test") == []
