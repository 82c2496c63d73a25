"""What can go wrong, each with the word its reader needs."""

from __future__ import annotations

from typing import ClassVar


class LgspError(Exception):
    """Root of everything lgsp raises on purpose."""

    code: ClassVar[str] = "internal"


class SettingsError(LgspError):
    """A setting that cannot be used; the message says which, why, and what to do."""

    code = "settings"


class CatalogueError(LgspError):
    """A configuration that cannot come into force. `problems` holds every mistake found, each with its place."""

    code = "catalogue"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class LedgerUnavailable(LgspError):
    """The ledger cannot take a transaction now, so none is accepted: what is not counted may not happen."""

    code = "ledger_unavailable"


class LedgerDamaged(LgspError):
    """A ledger that cannot be continued as it lies; the message says which, what was found, and what to do."""

    code = "ledger_damaged"


class MalformedRequest(LgspError):
    """Bytes from outside that do not decode."""

    code = "rejected"


class UnknownService(LgspError):
    """No service of that name. It opens no transaction and so has no outcome."""

    code = "unknown_service"


class DeliveryError(LgspError):
    """Nobody answered. `code` is the outcome the transaction ends in, `reason` a short word from a closed list."""

    reason: str

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason


class TimedOut(DeliveryError):
    """The bus took the request and no answer came within the budget."""

    code = "timeout"


class ProviderError(DeliveryError):
    """A connector took the request and something went wrong at or behind it."""

    code = "provider_error"


class Unreachable(DeliveryError):
    """Nobody stands behind the connector, or the service is suspended."""

    code = "unreachable"


class BusUnavailable(DeliveryError):
    """The bus did not take the request: gone, blocked, full, closing, or it never confirmed."""

    code = "bus_error"


class Unroutable(DeliveryError):
    """The bus gave the request back because nobody serves it."""

    code = "bus_error"
