import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lgsp.capture.files import Writer
from lgsp.capture.record import Asked, Record
from lgsp.cli import lgsp
from lgsp.clock import SystemClock
from lgsp.errors import LgspError

DAY = 86_400


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Captures of 40, 31 and 2 days ago."""
    home = tmp_path / "captures"
    now = SystemClock().now()
    for name, days in (("a/0001", 40), ("b", 31), ("young", 2)):
        path = home / f"{name}.lgsp.jsonl"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with Writer.create(path, {}) as writer:
            writer.write(Record(t=1, request=Asked("GET", "/a")))
        os.utime(path, (now - days * DAY, now - days * DAY))
    return tmp_path


def run(*arguments: object, answer: str = "") -> Result:
    return CliRunner().invoke(lgsp, [str(each) for each in ("capture", *arguments)], input=answer)


def left(state: Path) -> list[str]:
    return sorted(path.name for path in (state / "captures").iterdir() if path.name != "deleted.jsonl")


def test_prune_deletes_counts_and_names_what_is_old(state: Path) -> None:
    writer = Writer.create(state / "captures" / "now.lgsp.jsonl", {})
    os.utime(state / "captures" / "now.lgsp.jsonl", (0, 0))
    size = sum(path.stat().st_size for path in (state / "captures").rglob("*.lgsp.jsonl") if path.name[0] in "0b")
    done = run("prune", "--older-than", "30d", "--yes", "--json", "--state", state)
    assert (done.exit_code, json.loads(done.stdout)) == (
        0,
        {"deleted": ["a", "b.lgsp.jsonl"], "bytes": size, "left": 2, "being_written": ["now.lgsp.jsonl"]},
    )
    assert f"deleted 2, {size:,} bytes; left 2, of which being written 1" in done.stderr
    assert left(state) == ["now.lgsp.jsonl", "young.lgsp.jsonl"]
    writer.close()


@pytest.mark.parametrize(("answer", "code", "gone"), [("y\n", 0, 2), ("n\n", 1, 0), ("", 1, 0)])
def test_prune_shows_what_would_go_and_asks(state: Path, answer: str, code: int, gone: int) -> None:
    done = run("prune", "--older-than", "30d", "--state", state, answer=answer)
    assert (done.exit_code, "b.lgsp.jsonl  " in done.stderr, "delete 2 for good?" in done.stderr) == (code, True, True)
    assert len(left(state)) == 3 - gone


def test_prune_of_nothing_asks_nothing(state: Path) -> None:
    done = run("prune", "--older-than", "41d", "--state", state)
    assert (done.exit_code, done.stdout, done.stderr) == (
        0,
        "",
        "deleted 0, 0 bytes; left 3, of which being written 0\n",
    )
    assert run("prune", "--older-than", "1h", "--state", state / "nowhere").exit_code == 0


def test_an_age_has_its_unit(state: Path) -> None:
    done = run("prune", "--older-than", "30", "--yes", "--state", state)
    assert isinstance(done.exception, LgspError)
    assert "--older-than: a duration needs its unit" in str(done.exception)
    assert len(left(state)) == 3


def test_rm_takes_names_as_ls_has_them(state: Path) -> None:
    done = run("rm", "a", state / "captures" / "b.lgsp.jsonl", "a", "--state", state)
    assert (done.exit_code, done.stdout) == (0, "a\nb.lgsp.jsonl\n")
    assert left(state) == ["young.lgsp.jsonl"]
    noted = [json.loads(line) for line in (state / "captures" / "deleted.jsonl").read_text().splitlines()]
    assert [(each["capture"], each["who"], each["why"]) for each in noted] == [
        ("a", "command", "rm"),
        ("b.lgsp.jsonl", "command", "rm"),
    ]


@pytest.mark.parametrize("name", ["yong.lgsp.jsonl", "../captures/a", "..", ".", "deleted.jsonl", "/etc/passwd", "\x1b[2J"])  # fmt: skip
def test_rm_of_what_is_no_capture_deletes_nothing(state: Path, name: str) -> None:
    done = run("rm", "a", name, "--state", state)
    assert isinstance(done.exception, LgspError)
    assert str(done.exception).startswith("there is no capture ")
    assert "\x1b" not in str(done.exception)
    assert ("did you mean young.lgsp.jsonl?" in str(done.exception)) == (name == "yong.lgsp.jsonl")
    assert len(left(state)) == 3


def test_rm_of_what_is_being_written_is_refused(state: Path) -> None:
    with Writer.create(state / "captures" / "now.lgsp.jsonl", {}):
        done = run("rm", "now.lgsp.jsonl", "--state", state)
        assert "is being written: end it first, `lgsp record stop`" in str(done.exception)
        listed = json.loads(run("ls", "--json", "--state", state).stdout)
        assert [(each["name"], each["being_written"]) for each in listed][1:] == [
            ("b.lgsp.jsonl", False),
            ("now.lgsp.jsonl", True),
            ("young.lgsp.jsonl", False),
        ]
    assert len(left(state)) == 4


@pytest.mark.parametrize("name", ["out.har", "out.gor", "out.lgsp.jsonl", "out.lgsp.jsonl.gz"])
def test_what_convert_writes_is_for_its_owner_alone(state: Path, name: str) -> None:
    before = os.umask(0)
    try:
        done = run("convert", state / "captures" / "b.lgsp.jsonl", state / name, "--state", state)
    finally:
        os.umask(before)
    assert (done.exit_code, (state / name).stat().st_mode & 0o777) == (0, 0o600)
