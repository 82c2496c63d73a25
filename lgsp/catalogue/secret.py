"""What is kept of a consumer's secret: a salted scrypt hash, from which the secret cannot be had back."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode

LOG_N, R, P = 14, 8, 1
"""About 40 ms and 16 MiB: dear enough for a secret that a client chose itself, which may be short."""
_LENGTH = 32
_FORM = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d),p=(\d)\$([A-Za-z0-9+/]{16,88})\$([A-Za-z0-9+/]{43})")
_DEAREST = 16
"""A configuration cannot make one verification cost more than 64 MiB."""


def hashed(secret: str, salt: bytes) -> str:
    """The line to keep, in the common form `$scrypt$ln=..,r=..,p=..$salt$hash`. `salt`: 16 random bytes."""
    return f"$scrypt$ln={LOG_N},r={R},p={P}${_text(salt)}${_text(_scrypt(secret, salt, LOG_N, R, P))}"


def is_hashed(line: str) -> bool:
    """Whether a line has the form that `hashed` gives, at a cost that is bearable."""
    found = _FORM.fullmatch(line)
    return found is not None and 1 <= int(found[1]) <= _DEAREST and 1 <= int(found[2]) <= R and int(found[3]) == P


def fits(secret: str, line: str) -> bool:
    """Whether the secret is the one of the line. Compares in constant time; takes as long as the line's cost says."""
    found = _FORM.fullmatch(line)
    if found is None:
        return False
    given = _scrypt(secret, _bytes(found[4]), int(found[1]), int(found[2]), int(found[3]))
    return hmac.compare_digest(given, _bytes(found[5]))


def _scrypt(secret: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    n = 1 << log_n
    return hashlib.scrypt(secret.encode(), salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=_LENGTH)


def _text(data: bytes) -> str:
    return b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4))
