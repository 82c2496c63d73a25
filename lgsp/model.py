"""What moves: a request, its reply, and the transaction they make.

Records are plain dataclasses with slots: they stand on the hot path, and nobody changes one after it was made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

from lgsp.errors import MalformedRequest


class Outcome(StrEnum):
    """How a transaction ended. Every transaction has exactly one, written once."""

    OK = "ok"
    BUSINESS_FAULT = "business_fault"
    REJECTED = "rejected"
    PROVIDER_ERROR = "provider_error"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    BUS_ERROR = "bus_error"


@dataclass(slots=True)
class Request:
    """One call, as the gateway accepted it and as the connector gets it.

    `operation` is `METHOD /template`; `path` (below the service's context) and `query` (raw) are as called.
    `headers` holds lower-case names of a closed list, `content-type` among them; `body` is the caller's bytes.
    `key` names the request in every random draw. `budget`, `waited` and `redelivered` are set by the bus on arrival:
    seconds until the caller stops waiting, seconds spent on the bus, and whether another connector may have begun it.
    `force` is how a tester wants it to end, as written, empty for all others.
    `stored`, set by the bus too: it came by store-and-forward.
    `asked_as` is the caller's own id of this request where the contract has a field for one. `origin` is `live` or
    `replay`. These two stay at the gateway.
    """

    id: str
    service: str
    operation: str
    path: str
    query: str = ""
    consumer: str = ""
    key: str = ""
    attempt: int = 1
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    calm: bool = False
    budget: float = 0.0
    waited: float = 0.0
    redelivered: bool = False
    stored: bool = False
    asked_as: str = ""
    origin: str = "live"
    force: str = ""

    @property
    def forced(self) -> bool:
        """Whether a tester chose the outcome."""
        return bool(self.force)

    @property
    def path_values(self) -> dict[str, str]:
        """The values of the template's `{names}`, percent-decoded."""
        template = self.operation.partition(" ")[2].split("/")
        return {
            name[1:-1]: unquote(value)
            for name, value in zip(template, self.path.split("/"), strict=False)
            if name.startswith("{") and name.endswith("}")
        }

    @property
    def query_values(self) -> dict[str, str]:
        """The query's fields, decoded; of a repeated field the last value."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """The body as JSON. Raises `MalformedRequest` when it is not, with the place where it stops."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise MalformedRequest(f"the body is not JSON: {error}") from error

    @property
    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises `MalformedRequest` for anything else."""
        value = self.json
        if not isinstance(value, dict):
            raise MalformedRequest("the body is JSON, but not an object")
        return value


@dataclass(slots=True)
class Stamps:
    """The connector's four times, nanoseconds since the epoch on its clock: taken, called, answered, handed back."""

    t3: int = 0
    t4: int = 0
    t5: int = 0
    t6: int = 0


@dataclass(slots=True)
class Reply:
    """What came back for the request `to`: an outcome, an HTTP status, a short reason, the provider's bytes."""

    to: str
    outcome: Outcome = Outcome.OK
    status: int = 200
    reason: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    stamps: Stamps | None = None
    service: str = field(default="", compare=False)
    """For which service whoever sent it over a bus says that it answers."""

    @classmethod
    def of_json(
        cls,
        request: Request,
        data: object,
        *,
        outcome: Outcome = Outcome.OK,
        status: int = 200,
        reason: str = "",
    ) -> Reply:
        """A reply whose body is `data` as JSON, in UTF-8 with its letters as they are."""
        body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(request.id, outcome, status, reason, body, {"content-type": "application/json; charset=utf-8"})


EXECUTING = Outcome.OK, 102, "executing"
"""Outcome, status and reason of what is no answer yet: a connector is at something stored, and will be for a while."""


@dataclass(slots=True)
class Transaction:
    """One accepted request with its one outcome. `started_at`: UTC seconds since the epoch; `seconds`: how long.

    `sent_at` is when it was given to the bus; 0 when it never was.
    """

    request: Request
    reply: Reply | None
    outcome: Outcome
    reason: str
    started_at: float
    seconds: float
    sent_at: float = 0.0


class Tap(Protocol):
    """Told of each finished transaction, once."""

    def saw(self, transaction: Transaction) -> None:
        """Note it. Does not block; one that raises loses its own note only."""
        ...
