"""Who calls again before the time that it was asked to wait is over."""

from __future__ import annotations

_LONGEST = 86_400
"""Nobody is held to more seconds than a day."""


class Patience:
    """What each consumer was told of each service by `Retry-After`; of what is over nothing is kept."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}

    def __repr__(self) -> str:
        return f"<Patience, {len(self._until)} are waited for>"

    def told(self, consumer: str, service: str, retry_after: str, now: float) -> None:
        """An answer said so at `now`; what was said before is forgotten. A date, as a provider may write it, is none of ours."""
        if retry_after.isascii() and retry_after.isdigit():
            self._until[consumer, service] = now + min(int(retry_after), _LONGEST)

    def is_early(self, consumer: str, service: str, now: float) -> bool:
        """Whether a call that comes at `now` comes too soon."""
        until = self._until.get((consumer, service)) if self._until else None
        if until is None:
            return False
        if now >= until:
            del self._until[consumer, service]
        return now < until
