"""Who may ask for what, how often: a look-up for a known token, and no more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from aiohttp.hdrs import AUTHORIZATION
from multidict import MultiMapping

from lgsp.catalogue.consumer import EVERYTHING, Consumer, Limit, is_policy
from lgsp.catalogue.service import Service
from lgsp.clock import Clock
from lgsp.edge import faults
from lgsp.edge.faults import Fault
from lgsp.edge.peers import NOBODY, Look, Network, is_within, networks_of
from lgsp.edge.tokens import Grant, Tokens
from lgsp.errors import LgspError

TIER, HARD = "tier", "hard"
"""Scopes of a limit that is a service's own."""
_RESOLUTION = 1e-6
"""Seconds since the epoch are no finer in a float: who waited as long as it was told is not refused for less."""


@dataclass(frozen=True, slots=True)
class Met:
    """A known consumer, why its call is refused (or nothing), and after how many seconds another try can help."""

    consumer: Consumer
    refusal: str = ""
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Rights:
    """A consumer's entry, prepared for the question that each request asks."""

    consumer: Consumer
    everything: bool
    services: frozenset[str]
    operations: frozenset[str]
    partly: frozenset[str]
    """The services of which it may ask single operations."""
    held: Mapping[str, str]
    """Why it may not ask for these scopes at the moment, whatever it is subscribed to."""
    limits: Mapping[str, tuple[Limit, ...]]
    policies: tuple[Limit, ...]
    welcome: Met
    """The same for each call that may pass: the hot path makes nothing anew."""
    certificates: frozenset[str]
    networks: tuple[Network, ...]

    @classmethod
    def of(cls, consumer: Consumer) -> Rights:
        """The rights that the entry's subscriptions and limits give."""
        operations = frozenset(scope for scope in consumer.subscriptions if " " in scope)
        limits = {
            scope: tuple(limit for limit in consumer.limits if limit.scope == scope)
            for scope in {limit.scope for limit in consumer.limits}
        }
        return cls(
            consumer,
            EVERYTHING in consumer.subscriptions,
            frozenset(consumer.subscriptions) - operations,
            operations,
            frozenset(scope.partition(" ")[0] for scope in operations),
            _held(consumer),
            limits,
            tuple(limit for limit in consumer.limits if is_policy(limit.scope)),
            Met(consumer),
            frozenset(consumer.certificates),
            networks_of(consumer.networks),
        )

    def refusal(self, service: str, operation: str) -> str:
        """Why it may not ask for this, or nothing."""
        if self.held:
            scopes = (EVERYTHING, service, f"{service} {operation}")
            held = next((self.held[scope] for scope in scopes if scope in self.held), "")
            if held:
                return held
        if self.everything or service in self.services:
            return ""
        if service not in self.partly:
            return "not_subscribed"
        return "" if f"{service} {operation}" in self.operations else "operation_not_subscribed"

    def limits_on(self, service: str, operation: str) -> Iterator[Limit]:
        """Every limit that a call counts against."""
        for scope in (EVERYTHING, service, f"{service} {operation}"):
            yield from self.limits.get(scope, ())
        named = f"{service} {operation}"
        yield from (
            each for each in self.policies if fnmatchcase(named, each.scope) or fnmatchcase(service, each.scope)
        )


def _held(consumer: Consumer) -> dict[str, str]:
    blocked = {scope: "blocked" if scope == EVERYTHING else "subscription_blocked" for scope in consumer.blocked}
    return dict.fromkeys(consumer.pending, "subscription_inactive") | blocked


def refilled(level: float, since: float, now: float, limit: Limit) -> float:
    """How much a bucket holds that held `level` at `since`."""
    return min(float(limit.count), level + max(0.0, now - since) * limit.count / limit.seconds)


def seconds_until_one(level: float, limit: Limit) -> float:
    """How long until a bucket has room for one call more."""
    return max(0.0, 1 - level) * limit.seconds / limit.count


