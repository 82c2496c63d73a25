"""Where a ledger lies: its file, and what stands beside it, all in the state directory, all for the owner's eyes only."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from lgsp.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Verified:
    """When a ledger was verified, and whether it was as it was written."""

    at: float = 0.0
    well: bool = True


@dataclass(frozen=True, slots=True)
class Files:
    """The places of the ledger of the gateway `name`."""

    directory: Path
    name: str

    @property
    def book(self) -> Path:
        """Rows, hours, checkpoints: the one file that counts."""
        return self.directory / f"ledger-{self.name}.sqlite"

    @property
    def journal(self) -> Path:
        """What is under way."""
        return self.directory / f"ledger-{self.name}.open"

    @property
    def checkpoints(self) -> Path:
        """Copies of the checkpoints, one a line; take this file elsewhere."""
        return self.directory / f"ledger-{self.name}.checkpoints.jsonl"

    @property
    def private_key(self) -> Path:
        """Signs checkpoints."""
        return self.directory / f"ledger-{self.name}.key.pem"

    @property
    def public_key(self) -> Path:
        """Checks their signatures."""
        return self.directory / f"ledger-{self.name}.public.pem"

    @property
    def caller_key(self) -> Path:
        """Under which callers' own ids are hashed."""
        return self.directory / f"ledger-{self.name}.caller-key"

    @property
    def verified(self) -> Path:
        """What the last verification found."""
        return self.directory / f"ledger-{self.name}.verified.json"

    def read_verified(self) -> Verified:
        """The last verification; one at 0 where there was none. One that cannot be read has failed."""
        try:
            found = json.loads(self.verified.read_bytes())
            return Verified(float(found["at"]), bool(found["well"]))
        except FileNotFoundError:
            return Verified()
        except (OSError, ValueError, KeyError, TypeError):
            return Verified(well=False)

    def note_verified(self, verified: Verified) -> None:
        """Keep a verification for `read_verified`. Raises `OSError`."""
        new = self.verified.with_suffix(".new")
        new.write_text(json.dumps({"at": verified.at, "well": verified.well}), encoding="utf-8")
        new.replace(self.verified)

    def quarantine(self, sequence: int) -> Path:
        """Where a tail that cannot be trusted was put."""
        return self.directory / f"ledger-{self.name}.quarantine-{sequence}.jsonl"

    def read_caller_key(self, *, make: bool) -> bytes:
        """The key of the callers' ids, made where it is missing and `make` is given. Raises `SettingsError`."""
        try:
            if make and not self.caller_key.exists():
                self.caller_key.touch(mode=0o600)
                self.caller_key.write_bytes(secrets.token_bytes(32))
            return self.caller_key.read_bytes()
        except OSError as error:
            raise SettingsError(
                f"the key of the callers' ids, {self.caller_key}, cannot be read: {error.strerror}"
            ) from error


def ledgers_in(directory: Path) -> list[Files]:
    """The ledgers of a state directory, by name."""
    found = sorted(directory.glob("ledger-*.sqlite"))
    return [Files(directory, path.name.removeprefix("ledger-").removesuffix(".sqlite")) for path in found]
