"""What an importer has to say: nothing is left out in silence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_NAMED = 1_000


@dataclass(slots=True)
class Report:
    """`read` things were found; those not skipped were converted. `header` is what the file says of itself as a whole."""

    read: int = 0
    skipped: int = 0
    named: list[tuple[str, str]] = field(default_factory=list)
    """Position and reason of what was skipped, the first 1,000."""
    header: dict[str, Any] = field(default_factory=dict)

    @property
    def converted(self) -> int:
        """What became a record."""
        return self.read - self.skipped

    def skip(self, position: str, reason: str) -> None:
        """Leave out what was just read."""
        self.skipped += 1
        if len(self.named) < _NAMED:
            self.named.append((position, reason))
