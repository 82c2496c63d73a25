"""The account of all transactions: one row opened, one outcome written, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from lgsp.ledger.periods import Period
from lgsp.model import Outcome, Request, Transaction


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account is doing."""

    sequence: int = 0
    """The last row's number."""
    waiting: int = 0
    """Transactions that ended and do not stand in the tables yet ..."""
    lag: float = 0.0
    """... and how long the first of them waits, seconds."""
    write_errors: int = 0
    """Commits that failed."""
    checkpoint: int = 0
    """The row up to which the account is signed ..."""
    root: int = 0
    """... and the first 48 bits of the chain's root there."""
    verified_at: float = 0.0
    """When it was last verified; 0 is never."""
    verify_failed: bool = False
    """Whether that verification found something."""


class Ledger(Protocol):
    """Counts every transaction exactly once. At every instant accepted = the sum over outcomes + open, per service."""

    backend: str
    """`memory` or `sqlite`."""
    zone: str
    """The time zone of its calendar."""
    duplicates: int
    """Second outcomes that were refused."""

    async def open(self, request: Request) -> None:
        """Accept `request`. Returns when the row is as durable as the operation was promised.

        Raises `LedgerUnavailable` when it cannot be entered: then it is no transaction, and nothing of it may happen.
        """
        ...

    async def close(self, transaction: Transaction) -> bool:
        """Write the outcome. False when that transaction already had one: the first stays, the second is counted."""
        ...

    def totals(self) -> Mapping[tuple[str, Outcome], int]:
        """Transactions ended, by service and outcome."""
        ...

    def accepted(self) -> Mapping[str, int]:
        """Transactions accepted, by service."""
        ...

    def still_open(self) -> Mapping[str, int]:
        """Transactions accepted and without an outcome yet, by service."""
        ...

    def periods(self) -> Mapping[tuple[str, Outcome, Period], int]:
        """Transactions ended today, this month and this year in the account's time zone."""
        ...

    def standing(self) -> Standing:
        """How the account is doing; may be asked from any thread."""
        ...

    def problems(self) -> list[str]:
        """Why nothing is accepted, in words for `/readyz`; empty when it is."""
        ...

    async def __aenter__(self) -> Self:
        """Ready to account."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing more is accepted."""
        ...
