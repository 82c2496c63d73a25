"""Who is at the other end of a connection: its address, and the names of the certificate that it showed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Peer:
    """One of them. `names` are those of a certificate that came from the callers' authority; none where none was shown."""

    address: str = ""
    names: frozenset[str] = frozenset()


NOBODY = Peer()
Look = Callable[[], Peer]
"""Looks who it is: only where it matters, since each request would pay for it."""


def look_at(http: web.BaseRequest) -> Look:
    """How to see who sent this request."""
    return partial(_peer_of, http)


def _peer_of(http: web.BaseRequest) -> Peer:
    shown = http.get_extra_info("peercert") or {}
    kinds = {"DNS", "URI", "email"}
    return Peer(http.remote or "", frozenset(name for kind, name in shown.get("subjectAltName", ()) if kind in kinds))


def networks_of(written: Iterable[str]) -> tuple[Network, ...]:
    """The networks of an entry, as it was checked when it was read."""
    return tuple(ip_network(each) for each in written)


@lru_cache(maxsize=4_096)
def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of the networks; what is no address lies in none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)
