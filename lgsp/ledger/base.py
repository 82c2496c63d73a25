"""The account of all transactions: one row opened, one outcome written, once."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self

from lgsp.model import Outcome, Request, Transaction


class Ledger(Protocol):
    """Counts every transaction exactly once. At every instant accepted = the sum over outcomes + open, per service."""

    backend: str
    """`memory` or `sqlite`."""
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
