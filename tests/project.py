"""The project's own files, in a checkout and in an unpacked archive alike."""

from __future__ import annotations

import os
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


def files_of(root: Path = REPOSITORY) -> list[str]:
    """Names below `root`: what git tracks, or, where there is no git, everything that `.gitignore` lets pass."""
    git = shutil.which("git")
    if git and (root / ".git").exists():
        listed = subprocess.run([git, "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
        return sorted(filter(None, listed.split("\0")))
    ignored = [".git", *(line.strip("/") for line in (root / ".gitignore").read_text().splitlines())]

    def passes(path: Path) -> bool:
        name = path.relative_to(root).as_posix()
        return not any(fnmatch(path.name, pattern) or name == pattern for pattern in ignored)

    found: list[Path] = []
    for place, folders, names in os.walk(root):
        folders[:] = [folder for folder in folders if passes(Path(place, folder))]
        found += [file for name in names if passes(file := Path(place, name))]
    return sorted(file.relative_to(root).as_posix() for file in found)
