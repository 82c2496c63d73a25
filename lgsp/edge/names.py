"""Which names a loopback listener answers to; any other comes from a page that a browser was lured into asking with."""

from __future__ import annotations

from functools import lru_cache

_OURS = ("127.0.0.1", "localhost", "[::1]")


@lru_cache(maxsize=64)
def is_our_name(host: str, more: frozenset[str] = frozenset()) -> bool:
    """Whether a `Host` header names loopback, or one `more` name in small letters, with or without a port."""
    host = host.lower()
    name, colon, port = host.rpartition(":")
    if host in _OURS or host in more:
        return True
    return bool(colon) and (name in _OURS or name in more) and port.isascii() and port.isdigit()


def is_our_origin(origin: str) -> bool:
    """Whether an `Origin` header names a page of loopback."""
    scheme, _, host = origin.partition("://")
    return scheme in {"http", "https"} and is_our_name(host)


def is_same_origin(origin: str, host: str) -> bool:
    """Whether an `Origin` header names the very host and port that `Host` does."""
    scheme, _, named = origin.partition("://")
    return scheme in {"http", "https"} and named.lower() == host.lower()
