"""Chance that can be repeated: every draw is keyed by what it is for, never by the order of arrival."""

from __future__ import annotations

from hashlib import blake2b

_SCALE = 1.0 / (1 << 53)


def draw(seed: int, service: str, operation: str, purpose: str, key: str, attempt: int = 1) -> float:
    """A number in [0, 1), the same for the same arguments on every machine, in every process."""
    name = f"{seed}\x1f{service}\x1f{operation}\x1f{purpose}\x1f{key}\x1f{attempt}"
    digest = blake2b(name.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) * _SCALE


def uuid7(milliseconds: int, entropy: int) -> str:
    """A UUID version 7 (RFC 9562): `milliseconds` since the epoch, then 74 bits of `entropy`."""
    random_a = entropy & 0xFFF
    random_b = (entropy >> 12) & 0x3FFF_FFFF_FFFF_FFFF
    whole = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | 7 << 76 | random_a << 64 | 2 << 62 | random_b
    digits = whole.to_bytes(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
