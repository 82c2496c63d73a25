"""Who waits for which reply, and until when.

One dictionary from request id to slot; deadlines in buckets of 50 ms that one sweep empties, so that a request costs no
timer, no task and no lock. What was answered is remembered for a while, to tell a duplicate from a late reply.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum

from lgsp.errors import DeliveryError, TimedOut
from lgsp.model import Reply

BUCKET = 0.05
_REMEMBERED = 10_000


class Arrival(Enum):
    """What a reply was when it came."""

    AWAITED = "awaited"
    LATE = "late"
    DUPLICATE = "duplicate"


class Slot:
    """One request under way. `confirmed` is false while the broker has not taken it for certain."""

    __slots__ = ("confirmed", "due", "future", "id", "sent", "service")

    def __init__(self, request_id: str, service: str, due: float, future: asyncio.Future[Reply]) -> None:
        self.id = request_id
        self.service = service
        self.due = due
        self.future = future
        self.confirmed = True
        self.sent = 0.0


def silence(slot: Slot) -> DeliveryError:
    """How a slot ends whose deadline passed, on a bus that takes every request."""
    return TimedOut("budget_spent", f"{slot.service} did not answer {slot.id} within its budget")


class Waiting:
    """The requests under way. Times are seconds of whatever clock the caller uses; it says when it is."""

    def __init__(self, expired: Callable[[Slot], DeliveryError] = silence) -> None:
        self._expired = expired
        self._slots: dict[str, Slot] = {}
        self._buckets: dict[int, list[str]] = {}
        self._swept = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._answered: set[str] = set()
        self._order: deque[str] = deque()

    def __len__(self) -> int:
        return len(self._slots)

    def __repr__(self) -> str:
        return f"<Waiting for {len(self._slots)} replies>"

    def expect(self, request_id: str, service: str, due: float) -> Slot:
        """A slot for the reply, to be awaited at its `future`; it ends at `due` at the latest, or up to 50 ms later."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()  # asked for once: it costs a system call each time
        slot = Slot(request_id, service, due, self._loop.create_future())
        self._slots[request_id] = slot
        number = int(due / BUCKET) + 1
        bucket = self._buckets.get(number)
        if bucket is None:
            self._buckets[number] = [request_id]
        else:
            bucket.append(request_id)
        return slot

    def find(self, request_id: str) -> Slot | None:
        """The slot of a request under way."""
        return self._slots.get(request_id)

    def resolve(self, reply: Reply) -> tuple[Arrival, Slot | None]:
        """Hand a reply to its waiter."""
        slot = self._slots.pop(reply.to, None)
        if slot is None:
            return (Arrival.DUPLICATE if reply.to in self._answered else Arrival.LATE), None
        self._remember(reply.to)
        if not slot.future.done():
            slot.future.set_result(reply)
        return Arrival.AWAITED, slot

    def fail(self, request_id: str, error: DeliveryError) -> None:
        """End one wait with an error; nothing when nobody waits any more."""
        slot = self._slots.pop(request_id, None)
        if slot is not None:
            _end(slot, error)

    def forget(self, request_id: str) -> None:
        """Nobody waits: the request was never taken."""
        self._slots.pop(request_id, None)

    def fail_all(self, error: DeliveryError) -> None:
        """End every wait with an error."""
        slots, self._slots = self._slots, {}
        self._buckets.clear()
        for slot in slots.values():
            _end(slot, error)

    def resume(self, request_id: str) -> asyncio.Future[Reply] | None:
        """A new future for a slot whose first one was cancelled; `None` when nothing is under way by that id."""
        slot = self._slots.get(request_id)
        if slot is None:
            return None
        if slot.future.done():
            slot.future = asyncio.get_running_loop().create_future()
        return slot.future

    def sweep(self, now: float) -> None:
        """End every wait whose deadline has passed."""
        last = int(now / BUCKET)
        if not self._buckets:
            return
        if len(self._buckets) < last - self._swept:
            due = sorted(number for number in self._buckets if number <= last)
        else:
            due = [number for number in range(self._swept, last + 1) if number in self._buckets]
        self._swept = last
        for number in due:
            for request_id in self._buckets.pop(number):
                slot = self._slots.pop(request_id, None)
                if slot is not None:
                    _end(slot, self._expired(slot))

    def _remember(self, request_id: str) -> None:
        self._answered.add(request_id)
        self._order.append(request_id)
        if len(self._order) > _REMEMBERED:
            self._answered.discard(self._order.popleft())


def _end(slot: Slot, error: DeliveryError) -> None:
    if not slot.future.done():
        slot.future.set_exception(error)
        # A waiter that was cancelled, and that nobody resumes, reads no exception; that is no mistake.
        slot.future.exception()
