"""`POST /token` and `POST /revoke`: OAuth 2.0 client credentials, as the province's real gateway gives them."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

import structlog
from aiohttp import web

from lgsp.catalogue.consumer import Consumer, Limit
from lgsp.catalogue.secret import fits
from lgsp.clock import Clock
from lgsp.edge.access import Access, Buckets
from lgsp.edge.answers import SERVER
from lgsp.edge.audit import ISSUED, Audit
from lgsp.edge.peers import look_at
from lgsp.edge.tokens import LIFETIME, Grant

log = structlog.get_logger()
SCOPE = "am_application_scope default"
FORM = "application/x-www-form-urlencoded"
TRIES = Limit(scope="token", count=10, seconds=1.0)
"""Of one address with one key; a client that keeps its token asks once an hour."""
AT_ONCE, IN_LINE = 2, 32
"""Checks of a secret that run side by side, and that may wait for their turn."""
_NO_CLIENT = "A valid OAuth client could not be found: check key and secret"
_NOBODY = "$scrypt$ln=14,r=8,p=1$bGdzcC9ub2JvZHkvc2FsdA$" + 43 * "A"
"""No secret's hash. An unknown key costs what a wrong secret costs: the time of the answer does not tell them apart."""


class _Refused(Exception):
    """The request gets this OAuth error. `consumer`: whose secret it showed; `why`: what is written down of it."""

    def __init__(
        self,
        status: int,
        error: str,
        description: str,
        headers: Mapping[str, str] | None = None,
        *,
        consumer: str = "",
        why: str = "",
    ) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.headers = headers or {}
        self.consumer = consumer
        self.why = why or description


class Desk:
    """Gives tokens for secrets and takes tokens back. `note` is told of each token taken back, to keep it."""

    def __init__(
        self, access: Access, clock: Clock, audit: Audit, note: Callable[[Grant], None] = lambda _: None
    ) -> None:
        self._access = access
        self._clock = clock
        self._audit = audit
        self._note = note
        self._tries = Buckets(at_most=10_000)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._in_line = 0

    async def token(self, http: web.BaseRequest, body: bytes) -> web.Response:
        """Answer `POST /token`."""
        return await self._answered(http, self._give(http, body))

    async def revoke(self, http: web.BaseRequest, body: bytes) -> web.Response:
        """Answer `POST /revoke`: 200 also for what is no token (any more), as RFC 7009 wants it."""
        return await self._answered(http, self._take_back(http, body))

    async def _answered(self, http: web.BaseRequest, asked: Awaitable[Mapping[str, object]]) -> web.Response:
        try:
            return _json(200, await asked, {})
        except _Refused as refused:
            address = http.remote or ""
            if refused.consumer:
                await self._audit.known(refused.consumer, "consumer.refused", http.path, address, why=refused.why)
            elif refused.status in {401, 429}:
                self._audit.stranger(refused.why, address, asked=http.path)
            return _json(refused.status, {"error": refused.error, "error_description": str(refused)}, refused.headers)
        except Exception as error:
            log.exception("token desk failed", error=type(error).__name__)
            return _json(500, {"error": "server_error", "error_description": "It stands in the gateway's log"}, {})

    async def _give(self, http: web.BaseRequest, body: bytes) -> dict[str, object]:
        form = _form(http, body)
        grant_type = form.get("grant_type")
        if grant_type is None:
            raise _Refused(400, "invalid_request", "Missing grant_type: send grant_type=client_credentials")
        if grant_type != "client_credentials":
            raise _Refused(400, "unsupported_grant_type", "This gateway has grant_type=client_credentials only")
        consumer = await self._client(http, form)
        issued = self._access.tokens.issue(consumer.id, self._clock.now())
        await self._tell(http, "token.issued", self._access.tokens.read(issued))
        return {"access_token": issued, "scope": SCOPE, "token_type": "Bearer", "expires_in": LIFETIME}

    async def _take_back(self, http: web.BaseRequest, body: bytes) -> dict[str, object]:
        form = _form(http, body)
        if "token" not in form:
            raise _Refused(400, "invalid_request", "Missing token: send token=...")
        consumer = await self._client(http, form)
        grant = self._access.tokens.read(form["token"])
        if grant is None or grant.expires <= self._clock.now():
            return {}
        if grant.consumer != consumer.id:
            raise _Refused(400, "unauthorized_client", "The token was not issued to this client", consumer=consumer.id)
        if grant.token not in self._access.revoked:
            self._access.revoke(grant)
            self._note(grant)
            await self._tell(http, "token.returned", grant)
        return {}

    async def _tell(self, http: web.BaseRequest, what: str, grant: Grant | None) -> None:
        """Have it written down, by the token's id, with which nobody can do anything."""
        if grant is not None:
            await self._audit.known(
                grant.consumer, what, grant.consumer, http.remote or "", free=ISSUED, token=grant.token
            )

    async def _client(self, http: web.BaseRequest, form: Mapping[str, str]) -> Consumer:
        """The consumer whose key and secret these are."""
        key, secret = _credentials(http.headers.getall("Authorization", ()), form)
        consumer = self._access.by_key(key)
        self._count(http.remote or "", key if consumer else "")
        lines = consumer.secrets if consumer else ()
        if self._in_line >= IN_LINE:
            raise _Refused(503, "temporarily_unavailable", "Too many ask at once: try again", {"Retry-After": "1"})
        self._in_line += 1
        try:
            async with self._turns:
                fitting = await asyncio.to_thread(_fits_one, secret, lines or (_NOBODY,))
        finally:
            self._in_line -= 1
        # Looked up again: the entry may have changed while the secret was being checked.
        consumer = self._access.by_key(key)
        if consumer is None or not fitting or consumer.secrets != lines:
            raise _unknown(_NO_CLIENT, why=f"a wrong secret of {consumer.id}" if consumer else "")
        if not self._access.comes_from(consumer, look_at(http)):
            # From elsewhere it is nobody, whatever its secret: the answer does not say which of the two was wrong.
            raise _unknown(_NO_CLIENT, consumer.id, "its secret, from where it may not come or without its certificate")
        if consumer.disabled:
            raise _unknown("This client is disabled: ask the operator of the gateway", consumer.id)
        return consumer

    def _count(self, address: str, key: str) -> None:
        refusing = self._tries.take([(f"{address} {key}", TRIES)], self._clock.now())
        if refusing:
            raise _Refused(429, "temporarily_unavailable", "Too many requests: keep the token", {"Retry-After": "1"})


