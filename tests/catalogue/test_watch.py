from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog

from lgsp.catalogue.watch import Reload, Watcher, stamp
from lgsp.clock import ManualClock
from lgsp.errors import BusUnavailable, CatalogueError

PATTERNS = ("a.yaml", "a.d/*.yaml")


def read(directory: Path) -> str:
    """All files one after the other; what says `bad` is refused."""
    text = "".join(file.read_text() for pattern in PATTERNS for file in sorted(directory.glob(pattern)))
    if "bad" in text:
        raise CatalogueError(["a.yaml:1:1: bad", "a.yaml:2:1: worse"])
    return text


@dataclass
class Stage:
    directory: Path
    clock: ManualClock = field(default_factory=ManualClock)
    told: list[Reload] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.directory / "a.d").mkdir()
        self.write("a.yaml", "one")
        self.watcher = Watcher("things", self.directory, PATTERNS, read, self.clock, self.told.append)
        assert self.watcher.first() == "one"

    def write(self, name: str, text: str) -> None:
        file = self.directory / name
        before = file.stat().st_mtime_ns if file.exists() else 1_000
        file.write_text(text)
        os.utime(file, ns=(before + 1_000, before + 1_000))  # two writes may fall into one tick of the file system

    async def take(self, text: str) -> None:
        if self.failures:
            raise self.failures.pop()
        self.taken.append(text)

    async def look(self, times: int = 2) -> bool:
        return any([await self.watcher.look(self.take) for _ in range(times)])


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def test_what_did_not_change_is_not_read_again(stage: Stage) -> None:
    assert not await stage.look(5)
    assert (stage.taken, [reload.successful for reload in stage.told]) == ([], [True])


@pytest.mark.parametrize(
    ("name", "text", "taken"), [("a.yaml", "two", "two"), ("a.d/x.yaml", "+new", "one+new"), ("a.d/y.txt", "z", None)]
)
async def test_a_file_that_changed_or_came_is_read(stage: Stage, name: str, text: str, taken: str | None) -> None:
    stage.write(name, text)
    assert await stage.look() is (taken is not None)
    assert stage.taken == ([taken] if taken else [])


async def test_a_file_that_went_is_missed(stage: Stage) -> None:
    stage.write("a.d/x.yaml", "+new")
    await stage.look()
    (stage.directory / "a.d" / "x.yaml").unlink()
    await stage.look()
    assert stage.taken == ["one+new", "one"]


async def test_a_file_of_the_same_size_and_another_time_is_another(stage: Stage) -> None:
    stage.write("a.yaml", "eno")
    await stage.look()
    assert stage.taken == ["eno"]


async def test_a_file_that_is_still_being_written_is_left_until_it_rests(stage: Stage) -> None:
    for text in ("two", "two and", "two and a half"):
        stage.write("a.yaml", text)
        assert not await stage.look(1)
    assert await stage.look(1)
    assert stage.taken == ["two and a half"]


async def test_a_bad_file_changes_nothing_says_why_and_a_good_one_ends_it(stage: Stage) -> None:
    stage.write("a.yaml", "bad")
    with structlog.testing.capture_logs() as logs:
        assert await stage.look()
    assert stage.taken == []
    assert stage.watcher.notes() == [
        "the things in the files are not in force: a.yaml:1:1: bad",
        "the things in the files are not in force: a.yaml:2:1: worse",
    ]
    assert [(entry["event"], entry["problems"]) for entry in logs] == [
        ("reload refused", ["a.yaml:1:1: bad", "a.yaml:2:1: worse"])
    ]
    assert not await stage.look(5)  # a bad file is read once, not for ever
    stage.write("a.yaml", "good")
    await stage.look()
    assert (stage.taken, stage.watcher.notes()) == (["good"], [])
    assert [reload.successful for reload in stage.told] == [True, False, True]


async def test_what_may_go_away_by_itself_is_tried_again_later(stage: Stage) -> None:
    stage.failures = [BusUnavailable("bus_unavailable", "no broker answers")]
    stage.write("a.yaml", "two")
    await stage.look()
    assert stage.watcher.notes() == ["the things in the files are not in force: no broker answers"]
    assert not await stage.look(5)
    await stage.clock.advance(5)
    assert await stage.look(1)
    assert (stage.taken, stage.watcher.notes()) == (["two"], [])


async def test_a_mistake_of_ours_is_logged_and_the_watch_goes_on(stage: Stage) -> None:
    stage.failures = [KeyError("x")]
    stage.write("a.yaml", "two")
    with structlog.testing.capture_logs() as logs:
        await stage.look()
    assert [entry["event"] for entry in logs] == ["reload failed", "reload refused"]
    assert "internal error (KeyError)" in stage.watcher.notes()[0]
    stage.write("a.yaml", "three")
    await stage.look()
    assert stage.taken == ["three"]


def test_what_is_bad_at_first_is_raised(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("bad")
    told: list[Reload] = []
    with pytest.raises(CatalogueError):
        Watcher("things", tmp_path, PATTERNS, read, ManualClock(), told.append).first()
    assert told == []


def test_a_stamp_of_nothing_is_nothing(tmp_path: Path) -> None:
    assert stamp(tmp_path, PATTERNS) == ()


def test_a_link_to_nowhere_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to(tmp_path / "nowhere")
    assert stamp(tmp_path, PATTERNS) == ()
