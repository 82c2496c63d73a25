"""Which calls of a replay went: the key of each on a line, written before it goes, so that nothing goes twice whenever this is killed.

12      record 12
12.2    the same in the second round
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import TracebackType
from typing import Self

from lgsp.errors import SettingsError


class Journal:
    """One file. `done` is what stands in it already; what was begun and not heard out stands in it too."""

    def __init__(self, file: Path) -> None:
        """Raises `SettingsError` where the file is no journal, `OSError` where it cannot be written."""
        self._file = file
        self.done = _read(file)
        self._number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def __repr__(self) -> str:
        return f"<Journal {self._file}, {len(self.done)} went before>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._number)

    def going(self, key: str) -> None:
        """A call goes now."""
        os.write(self._number, f"{key}\n".encode())


_KEY = re.compile(rb"[0-9]+(\.[0-9]+)?")


def _read(file: Path) -> frozenset[str]:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return frozenset()
    whole, _, torn = data.rpartition(b"\n")
    lines = whole.splitlines()
    if not all(map(_KEY.fullmatch, lines)):
        raise SettingsError(f"{file} is no journal of a replay: each of its lines is a number; name another file")
    if torn:
        # Killed in the middle of a line: its call had not gone.
        os.truncate(file, len(data) - len(torn))
    return frozenset(line.decode() for line in lines)
