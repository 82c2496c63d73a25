"""Checkpoints: what the chain stood for at a moment, signed, each naming the one before it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from lgsp.errors import LedgerDamaged, SettingsError

EVERY_ROWS, EVERY_US = 10_000, 60_000_000
GENESIS = "0" * 64
PublicKey = Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Row `sequence` has the link `root`; by then `totals` had ended, outcome by outcome. `previous`: digest of the last one.

    `sealed` is the month whose rows were dropped here. The rows up to `ends`, with the link `end_root`, are gone by now,
    and `hours` is the digest of all hours before `boundary` (in hours since the epoch), which stand for them. `lost` rows
    had been written and were nowhere at a start: their numbers were given anew. `events` had happened by then, the last of
    them with the link `event_root`.
    """

    ledger: str
    number: int
    sequence: int
    count: int
    at_us: int
    root: str
    totals: Mapping[str, int]
    previous: str
    sealed: str = ""
    ends: int = 0
    end_root: str = GENESIS
    boundary: int = 0
    hours: str = GENESIS
    lost: int = 0
    events: int = 0
    event_root: str = GENESIS
    signature: str = ""

    def signed_bytes(self) -> bytes:
        """What the signature covers: everything but itself, in one form only."""
        return _canonical({name: value for name, value in self._fields().items() if name != "signature"})

    def document(self) -> str:
        """As one line of JSON."""
        return _canonical(self._fields()).decode()

    def _fields(self) -> dict[str, Any]:
        """What is written: nothing of events where there were none, as before there could be any."""
        return {name: value for name, value in asdict(self).items() if self.events or not name.startswith("event")}

    def digest(self) -> str:
        """What the next checkpoint names as `previous`."""
        return sha256(self.document().encode()).hexdigest()

    def is_due(self, sequence: int, now_us: int, events: int = 0) -> bool:
        """Whether the next one is, with the chain at `sequence`, and so many events."""
        grown = sequence - self.sequence
        has_more = grown > 0 or events > self.events
        return grown >= EVERY_ROWS or (has_more and now_us - self.at_us >= EVERY_US)


def parse(document: str, where: str) -> Checkpoint:
    """The checkpoint of a line. Raises `LedgerDamaged` with `where` when it is none."""
    try:
        made = Checkpoint(**json.loads(document))
    except (ValueError, TypeError) as error:
        raise LedgerDamaged(f"{where} is no checkpoint: {error}") from error
    if made.document() != document.strip():
        raise LedgerDamaged(f"{where} is no checkpoint: it is not written in the one form that is signed")
    return made


def last_number(copies: Path) -> int:
    """The number of the last checkpoint in a file of copies; 0 of none."""
    if not copies.exists() or not copies.stat().st_size:
        return 0
    with copies.open("rb") as file:
        file.seek(max(copies.stat().st_size - 65_536, 0))
        lines = file.read().splitlines()
    return parse(lines[-1].decode(errors="replace"), f"the last line of {copies}").number


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Signer:
    """Signs checkpoints with the key of one ledger."""

    def __init__(self, private: Path, public: Path) -> None:
        """Makes the pair where it is missing. Raises `SettingsError` when it cannot be read or made."""
        try:
            if not private.exists():
                key = Ed25519PrivateKey.generate()
                private.touch(mode=0o600)
                private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            loaded = load_pem_private_key(private.read_bytes(), None)
            public.write_bytes(loaded.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        except (OSError, ValueError) as error:
            raise SettingsError(f"the ledger's signing key {private} cannot be used: {error}") from error
        if not isinstance(loaded, Ed25519PrivateKey):
            raise SettingsError(f"the ledger's signing key {private} is no Ed25519 key")
        self._key = loaded

    def sign(self, checkpoint: Checkpoint) -> Checkpoint:
        """The checkpoint with its signature."""
        return replace(checkpoint, signature=self._key.sign(checkpoint.signed_bytes()).hex())


def read_public(path: Path) -> PublicKey:
    """The key that checks signatures. Raises `SettingsError`."""
    try:
        loaded = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(f"the ledger's public key {path} cannot be read: {error}; name it with --key") from error
    if not isinstance(loaded, Ed25519PublicKey):
        raise SettingsError(f"the ledger's public key {path} is no Ed25519 key; name it with --key")
    return loaded


def is_signed(checkpoint: Checkpoint, key: PublicKey) -> bool:
    """Whether the signature is of that key, over that checkpoint."""
    try:
        key.verify(bytes.fromhex(checkpoint.signature), checkpoint.signed_bytes())
    except (InvalidSignature, ValueError):
        return False
    return True
