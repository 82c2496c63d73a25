"""A service as data: one entry of the YAML after validation. Times in seconds, rates as ratios from 0 to 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from lgsp.breaker import USUAL, Terms
from lgsp.catalogue.table import Table
from lgsp.errors import UnknownService
from lgsp.model import Outcome

Mode = Literal["simulate", "proxy", "spy", "disabled"]
Tier = Literal["central", "provincial"]
Route = Literal["ndxp", "vpcp", "local"]
Delivery = Literal["sync", "store-and-forward"]
Evidence = Literal["documented", "seen", "assumed"]
Per = Literal["consumer", "service"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


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


class Exponential(_Data):
    """The exponential with this mean: what a memoryless server takes."""

    mean: float


class Percentiles(_Data):
    """Linear between the given points, each (percent, seconds), rising in both; p0 and p100 default to the ends."""

    points: tuple[tuple[float, float], ...]


class Part(_Data):
    """One part of a mixture."""

    weight: float
    distribution: Fixed | Uniform | Lognormal | Exponential | Percentiles


class Mixture(_Data):
    """Now one, now another, by weight."""

    parts: tuple[Part, ...]


Distribution = Fixed | Uniform | Lognormal | Exponential | Percentiles | Mixture


class Latency(_Data):
    """How long the stand-in takes in all, its own work included; what exceeds `maximum` is drawn again."""

    distribution: Distribution
    maximum: float | None = None


class ErrorMix(_Data):
    """How often a call fails by itself: the rate of each outcome, at most 1 together."""

    rates: Mapping[Outcome, float]


class Window(_Data):
    """Hours of a day at which a provider is slower, or fails more; seconds since local midnight, over it where they fall."""

    start: int
    end: int
    days: frozenset[Day] = frozenset(get_args(Day))
    latency: float = 1.0
    """What latencies are multiplied by ..."""
    errors: float = 1.0
    """... and the rates of errors."""


class Overflow(_Data):
    """What a call is told for which there is no room."""

    status: int = 503
    retry_after: float | None = None


class Capacity(_Data):
    """What a provider can take: so many calls at once, so many more that wait; and how often each caller may ask."""

    workers: int | None = None
    queue: int = 100
    overflow: Overflow | None = None
    """`None`: as the contract says that its provider failed."""
    rate: tuple[int, float] | None = None
    burst: int | None = None
    """Calls at once within the rate; `None`: as many as the rate has."""
    per: Per = "consumer"


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


class Comparison(_Data):
    """One test of a value: `equals`, `one_of`, `matches`, `exists`, `from`, `to`, `above` or `below`."""

    word: str
    value: object


class Condition(_Data):
    """Tests of one value of the request, all of which hold. `written` is its name in the YAML.

    `of` is `path`, `query`, `headers` or `body`, `name` the way to the value inside. With `table` the value is looked
    up: it is the key of a row, or of one `column` of it.
    """

    written: str
    of: Literal["path", "query", "headers", "body"]
    name: tuple[str, ...]
    tests: tuple[Comparison, ...]
    table: str | None = None
    column: str | None = None


class Form(_Data):
    """One reply as the YAML has it. A body that is no text is JSON; its texts may be templates."""

    status: int = 200
    outcome: Outcome = Outcome.OK
    headers: Mapping[str, str] = Field(default_factory=dict)
    delay: float = 0.0
    body: object = None
    after: float = 0.0
    """Of a step that comes by time: how long after the start."""


class Rule(_Data):
    """A reply and when it is given: the first rule whose conditions all hold answers.

    More than one of `steps` are a sequence: the n-th call with the same `per` gets the n-th, and then the last again,
    or the first (`then`). `where` is `file:line`.

    A rule that answers starts what `starts` names. One with `since` fits only what was started, and its steps come by time.
    """

    name: str
    when: tuple[Condition, ...] = ()
    steps: tuple[Form, ...]
    per: str | None = None
    then: Literal["stay", "restart"] = "stay"
    starts: str | None = None
    since: str | None = None
    where: str = ""


class FollowUp(_Data):
    """What a provider sends by HTTP of itself, a while after it answered a call that ended well and met `when`.

    Expressions see the request, and under `reply` what was answered. With `secret_file` it is signed.
    """

    after: Latency
    post: str
    when: tuple[Condition, ...] = ()
    form: Form = Form()
    """Its headers and body."""
    secret_file: str = ""
    where: str = ""
    """`file:line`."""


class RequestRule(_Data):
    """What a request's JSON body has to be, and the service's own words for one that is not."""

    json_schema: Mapping[str, Any]
    invalid: Form


class Operation(_Data):
    """One thing that can be asked of a service; `name` is `METHOD /template`."""

    name: str
    summary: Text
    idempotent: bool
    delivery: Delivery = "sync"
    max_age: float = 86_400.0
    """Where it is stored, it has its outcome within so many seconds."""
    evidence: Evidence = "assumed"
    source: str = ""
    weight: float = 1.0
    latency: Latency | None = None
    errors: ErrorMix | None = None
    request: RequestRule | None = None
    replies: tuple[Rule, ...] = ()
    """The YAML's own replies, the first that fits answers; without any a module answers, or the request is echoed."""
    follows: tuple[FollowUp, ...] = ()
    """What the provider sends of itself after it answered."""
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
    authority: str = ""
    """The file of the authority that its certificate comes from, relative to the configuration's directory."""
    certificate: str = ""
    """The file of ours, with its key, for a provider that wants to see one."""
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
    request_id: str = ""
    """The field of the contract in which a caller gives its own id of a request; empty where there is none."""
    limit: tuple[int, float] | None = None
    """So many calls of all consumers together in so many seconds; what is more is throttled ..."""
    hard_limit: tuple[int, float] | None = None
    """... and this is what its provider can take at all."""
    in_flight: int = 500
    """So many calls may be under way at once, of all consumers together; what is more is refused at once."""
    breaker: Terms | None = USUAL
    """When it is not asked any more, and for how long; `None`: it always is."""
    share: float = 0.01
    """Part of the demo traffic, relative to the other services'."""
    latency: Latency | None = None
    errors: ErrorMix | None = None
    capacity: Capacity | None = None
    profile: tuple[Window, ...] = ()
    """The first window that is open counts; when none is, latency and errors are as they stand."""
    data: Mapping[str, Table] = Field(default_factory=dict)
    """Tables that replies look things up in, by the name they use."""
    zone: str = "UTC"
    """The calendar's time zone, as the configuration has it."""
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
