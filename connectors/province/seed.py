"""Where everything made up comes from: a number drawn for a thing and a purpose, the same for ever."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

SEED = "quang-nam"
T = TypeVar("T")


def number(thing: str, purpose: str, below: int) -> int:
    """A whole number from 0 to `below` - 1 for a thing and a purpose."""
    digest = blake2b(f"{SEED}\x1f{thing}\x1f{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % below


def pick(thing: str, purpose: str, choices: Sequence[T]) -> T:
    """One of the choices for a thing and a purpose."""
    return choices[number(thing, purpose, len(choices))]


def digits(thing: str, purpose: str, length: int) -> str:
    """So many decimal digits for a thing and a purpose."""
    return f"{number(thing, purpose, 10**length):0{length}d}"
