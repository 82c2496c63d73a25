"""A system that calls over HTTP: it fetches its token, renews it in time, and hears each answer out."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.typedefs import LooseHeaders

from lgsp.clock import Clock
from lgsp.errors import ProviderError, SettingsError, TimedOut, Unreachable
from lgsp.model import Outcome

_OUTCOMES = frozenset(str(outcome) for outcome in Outcome)
_WORTHLESS = b"900901"
"""What an LGSP says of a token that is over, taken back, or not its own."""
_EARLY = 0.9
"""The part of a token's life after which it is renewed."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a consumer gets its token with."""

    key: str
    secret: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are lower-case; of a header that came twice, the last."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()
    """What each `Set-Cookie` says."""

    @property
    def transaction(self) -> str:
        """The transaction's id, where an LGSP answered."""
        return self.headers.get("x-transaction-id", "")

    @property
    def outcome(self) -> Outcome:
        """As the gateway says it, else by the status."""
        said = self.headers.get("x-lgsp-outcome", "")
        return Outcome(said) if said in _OUTCOMES else outcome_of(self.status)


def outcome_of(status: int) -> Outcome:
    """What a status means where nobody says more."""
    if status < 400:
        return Outcome.OK
    if status in {404, 409, 410}:
        return Outcome.BUSINESS_FAULT
    return {504: Outcome.TIMEOUT}.get(status, Outcome.REJECTED if status < 500 else Outcome.PROVIDER_ERROR)


class Caller:
    """Calls one address, as a consumer where it has `credentials`. It follows no redirect and keeps no cookie.

    `connections` is how many it opens at most, 0 for as many as there are calls at once.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        credentials: Credentials | None = None,
        trust: ssl.SSLContext | None = None,
        connections: int = 0,
    ) -> None:
        self.url = url.rstrip("/")
        self._clock = clock
        self._credentials = credentials
        self._trust = trust
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._renewing = asyncio.Lock()
        self._token = ""
        self._good_until = 0.0

    def __repr__(self) -> str:
        return f"<Caller of {self.url}, {self._credentials.key if self._credentials else 'nobody'}>"

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=self._connections, ssl=self._trust or True)
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def begin(self) -> None:
        """Fetch the token now, so that no call waits for it. Raises as `ask` does."""
        await self._bearer()

    async def ask(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float = 60.0
    ) -> Answer:
        """The answer to one call; `target` is path and query as they go out.

        Raises `Unreachable`, `TimedOut`, or `ProviderError` when an answer breaks off; `SettingsError` when there is no token.
        """
        token = await self._bearer()
        answer = await self._once(method, target, headers, body, timeout, token)
        if token and answer.status == 401 and _WORTHLESS in answer.body:
            # Taken back, or the gateway began anew: one more try, with a new one. A provider's own 401 is an answer.
            if token == self._token:
                self._good_until = 0.0
            renewed = await self._bearer()
            answer = await self._once(method, target, headers, body, timeout, renewed)
        return answer

    async def _once(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, timeout: float, token: str
    ) -> Answer:
        # A contract's own Basic credentials stand beside the token.
        sent: LooseHeaders = [*headers.items(), ("authorization", f"Bearer {token}")] if token else headers
        # As they were given: what a caller did not say is not said for it.
        bare = ("User-Agent", "Content-Type", "Accept", "Accept-Encoding")
        return await self._exchange(method, target, timeout, data=body or None, headers=sent, skip_auto_headers=bare)

    async def _exchange(self, method: str, target: str, timeout: float, **what: Any) -> Answer:  # noqa: ANN401 - aiohttp's
        if self._session is None:
            raise RuntimeError("a caller is entered before it asks")
        limit = aiohttp.ClientTimeout(total=timeout)
        try:
            asked = self._session.request(method, self.url + target, allow_redirects=False, timeout=limit, **what)
            async with asked as response:
                body = await response.read()
                named = {name.lower(): value for name, value in response.headers.items()}
                cookies = tuple(response.headers.getall("Set-Cookie", ())) if "set-cookie" in named else ()
                return Answer(response.status, named, body, cookies)
        except TimeoutError as error:
            raise TimedOut("budget_spent", f"{self.url} did not answer within {timeout:g} s") from error
        except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError) as error:
            raise ProviderError("receive_failed", f"{self.url} broke off its answer: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable("provider_down", f"nobody answers at {self.url} ({error})") from error

    async def _bearer(self) -> str:
        if self._credentials is None:
            return ""
        if self._clock.now() >= self._good_until:
            async with self._renewing:
                if self._clock.now() >= self._good_until:
                    await self._renew(self._credentials)
        return self._token

    async def _renew(self, who: Credentials) -> None:
        form = {"grant_type": "client_credentials", "client_id": who.key, "client_secret": who.secret}
        answer = await self._exchange("POST", "/token", 30.0, data=form)
        told = _json_object(answer.body)
        if answer.status != 200 or not isinstance(told.get("access_token"), str):
            says = told.get("error_description") or "it does not say why"
            raise SettingsError(f"{self.url} gives {who.key!r} no token ({answer.status}): {says}")
        self._token = told["access_token"]
        self._good_until = self._clock.now() + _EARLY * float(told.get("expires_in") or 0.0)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
