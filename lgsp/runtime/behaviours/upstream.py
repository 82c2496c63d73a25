"""Answers from the real provider, over HTTP.

request --> breaker --> attempt --> outcome of its status --> reply
              ^            | what may be repeated, within the budget
              └------------┘
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import aiohttp
import structlog
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from lgsp.catalogue.service import Operation
from lgsp.chance import draw
from lgsp.errors import DeliveryError, MalformedRequest, TimedOut, Unreachable
from lgsp.model import Outcome, Reply, Request, Tap, Transaction
from lgsp.runtime.connector import Forward
from lgsp.runtime.provider import Provider, Upstreams
from lgsp.trust import what_is_wrong

log = structlog.get_logger()
USUAL: Mapping[str, Outcome] = {
    "2xx": Outcome.OK,
    "3xx": Outcome.PROVIDER_ERROR,
    "4xx": Outcome.REJECTED,
    "404": Outcome.BUSINESS_FAULT,
    "409": Outcome.BUSINESS_FAULT,
    "410": Outcome.BUSINESS_FAULT,
    "5xx": Outcome.PROVIDER_ERROR,
}
"""What a status means where the service says nothing else: a well-formed "no" is `404`, `409` and `410`."""
_REASON = {Outcome.REJECTED: "bad_request", Outcome.PROVIDER_ERROR: "provider_fault"}
_PASSING = frozenset({502, 503, 504})
"""Statuses that a second attempt may not meet."""
_FIRST_WAIT = 0.1
_REDIRECTS = 3
_PIECE = 64 * 1024
_TARGET = re.compile(r"[!-~]*")
_KEPT_BACK = frozenset(
    {
        "alt-svc",
        "connection",
        "content-length",
        "date",
        "keep-alive",
        "server",
        "set-cookie",
        "strict-transport-security",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers of a reply that speak of the provider's own connection, or would tie the consumer to its host."""


@dataclass(slots=True)
class _Attempt:
    """How one went; `passing`: another may go better."""

    reply: Reply
    passing: bool = False


def outcome_of(status: int, here: Mapping[str, Outcome]) -> Outcome:
    """What a status means: the service's own word for it, for its class, then the usual ones."""
    for table in (here, USUAL):
        for name in (str(status), f"{status // 100}xx"):
            if name in table:
                return table[name]
    return Outcome.PROVIDER_ERROR


def wait_before(retry: int, *, left: float, u: float) -> float | None:
    """Seconds until the `retry`-th further attempt: doubling, between half and the whole by `u`; `None` when none fits."""
    wait = _FIRST_WAIT * 2 ** (retry - 1) * (0.5 + u / 2)
    return wait if wait < left else None


