"""Which records of a capture went: a number a line, written before it goes, so that nothing goes twice whenever this is killed."""

from __future__ import annotations

import os
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

    def going(self, seq: int) -> None:
        """A record goes now."""
        os.write(self._number, b"%d\n" % seq)


def _read(file: Path) -> frozenset[int]:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return frozenset()
    whole, _, torn = data.rpartition(b"\n")
    try:
        if torn:
            # Killed in the middle of a line: its record had not gone.
            os.truncate(file, len(data) - len(torn))
        return frozenset(int(line) for line in whole.splitlines())
    except ValueError as error:
        raise SettingsError(
            f"{file} is no journal of a replay: each of its lines is a number; name another file"
        ) from error
