"""Fields computed again at the moment of sending: a time, a hash, a signature over other fields."""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from hashlib import sha256

from lgsp.traffic.replay.bind import Which
from lgsp.traffic.replay.place import Place, Said, parse_place, put, values

TEXT, AS_IS, NOW, SHA256, HMAC, BASE64 = "text", "as-is", "now", "sha256", "hmac-sha256", "base64"
HOW = (NOW, SHA256, HMAC, BASE64)
UNIX, UNIX_MS = "unix", "unix-ms"
PARTS = ("method", "path", "query", "body")
"""Of a call, beside the places of `place`."""
NAMED = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Value:
    """How a value comes to be. In `text` and `key` a name in braces stands for another value, a part of the call or a place in it.

    `as-is`: nothing in it stands for anything. Of `now`, `text` is a form of strftime, `unix` or `unix-ms`, and `east` the zone's seconds east of Greenwich. `raw`: a
    digest as base64 instead of hexadecimal.
    """

    how: str
    text: str
    key: str = ""
    raw: bool = False
    east: float = 0.0


@dataclass(frozen=True, slots=True)
class Signature:
    """Calls of these kinds have these texts at these places, in this order. A value is computed when it is first named."""

    name: str
    kinds: tuple[Which, ...]
    values: Mapping[str, Value]
    puts: tuple[tuple[Place, str], ...]

    def means(self, service: str, operation: str, method: str, target: str) -> bool:
        """Whether such a call is signed by it."""
        return any(kind.names(service, operation, method, target) for kind in self.kinds)


def signed(said: Said, method: str, signature: Signature, now: float) -> Said:
    """The call as it is at `now`, seconds since the epoch. What a text names and the call does not have is empty in it."""
    desk = _Desk(said, method, signature.values, now)
    for place, text in signature.puts:
        desk.said = put(place, desk.said, desk.filled(text))
    return desk.said


class _Desk:
    """A call while it is signed, and the values computed so far."""

    def __init__(self, said: Said, method: str, made_of: Mapping[str, Value], now: float) -> None:
        self.said = said
        self._method = method
        self._values = made_of
        self._now = now
        self._known: dict[str, str] = {}

    def filled(self, text: str) -> str:
        return NAMED.sub(lambda found: self._named(found[1]), text)

    def _named(self, name: str) -> str:
        if name in self._values:
            if name not in self._known:
                self._known[name] = self._computed(self._values[name])
            return self._known[name]
        if name in PARTS:
            return _part(name, self.said, self._method)
        return next(iter(values(parse_place(name), self.said)), "")

    def _computed(self, value: Value) -> str:
        if value.how == AS_IS:
            return value.text
        if value.how == NOW:
            return moment(self._now, value.text, value.east)
        text = self.filled(value.text)
        if value.how == TEXT:
            return text
        if value.how == BASE64:
            return b64encode(text.encode()).decode()
        if value.how == HMAC:
            digest = hmac.new(self.filled(value.key).encode(), text.encode(), "sha256").digest()
        else:
            digest = sha256(text.encode()).digest()
        return b64encode(digest).decode() if value.raw else digest.hex()


def moment(now: float, form: str, east: float) -> str:
    """A time as it is written."""
    if form in {UNIX, UNIX_MS}:
        return str(int(now * (1 if form == UNIX else 1_000)))
    return datetime.fromtimestamp(now, timezone(timedelta(seconds=east))).strftime(form)


def _part(name: str, said: Said, method: str) -> str:
    path, _, query = said.target.partition("?")
    if name == "body":
        return said.body.decode("utf-8", "surrogateescape")
    return {"method": method, "path": path, "query": query}[name]