def throttled(limit: Limit) -> str:
    """The reason of a call that a limit refuses."""
    if limit.scope == EVERYTHING:
        return "throttled"
    if limit.scope in {TIER, HARD}:
        return "throttled_tier" if limit.scope == TIER else "hard_limit"
    if is_policy(limit.scope):
        return "throttled_policy"
    if " " in limit.scope:
        return "throttled_operation"
    return "throttled_burst" if limit.seconds <= 1 else "throttled_service"


class Buckets:
    """What is left of each limit, of the `at_most` asked for last. One process's own: two gateways let through twice as much."""

    def __init__(self, at_most: int = 100_000) -> None:
        self._at_most = at_most
        self._levels: dict[tuple[str, Limit], tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, limits: Sequence[tuple[str, Limit]], now: float) -> tuple[Limit, float] | None:
        """Count one call against all the limits, each with whose it is.

        Or against none, and say which refuses it and for how many seconds.
        """
        levels = []
        for key in limits:
            level, since = self._levels.get(key, (float(key[1].count), now))
            levels.append(refilled(level, since, now, key[1]))
        waits = [(seconds_until_one(level, limit), limit) for level, (_, limit) in zip(levels, limits, strict=True)]
        wait, slowest = max(waits, key=lambda each: each[0])
        if wait > _RESOLUTION:
            return slowest, wait
        for level, key in zip(levels, limits, strict=True):
            self._levels.pop(key, None)
            self._levels[key] = (level - 1, now)
        while len(self._levels) > self._at_most:
            del self._levels[next(iter(self._levels))]
        return None

    def keep(self, known: Collection[tuple[str, Limit]]) -> None:
        """Forget the buckets of limits that are no more."""
        self._levels = {key: level for key, level in self._levels.items() if key in known}


class Stranger(LgspError):
    """Nobody asks who may: no transaction. `fault` is what it is told; `consumer` whom its token or certificate shows."""

    code = "refused"

    def __init__(self, fault: Fault, consumer: str = "") -> None:
        super().__init__(fault.description)
        self.fault = fault
        self.consumer = consumer


