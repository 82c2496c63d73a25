"""Which names a loopback listener answers to; any other comes from a page that a browser was lured into asking with."""

from __future__ import annotations

_OURS = ("127.0.0.1", "localhost", "[::1]")


def is_our_name(host: str) -> bool:
    """Whether a `Host` header names loopback, with or without a port."""
    host = host.lower()
    name, colon, port = host.rpartition(":")
    if host in _OURS:
        return True
    return bool(colon) and name in _OURS and port.isascii() and port.isdigit()


def is_our_origin(origin: str) -> bool:
    """Whether an `Origin` header names a page of loopback."""
    scheme, _, host = origin.partition("://")
    return scheme in {"http", "https"} and is_our_name(host)
