from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from project import files_of


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        ".gitignore",
        "lgsp/a.py",
        "lgsp/__pycache__/a.pyc",
        ".venv/bin/python",
        "bench/latest.json",
        "made.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".gitignore").write_text(".venv/\n__pycache__/\n*.pyc\nbench/latest.json\n")
    return tmp_path


def test_an_unpacked_archive_has_the_files_that_nothing_ignores(tree: Path) -> None:
    assert files_of(tree) == [".gitignore", "lgsp/a.py", "made.py"]


def test_a_checkout_without_git_at_hand_is_read_like_an_archive(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / ".git").mkdir()
    (tree / ".git" / "HEAD").touch()
    monkeypatch.setenv("PATH", str(tree))
    assert files_of(tree) == [".gitignore", "lgsp/a.py", "made.py"]


@pytest.mark.real
def test_a_checkout_has_the_files_that_git_tracks(tree: Path) -> None:
    git = shutil.which("git")
    assert git, "git is not installed: install the package git, or run `make test`"
    subprocess.run([git, "init", "-q"], cwd=tree, check=True)
    subprocess.run([git, "add", "lgsp"], cwd=tree, check=True)
    assert files_of(tree) == ["lgsp/a.py"]
