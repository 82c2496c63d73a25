"""A service as data: one entry of the YAML after validation. Times in seconds, rates as ratios from 0 to 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from lgsp.errors import UnknownService
from lgsp.model import Outcome

Mode = Literal["simulate", "proxy", "spy", "disabled"]
Tier = Literal["central", "provincial"]
Route = Literal["ndxp", "vpcp", "local"]
Delivery = Literal["sync", "store-and-forward"]
Evidence = Literal["documented", "seen", "assumed"]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(_Data):
    """What people read, in both languages. A title given once stands for both."""

    vi: str
    en: str


class Fixed(_Data):
    """Always the same."""

    seconds: float


class Uniform(_Data):
    """Evenly between `low` and `high`."""

    low: float
    high: float


class Lognormal(_Data):
    """The lognormal through two percentiles; with `p99` equal to `p50` it is fixed."""

    p50: float
    p99: float


class Percentiles(_Data):
    """Linear between the given points, each (percent, seconds), rising in both; p0 and p100 default to the ends."""

    points: tuple[tuple[float, float], ...]


class Part(_Data):
    """One part of a mixture."""

    weight: float
    distribution: Fixed | Uniform | Lognormal | Percentiles


class Mixture(_Data):
    """Now one, now another, by weight."""

    parts: tuple[Part, ...]


Distribution = Fixed | Uniform | Lognormal | Percentiles | Mixture


class Latency(_Data):
    """How long the stand-in takes in all, its own work included; what exceeds `maximum` is drawn again."""

    distribution: Distribution
    maximum: float | None = None


class ErrorMix(_Data):
    """How often a call fails by itself: the rate of each outcome, at most 1 together."""

    rates: Mapping[Outcome, float]


class ExampleRequest(_Data):
    """A request as a client writes it. `path` is concrete, below the context; default the template itself."""

    path: str
    query: str = ""
    headers: Mapping[str, str] = Field(default_factory=dict)
    body: bytes = b""


class ExampleReply(_Data):
    """What must come back. `exact`: JSON equal as values, text equal; `subset`: every given field, with its value."""

    status: int = 200
    outcome: Outcome = Outcome.OK
    body: object = None
    compare: Literal["exact", "subset"] = "exact"


class Example(_Data):
    """A request with its reply: documentation, demo traffic and test in one."""

    name: str
    request: ExampleRequest
    reply: ExampleReply


class Operation(_Data):
    """One thing that can be asked of a service; `name` is `METHOD /template`."""

    name: str
    summary: Text
    idempotent: bool
    delivery: Delivery = "sync"
    evidence: Evidence = "assumed"
    source: str = ""
    weight: float = 1.0
    latency: Latency | None = None
    errors: ErrorMix | None = None
    reply: object = None
    """The body of a templated reply as YAML gave it; `None` where a module answers, or the request is echoed."""
    examples: tuple[Example, ...] = ()

    @property
    def method(self) -> str:
        """`GET`, `POST` ..."""
        return self.name.partition(" ")[0]

    @property
    def template(self) -> str:
        """`/vehicles/{plate}`."""
        return self.name.partition(" ")[2]


class Upstream(_Data):
    """The real provider behind a service that proxies or spies. Values of headers are never shown."""

    url: str
    """Where the paths below the service's context begin, without a slash at its end."""
    timeout: float | None = None
    """Of one attempt; `None`: what is left of the budget."""
    connect_timeout: float = 3.0
    retries: int = 1
    """Further attempts, of idempotent operations only."""
    headers: Mapping[str, SecretStr] = Field(default_factory=dict)
    """Sent with each call; a value may name `${VARIABLES}` of the environment."""
    headers_file: Mapping[str, str] = Field(default_factory=dict)
    """Headers whose values stand in files, relative to the configuration's directory."""
    outcomes: Mapping[str, Outcome] = Field(default_factory=dict)
    """What a status (`404`) or a class of them (`4xx`) means here, where it is not the usual."""


class Service(_Data):
    """One data-sharing service, with every default filled in."""

    id: str
    title: Text
    owner: str = ""
    tier: Tier = "provincial"
    route: Route = "local"
    context: str
    aliases: tuple[str, ...] = ()
    """Other contexts under which the same operations answer."""
    timeout: float = 30.0
    objective: float = 0.97
    mode: Mode = "simulate"
    connector: str | None = None
    """Dotted name of the module that answers; `None` where the YAML's own replies do."""
    share: float = 0.0
    """Part of the demo traffic, relative to the other services'."""
    latency: Latency | None = None
    errors: ErrorMix | None = None
    operations: Mapping[str, Operation]
    upstream: Upstream | None = None
    where: str = ""
    """`file:line` of the entry."""


class Catalogue:
    """The services that exist: one immutable set, swapped whole."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = dict(services)

    def __repr__(self) -> str:
        return f"<Catalogue {len(self)} services, {sum(len(s.operations) for s in self)} operations>"

    def swap(self, other: Catalogue) -> None:
        """From now on hold what `other` holds."""
        self._services = other._services

    def find(self, service: str) -> Service:
        """The service of that id. Raises `UnknownService`."""
        try:
            return self._services[service]
        except KeyError:
            raise UnknownService(f"no service {service!r} in the catalogue") from None

    def __iter__(self) -> Iterator[Service]:
        return iter(self._services.values())

    def __len__(self) -> int:
        return len(self._services)

    def __contains__(self, service: object) -> bool:
        return service in self._services
