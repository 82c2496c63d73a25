"""A copy of a ledger at one moment, taken while it is written."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from lgsp.errors import SettingsError
from lgsp.ledger import schema
from lgsp.ledger.files import Files


def back_up(files: Files, directory: Path) -> list[Path]:
    """Copy the file, its checkpoints and its public key; the copies. Raises `SettingsError`.

    The signing key stays where it is, so that nobody can sign with the copy.
    """
    target = Files(directory, files.name)
    if target.book.exists():
        raise SettingsError(f"{target.book} is there already: name another directory, or move it away")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # First what refers to rows, then the rows: the copy holds everything that its checkpoints attest.
        made = []
        for source, copy in (
            (files.public_key, target.public_key),
            (files.checkpoints, target.checkpoints),
            (files.caller_key, target.caller_key),
        ):
            if source.exists():
                shutil.copy2(source, copy)
                made.append(copy)
        target.book.touch(mode=0o600)
        db = schema.connect(files.book, readonly=True)
        try:
            db.execute("VACUUM INTO ?", (str(target.book),))
        finally:
            db.close()
    except (OSError, sqlite3.Error) as error:
        target.book.unlink(missing_ok=True)
        raise SettingsError(f"the ledger cannot be copied to {directory}: {error}") from error
    return [target.book, *made]