def _fits_one(secret: str, lines: tuple[str, ...]) -> bool:
    """Whether a secret is that of one of the lines. Tries them all, so that the time does not tell which."""
    fitting = [fits(secret, line) for line in lines]
    return any(fitting)


def _form(http: web.BaseRequest, body: bytes) -> dict[str, str]:
    if http.method != "POST":
        raise _Refused(405, "invalid_request", "Use POST", {"Allow": "POST"})
    if http.content_type != FORM:
        raise _Refused(400, "invalid_request", f"Send the fields as {FORM}")
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=16)
        form = dict(fields)
    except ValueError:
        raise _Refused(400, "invalid_request", "The body is no form: name=value&name=value") from None
    if len(form) != len(fields):
        raise _Refused(400, "invalid_request", "A field stands there twice")
    return form


def _credentials(authorization: list[str] | tuple[()], form: Mapping[str, str]) -> tuple[str, str]:
    if "client_secret" in form or "client_id" in form:
        if authorization:
            raise _Refused(400, "invalid_request", "Credentials in header and form: send them once")
        return form.get("client_id", ""), form.get("client_secret", "")
    if len(authorization) != 1:
        raise _unknown("Send key and secret: Authorization: Basic base64(key:secret)")
    scheme, _, value = authorization[0].partition(" ")
    try:
        decoded = b64decode(value.strip(" "), validate=True).decode()
    except ValueError:
        decoded = ""
    key, colon, secret = decoded.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise _unknown("Send key and secret: Authorization: Basic base64(key:secret)")
    return key, secret


def _unknown(description: str, consumer: str = "", why: str = "") -> _Refused:
    headers = {"WWW-Authenticate": 'Basic realm="lgsp"'}
    return _Refused(401, "invalid_client", description, headers, consumer=consumer, why=why)


def _json(status: int, fields: Mapping[str, object], headers: Mapping[str, str]) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(fields).encode(),
        headers={
            "Content-Type": "application/json",
            "Cache-Control": "no-store",
            "Pragma": "no-cache",
            "Server": SERVER,
            **headers,
        },
    )