@dataclass(slots=True)
class Access:
    """The consumers in force. `replace` swaps them whole; calls under way go on with what they began with."""

    tokens: Tokens
    clock: Clock
    revoked: dict[str, float] = field(default_factory=dict)
    """Tokens that were given back before their time, with the time until which it matters."""
    _rights: dict[str, Rights] = field(default_factory=dict)
    _keys: dict[str, Consumer] = field(default_factory=dict)
    _certificates: dict[str, str] = field(default_factory=dict)
    _buckets: Buckets = field(default_factory=Buckets)
    _tiers: dict[str, tuple[tuple[str, Limit], ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Access {len(self._rights)} consumers, {len(self.revoked)} revoked, {self.tokens!r}>"

    def replace(self, consumers: Iterable[Consumer]) -> None:
        """Put these consumers in force, instead of those that were."""
        known = list(consumers)
        self._keys = {consumer.client: consumer for consumer in known}
        self._rights = {consumer.id: Rights.of(consumer) for consumer in known}
        self._certificates = {name: consumer.id for consumer in known for name in consumer.certificates}
        self._forget()

    def serve(self, services: Iterable[Service]) -> None:
        """Put the limits of these services in force: of all their consumers together."""
        self._tiers = {}
        for service in services:
            given = ((TIER, service.limit), (HARD, service.hard_limit))
            limits = [Limit(scope=scope, count=each[0], seconds=each[1]) for scope, each in given if each]
            if limits:
                self._tiers[service.id] = tuple((f"service {service.id}", limit) for limit in limits)
        self._forget()

    def _forget(self) -> None:
        known = {(consumer.id, limit) for consumer in self._keys.values() for limit in consumer.limits}
        self._buckets.keep(known | {key for tier in self._tiers.values() for key in tier})

    def consumers(self) -> list[Consumer]:
        """The consumers in force."""
        return list(self._keys.values())

    def by_key(self, key: str) -> Consumer | None:
        """The consumer that asks for tokens under this key."""
        return self._keys.get(key)

    def revoke(self, grant: Grant) -> None:
        """End a token before its time. What is over by itself needs no note."""
        now = self.clock.now()
        self.revoked = {token: expires for token, expires in self.revoked.items() if expires > now}
        self.revoked[grant.token] = grant.expires

    def heed(self, returned: Mapping[str, float]) -> None:
        """Revoke also these tokens, which another gateway took back."""
        self.revoked = {**self.revoked, **returned}

    def meet(self, headers: MultiMapping[str], service: str, operation: str, look: Look = lambda: NOBODY) -> Met:
        """Who asks, by its token or by the certificate that `look` sees, and whether it may. Raises `Stranger`."""
        grant, rights = self._known(headers, look)
        now = self.clock.now()
        refusal = self._lapsed(grant, rights, now) or rights.refusal(service, operation)
        if refusal:
            return Met(rights.consumer, refusal)
        if rights.limits or self._tiers:
            limits = [(rights.consumer.id, limit) for limit in rights.limits_on(service, operation)]
            limits += self._tiers.get(service, ())
            taken = self._buckets.take(limits, now) if limits else None
            if taken is not None:
                return Met(rights.consumer, throttled(taken[0]), taken[1])
        return rights.welcome

    def who(self, headers: MultiMapping[str], look: Look = lambda: NOBODY) -> Consumer:
        """Who asks for what is its own. Raises `Stranger`, also where its token is over or it is disabled."""
        grant, rights = self._known(headers, look)
        if self._lapsed(grant, rights, self.clock.now()):
            raise Stranger(faults.INVALID_TOKEN, rights.consumer.id)
        return rights.consumer

    def comes_from(self, consumer: Consumer, look: Look) -> bool:
        """Whether the consumer may ask for a token from there, with what is shown there."""
        rights = self._rights.get(consumer.id)
        return rights is not None and _out_of_place(rights, look) is None

    def _known(self, headers: MultiMapping[str], look: Look) -> tuple[Grant | None, Rights]:
        """Whose token it is, or else whose certificate: a consumer that may come from where it comes."""
        grant = self._grant(headers)
        if grant is None:
            names = look().names
            consumer = next((self._certificates[name] for name in names if name in self._certificates), None)
            if consumer is None:
                raise Stranger(faults.STRANGE_CERTIFICATE if names else faults.NO_TOKEN)
        else:
            consumer = grant.consumer
        rights = self._rights.get(consumer)
        if rights is None:
            raise Stranger(faults.INVALID_TOKEN, consumer)
        fault = _out_of_place(rights, look)
        if fault is not None:
            raise Stranger(fault, consumer)
        return grant, rights

    def _lapsed(self, grant: Grant | None, rights: Rights, now: float) -> str:
        if grant is None:
            return "blocked" if rights.consumer.disabled else ""
        if rights.consumer.disabled or grant.token in self.revoked:
            return "token_revoked"
        return "token_expired" if grant.expires <= now else ""

    def _grant(self, headers: MultiMapping[str]) -> Grant | None:
        for value in headers.getall(AUTHORIZATION, ()):  # a contract's own Basic may stand beside the token
            if value[:7].lower().rstrip(" ") == "bearer":
                grant = self.tokens.read(value[7:].strip(" "))
                if grant is None:
                    raise Stranger(faults.INVALID_TOKEN)
                return grant
        return None


def _out_of_place(rights: Rights, look: Look) -> Fault | None:
    """What a caller is told who comes from elsewhere, or without the certificate beside which alone its token counts."""
    if rights.networks and not is_within(look().address, rights.networks):
        return faults.OTHER_NETWORK
    if rights.certificates and not rights.certificates & look().names:
        return faults.NO_CERTIFICATE
    return None
