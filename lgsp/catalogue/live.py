"""The catalogue in force, and how the next one takes its place: planned, prepared, then swapped whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lgsp.catalogue.service import Catalogue, Service

FILES = ("services.yaml", "calendar.yaml", "services.d/**/*", "*.csv", "*.json")
"""What the services of a configuration directory are read from."""
Commit = Callable[[], None]


class Taker(Protocol):
    """Somebody who works by the catalogue."""

    def prepare(self, new: Catalogue) -> Commit:
        """Get ready for `new`, beside what is in force; not on the event loop. Raises `CatalogueError` where it cannot.

        What comes back puts it into force in one assignment: it neither waits nor fails.
        """
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What a new set of services changes, by id and in its order."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def plan(old: Catalogue, new: Catalogue) -> Plan:
    """What differs between two sets; a service that only stands at another line is the same."""
    return Plan(
        added=tuple(service.id for service in new if service.id not in old),
        changed=tuple(service.id for service in new if service.id in old and not same(old.find(service.id), service)),
        removed=tuple(service.id for service in old if service.id not in new),
    )


def same(one: Service, other: Service) -> bool:
    """Whether two entries say the same, wherever they stand."""
    return one.model_copy(update={"where": other.where}) == other


class Live:
    """Puts new sets of services into force: one at a time, for all takers at once.

    `ready` makes what the new services need (queues, consumers) before anybody asks for them.
    """

    def __init__(
        self, catalogue: Catalogue, takers: Sequence[Taker], ready: Callable[[Catalogue, Plan], Awaitable[None]]
    ) -> None:
        self._catalogue = catalogue
        self._takers = takers
        self._ready = ready

    async def take(self, new: Catalogue) -> None:
        """Put `new` into force. On any error the old set stays, whole."""
        changes = plan(self._catalogue, new)
        if not changes:
            return
        commits = await asyncio.to_thread(lambda: [taker.prepare(new) for taker in self._takers])
        await self._ready(new, changes)
        # Nothing waits from here on: every request meets one version, never a mixture.
        self._catalogue.swap(new)
        for commit in commits:
            commit()
