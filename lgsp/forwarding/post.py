"""HTTP to consumers and other systems: to hosts that are allowed by name, nowhere else, whatever a name resolves to or a reply says."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

_SECONDS = 10.0
_LOCAL = "localhost"
CALL_BACK = "start the gateway with --call-back {host} (LGSP_CALL_BACK)"
REACH = "start the connectors with --reach {host} (LGSP_REACH)"
"""What allows a host: for what consumers are told, and for what providers send of themselves."""


def refusal(url: str, allowed: Collection[str], permit: str = CALL_BACK) -> str:
    """Why an address may not be called; nothing where its host, or host and port, is allowed by name."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if {host, f"{host}:{port}"} & set(allowed):
        return ""
    return f"{host}:{port} is not allowed: {permit.format(host=host)}, if that is meant"


def is_inner(address: str) -> bool:
    """Whether an IP address is this machine's own, its link's, or nobody's."""
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or found
    return bool(mapped.is_loopback or mapped.is_link_local or mapped.is_unspecified or mapped.is_multicast)


class _Guarded(AbstractResolver):
    """Resolves names, but for those that lead inside: a name in somebody else's hands can point anywhere."""

    def __init__(self) -> None:
        self._asked = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._asked.resolve(host, port, family)
        if host != _LOCAL and any(is_inner(each["host"]) for each in found):
            raise OSError(f"{host} leads to this machine or its link: allow that by its own address, if it is meant")
        return found

    async def close(self) -> None:
        await self._asked.close()


class HttpPost:
    """Posts to the hosts in `allowed` (`host` or `host:port`). Follows no redirect, keeps no connection, reads no reply.

    `permit` is the sentence that says how `{host}` would be allowed.
    """

    def __init__(self, allowed: Collection[str], permit: str = CALL_BACK) -> None:
        self._allowed = frozenset(host.lower() for host in allowed)
        self._permit = permit

    def __repr__(self) -> str:
        return f"<HttpPost to {len(self._allowed)} hosts>"

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=_Guarded(), limit=32, force_close=True, use_dns_cache=False),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=_SECONDS),
            trust_env=False,
            headers={"User-Agent": "lgsp"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._session.close()

    def refusal(self, url: str) -> str:
        """Why an address may not be called; nothing where it may."""
        return refusal(url, self._allowed, self._permit)

    async def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> str:
        """Why the body was not taken; nothing where it was (2xx)."""
        refused = self.refusal(url)
        if refused:
            return refused
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                return "" if 200 <= response.status < 300 else f"it answered {response.status}"
        except TimeoutError:
            return f"no answer in {_SECONDS:.0f} s"
        except (aiohttp.ClientError, OSError) as error:
            return f"{type(error).__name__}: {error.__cause__ or error}"
