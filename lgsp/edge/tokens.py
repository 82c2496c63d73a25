"""Access tokens: JWTs signed with one Ed25519 key, checked once and then known by heart."""

from __future__ import annotations

import fcntl
import json
import os
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from lgsp.errors import SettingsError

LIFETIME = 3_600
KNOWN_AT_MOST = 10_000
LONGEST = 2_048
ISSUER, AUDIENCE = "lgsp", "lgsp-gateway"


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


HEADER = _encoded(b'{"alg":"EdDSA","typ":"at+jwt"}')


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token says that we signed: for whom, its own id, and until when (it may be over)."""

    consumer: str
    token: str
    expires: float


def make_key() -> bytes:
    """A new signing key, in PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Tokens:
    """Issues and reads tokens. All gateways with the same key take each other's; `new_id` names each token."""

    def __init__(self, key: bytes, new_id: Callable[[], str]) -> None:
        """`key` is a PEM file's content. Raises `SettingsError`."""
        try:
            private = load_pem_private_key(key, password=None)
        except (ValueError, TypeError) as error:
            raise SettingsError(f"the token key is no private key in PEM: {error}") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise SettingsError(
                "the token key is not of the kind Ed25519: make one with openssl genpkey -algorithm ed25519"
            )
        self._private = private
        self._public = private.public_key()
        self._new_id = new_id
        self._known: dict[str, Grant] = {}

    def __repr__(self) -> str:
        return f"<Tokens {len(self._known)} known>"

    def issue(self, consumer: str, now: float) -> str:
        """A token for `consumer`, good for an hour."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": consumer,
            "iat": int(now),
            "exp": int(now) + LIFETIME,
            "jti": self._new_id(),
        }
        signed = f"{HEADER}.{_encoded(json.dumps(claims, separators=(',', ':')).encode())}"
        return f"{signed}.{_encoded(self._private.sign(signed.encode()))}"

    def read(self, token: str) -> Grant | None:
        """What the token says, or `None` where we did not sign it. A token seen before costs one look-up."""
        grant = self._known.get(token)
        if grant is None:
            grant = self._verified(token)
            if grant is not None:
                if len(self._known) >= KNOWN_AT_MOST:
                    del self._known[next(iter(self._known))]
                self._known[token] = grant
        return grant

    def _verified(self, token: str) -> Grant | None:
        # The header is compared with ours as a whole: no token chooses the algorithm that judges it.
        signed, _, signature = token.rpartition(".")
        header, _, claims = signed.partition(".")
        if len(token) > LONGEST or header != HEADER or not token.isascii():
            return None
        try:
            self._public.verify(_decoded(signature), signed.encode())
            return _grant(json.loads(_decoded(claims)))
        except (InvalidSignature, ValueError, RecursionError):
            return None


def _decoded(text: str) -> bytes:
    """Raises `ValueError` for anything but the one way in which these bytes are written."""
    data = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _encoded(data) != text:
        raise ValueError("not written as we write it")
    return data


def _grant(claims: object) -> Grant | None:
    match claims:
        case {"iss": issuer, "aud": audience, "sub": str(consumer), "jti": str(token), "exp": int(expires)}:
            return Grant(consumer, token, float(expires)) if (issuer, audience) == (ISSUER, AUDIENCE) else None
    return None


class Returned:
    """The file of the tokens that were taken back before their time; gateways on one state directory share it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def note(self, grant: Grant) -> None:
        """Write down a token that was taken back."""
        with self._locked() as lines:
            lines.write(f"{grant.token} {int(grant.expires)}\n")

    def read(self, now: float) -> dict[str, float]:
        """The tokens taken back that would not be over by themselves, with the times when they are."""
        if not self.file.exists():
            return {}
        return {token: expires for token, expires in _lines(self.file.read_text("utf-8")) if expires > now}

    def shorten(self, now: float) -> None:
        """Leave out of the file what is over by itself."""
        with self._locked() as lines:
            lines.seek(0)
            still = [f"{token} {int(expires)}\n" for token, expires in _lines(lines.read()) if expires > now]
            lines.truncate(0)
            lines.writelines(still)

    @contextmanager
    def _locked(self) -> Iterator[TextIO]:
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a+", encoding="utf-8") as lines:
            fcntl.flock(lines, fcntl.LOCK_EX)
            yield lines


def _lines(text: str) -> Iterator[tuple[str, float]]:
    for line in text.splitlines():
        token, _, expires = line.partition(" ")
        if expires.isdigit():  # half a line of a process that was killed is nobody's token
            yield token, float(expires)
