"""What stands behind a report's figures: the ledgers as they were verified, and the simulated past with its digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lgsp.ledger.past import About


@dataclass(frozen=True, slots=True)
class Account:
    """One ledger: its rows, and the last checkpoint (number 0 of none)."""

    name: str
    rows: int
    number: int = 0
    sequence: int = 0
    root: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """`problems`: what speaks against the figures; with one of them they are not vouched for, nor where nobody looked.

    `command` computes the same figures anew and compares their digest. `unread`: ledgers that could not be read at all.
    """

    digest: str
    command: str
    version: str
    accounts: Sequence[Account] = ()
    past: About | None = None
    problems: Sequence[str] = ()
    unread: Sequence[tuple[str, str]] = ()
    is_checked: bool = True

    @property
    def holds(self) -> bool:
        """Whether the figures can be vouched for."""
        return self.is_checked and not self.problems and not self.unread
