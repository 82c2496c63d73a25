"""Which record of one capture belongs to which of the other."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from lgsp.capture.record import GATEWAY, Record
from lgsp.errors import SettingsError
from lgsp.traffic.diff.view import at, operation_of, view

Name = tuple[str, str, int]
"""The tap, what the record is called there, and how many of that name came before it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records of one name; one of them is `None` where the other is alone."""

    name: Name
    ours: Record | None
    theirs: Record | None

    @property
    def called(self) -> str:
        """As people read it: of the third of one name `7 (3)`."""
        _, word, nth = self.name
        return f"{word} ({nth + 1})" if nth else word


@dataclass(frozen=True, slots=True)
class Naming:
    """What a record is called in the first capture, and in the second; with a `tap`, only what it saw is paired."""

    ours: Callable[[Record], str]
    theirs: Callable[[Record], str]
    tap: str = ""


def _seq(record: Record) -> str:
    return str(record.seq)


def _tx(record: Record) -> str:
    return record.tx


def _key(record: Record) -> str:
    return record.key


NAMINGS: Mapping[str, Naming] = {
    "seq": Naming(_seq, _seq),
    "tx": Naming(_tx, _tx),
    "key": Naming(_key, _key),
    "replay": Naming(_seq, _key, GATEWAY),
}
"""`replay`: the second was recorded while the first was replayed, and has the first one's numbers as its keys; only the entrance has."""


def naming(text: str) -> Naming:
    """What `--by` says: one of `NAMINGS`, or `key:PLACE`, what stands at a place of the record, with its operation.

    Raises `SettingsError`.
    """
    word, sign, place = text.partition(":")
    if not sign and word in NAMINGS:
        return NAMINGS[word]
    if word != "key" or not place:
        raise SettingsError(f"--by {text!r} names no records: write {', '.join(NAMINGS)}, or key:request.body.id")

    def called(record: Record) -> str:
        found = at(view(record), place)
        value = found[0] if len(found) == 1 and isinstance(found[0], str) else json.dumps(found, sort_keys=True)
        return " ".join(filter(None, (*operation_of(record), value)))

    return Naming(called, called)


def pairs(ours: Iterable[Record], theirs: Iterable[Record], naming: Naming) -> Iterator[Pair]:
    """Every record of both that the naming means, once. Of several with one name the first belongs to the first, the second to the second.

    Both are read side by side: what is held in memory is what still waits for its other half.
    """
    sides = deque([(0, iter(ours), naming.ours), (1, iter(theirs), naming.theirs)])
    waiting: tuple[dict[Name, Record], dict[Name, Record]] = ({}, {})
    seen: tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]] = (Counter(), Counter())
    while sides:
        side, records, called = sides.popleft()
        record = next(records, None)
        if record is None:
            continue
        sides.append((side, records, called))
        if naming.tap not in {"", record.tap}:
            continue
        word = (record.tap, called(record))
        name = (*word, seen[side][word])
        seen[side][word] += 1
        other = waiting[1 - side].pop(name, None)
        if other is None:
            waiting[side][name] = record
        else:
            yield Pair(name, other, record) if side else Pair(name, record, other)
    yield from (Pair(name, record, None) for name, record in waiting[0].items())
    yield from (Pair(name, None, record) for name, record in waiting[1].items())