class UpstreamBehaviour:
    """Asks the real provider in the connector's place, one operation's requests.

    Gives up when the budget is spent; asks again only where the operation is idempotent, and never while the breaker
    is open. With `spies`, what was asked and said goes to the taps as well.
    """

    def __init__(self, provider: Provider, operation: Operation, world: Upstreams, *, spies: bool) -> None:
        self._provider = provider
        self._operation = operation
        self._world = world
        self._spies = spies
        self._retries = provider.upstream.retries if operation.idempotent else 0

    async def __call__(self, request: Request, forward: Forward) -> Reply:  # noqa: ARG002 - the stand-in is not asked
        """The provider's reply, or a reply with the outcome that its absence is.

        Raises `Unreachable` while the breaker is open, `TimedOut` at the end of the budget, `MalformedRequest` for a path
        that would lead elsewhere.
        """
        target = target_of(self._provider.upstream.url, request)
        started = self._world.clock.now()
        reply = await self._asked(request, target, started + request.budget)
        if self._spies:
            seconds = self._world.clock.now() - started
            _tell(self._world.taps, Transaction(request, reply, reply.outcome, reply.reason, started, seconds))
        return reply

    async def _asked(self, request: Request, target: URL, deadline: float) -> Reply:
        clock = self._world.clock
        retry = 0
        attempt = await self._attempt(request, target, deadline)
        while attempt.passing and retry < self._retries:
            retry += 1
            u = draw(self._world.seed, request.service, request.operation, "upstream.wait", request.key, retry)
            wait = wait_before(retry, left=deadline - clock.now(), u=u)
            if wait is None:
                break
            await clock.sleep(wait)
            try:
                attempt = await self._attempt(request, target, deadline)
            except Unreachable:
                break  # the breaker opened meanwhile: what was said last stands
        if attempt.reply.outcome is Outcome.TIMEOUT and clock.now() >= deadline:
            raise TimedOut("budget_spent", f"{request.service} did not answer within the budget")
        return attempt.reply

    async def _attempt(self, request: Request, target: URL, deadline: float) -> _Attempt:
        """One request, in the breaker's sight."""
        turn = self._provider.admit()
        outcome: Outcome | None = None
        try:
            attempt = await self._sent(request, target, deadline - self._world.clock.now())
            outcome = attempt.reply.outcome
        finally:
            self._provider.ended(turn, outcome)
        return attempt

    async def _sent(self, request: Request, target: URL, left: float) -> _Attempt:
        """One request, whatever becomes of it."""
        try:
            return await self._exchange(request, target, left)
        except DeliveryError as error:
            self._provider.distrust(what_is_wrong(error))
            status = 503 if isinstance(error, Unreachable) else 502
            return _none(request, Outcome(error.code), status, error.reason, passing=True)
        except TimeoutError:
            return _none(request, Outcome.TIMEOUT, 504, "budget_spent", passing=True)
        except aiohttp.ClientPayloadError:
            return _none(request, Outcome.PROVIDER_ERROR, 502, "receive_failed")
        except aiohttp.ClientError:
            return _none(request, Outcome.PROVIDER_ERROR, 502, "protocol_violation")

    async def _exchange(self, request: Request, target: URL, left: float) -> _Attempt:
        upstream = self._provider.upstream
        seconds = max(0.001, left if upstream.timeout is None else min(left, upstream.timeout))
        limit = aiohttp.ClientTimeout(
            total=seconds, sock_connect=min(upstream.connect_timeout, seconds), ceil_threshold=seconds + 1
        )
        method = self._operation.method
        headers = {name: value for name, value in request.headers.items() if value.isprintable()} | dict(
            self._provider.headers
        )
        session = self._world.session(reuses=self._operation.idempotent)
        for _ in range(_REDIRECTS + 1):
            async with session.request(
                method,
                target,
                data=request.body or None,
                headers=headers,
                allow_redirects=False,
                timeout=limit,
                ssl=self._provider.tls,
            ) as response:
                further = _same_host(target, response) if method in {"GET", "HEAD"} else None
                if further is None:
                    return await self._read(request, response)
                target = further
        return _none(request, Outcome.PROVIDER_ERROR, 502, "bad_reply")

    async def _read(self, request: Request, response: aiohttp.ClientResponse) -> _Attempt:
        body = bytearray()
        async for piece in response.content.iter_chunked(_PIECE):
            body += piece
            if len(body) > self._world.max_reply:
                response.close()
                return _none(request, Outcome.PROVIDER_ERROR, 502, "bad_reply")
        outcome = outcome_of(response.status, self._provider.upstream.outcomes)
        if outcome is Outcome.PROVIDER_ERROR and response.status < 400:
            return _none(request, outcome, 502, "bad_reply")
        headers = _passed(response.headers) | {"x-lgsp-source": "upstream"}
        reply = Reply(request.id, outcome, response.status, _REASON.get(outcome, ""), bytes(body), headers)
        # A provider that says when to come again is not asked sooner.
        return _Attempt(reply, passing=response.status in _PASSING and "Retry-After" not in response.headers)


def target_of(url: str, request: Request) -> URL:
    """Where a request goes: below `url`, spelt as called. Raises `MalformedRequest` for a path that leads elsewhere."""
    spelt = f"{request.path}?{request.query}" if request.query else request.path
    climbs = {".", ".."} & set(unquote(request.path).split("/"))
    if (
        climbs
        or not request.path.startswith("/")
        or "#" in spelt
        or "?" in request.path
        or not _TARGET.fullmatch(spelt)
    ):
        raise MalformedRequest("the path cannot go on to the provider: it holds signs or dots that lead elsewhere")
    return URL(url + spelt, encoded=True)


def _same_host(target: URL, response: aiohttp.ClientResponse) -> URL | None:
    """Where a redirect leads, if that is the same host; else it is an answer like any other."""
    place = response.headers.get("Location")
    if not 301 <= response.status <= 308 or not place:
        return None
    try:
        further = target.join(URL(place))
        return further if further.origin() == target.origin() else None
    except ValueError:
        return None


def _passed(headers: CIMultiDictProxy[str]) -> dict[str, str]:
    """The headers that go on to the consumer; of one that comes twice the values in one line."""
    made: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        if name.lower() not in _KEPT_BACK and value.isprintable():
            made[name] = f"{made[name]}, {value}" if name in made else value
    return {name.lower(): value for name, value in made.items()}


def _none(request: Request, outcome: Outcome, status: int, reason: str, *, passing: bool = False) -> _Attempt:
    """The reply of a provider that gave none: the gateway finds the words for it."""
    return _Attempt(Reply(request.id, outcome, status, reason), passing)


def _tell(taps: Sequence[Tap], transaction: Transaction) -> None:
    for tap in taps:
        try:
            tap.saw(transaction)
        except Exception as error:
            log.exception("tap failed", tap=type(tap).__name__, error=type(error).__name__)
