"""Values of replies in later requests: tokens, sessions, ids. The recorded one is found again, the live one goes in its place.

POST /token -> {"access_token": "abc"}          recorded: call 1 gave abc, call 2 has it in its header
GET /a         Authorization: Bearer abc        replayed: call 2 waits for what call 1 gives now
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lgsp.capture.record import Record
from lgsp.traffic.replay.place import COOKIE, HEADER, Place, Said, changed, put, values

_PIECES = tuple(map(re.compile, (r".+", r"\S+", r"[^\s,;]+", r"[\w.~-]+")))
"""A value stands in a text as the whole of it, as a word, as a part of a list, as a part of an address: the first that fits."""


@dataclass(frozen=True, slots=True)
class Which:
    """Calls by what they ask: `population`, `POST /token`, `payment-platform POST /*`; `*` is anything, `{id}` a segment."""

    text: str

    def means(self, record: Record) -> bool:
        """Whether a record is such a call."""
        return (
            self.names(record.service, record.operation, record.request.method, record.request.url)
            if record.request
            else False
        )

    def names(self, service: str, operation: str, method: str, url: str) -> bool:
        """Whether a call of these is one; `url` may be a path or a whole address."""
        if self.text in {service, operation}:
            return True
        path = re.sub(r"^[a-z]+://[^/?]*", "", url).partition("?")[0] or "/"
        pattern = re.sub(r"\\\{[^{}]*\\\}", "[^/]+", re.escape(self.text)).replace(r"\*", ".*")
        asked = (f"{method} {path}", operation, f"{service} {method} {path}", f"{service} {operation}")
        return any(re.fullmatch(pattern, each) for each in asked)


@dataclass(frozen=True, slots=True)
class Put:
    """Where a value goes: in place of the recorded one, or with a `form` (`Bearer {}`) as the whole of it, whatever stands there."""

    place: Place
    form: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """What stands at `take` in the replies to some calls goes to the places of `puts` in later ones."""

    name: str
    source: Which
    take: Place
    puts: tuple[Put, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of one call, and what it has from earlier ones: recorded value by (binding, number of the call that gave it).

    `text` is what was recorded of a header or cookie, which the call itself does not have any more.
    """

    put: Put
    text: str
    sources: Mapping[str, tuple[str, int]]

    @property
    def needs(self) -> tuple[tuple[str, int], ...]:
        """What has to have come."""
        return tuple(self.sources.values())


@dataclass(slots=True)
class Trace:
    """Follows values through a capture. The calls are shown to it in the order of their times."""

    bindings: Sequence[Binding]
    _given: dict[str, dict[str, int]] = field(default_factory=dict)
    _last: dict[str, int] = field(default_factory=dict)

    def takes(self, asked: Said) -> tuple[Slot, ...]:
        """Where the next call has values of earlier ones."""
        found = []
        for binding in self.bindings:
            given = self._given.get(binding.name, {})
            for each in binding.puts:
                if each.form:
                    if binding.name in self._last:
                        found.append(Slot(each, "", {"": (binding.name, self._last[binding.name])}))
                    continue
                for text in values(each.place, asked):
                    sources = {piece: (binding.name, given[piece]) for piece in _pieces_of(text, given)}
                    if sources:
                        found.append(Slot(each, text, sources))
        return tuple(found)

    def gives(self, number: int, record: Record) -> tuple[Binding, ...]:
        """What later calls may take from call `number`, as it was recorded."""
        giving = tuple(binding for binding in self.bindings if binding.source.means(record))
        for binding in giving:
            self._last[binding.name] = number
            if record.reply is not None:
                told = Said(record.reply.headers, record.reply.body.data or b"")
                for value in values(binding.take, told):
                    self._given.setdefault(binding.name, {})[value] = number
        return giving


def _pieces_of(text: str, known: Mapping[str, int]) -> list[str]:
    for pattern in _PIECES:
        found = [piece for piece in pattern.findall(text) if piece in known]
        if found:
            return found
    return []


def bound(said: Said, slots: Sequence[Slot], live: Mapping[tuple[str, int], str]) -> Said:
    """A call with the values that came now in its slots; all that they need is in `live`."""
    for slot in slots:
        new = {recorded: live[source] for recorded, source in slot.sources.items()}
        place = slot.put.place
        if slot.put.form:
            said = put(place, said, slot.put.form.replace("{}", new[""]))
        elif place.kind in {HEADER, COOKIE}:
            said = put(place, said, exchanged(slot.text, new))
        else:
            said = changed(place, said, lambda text, new=new: exchanged(text, new))  # type: ignore[misc]
    return said


def exchanged(text: str, new: Mapping[str, str]) -> str:
    """A text with each value that stands in it as a piece exchanged."""
    for pattern in _PIECES:
        if any(piece in new for piece in pattern.findall(text)):
            return pattern.sub(lambda piece: new.get(piece[0], piece[0]), text)
    return text
