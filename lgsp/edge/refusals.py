"""What is written down of those who are refused before they are anybody: bounded, since strangers write no log of ours."""

from __future__ import annotations

import ssl
from pathlib import Path

import structlog

from lgsp.catalogue.consumer import Limit
from lgsp.clock import Clock
from lgsp.edge.access import Buckets
from lgsp.trust import trust, what_is_wrong

log = structlog.get_logger()
LINES = Limit(scope="lines", count=10, seconds=1.0)


class Refusals:
    """Writes down whom a gateway refused, and why: no more lines than `LINES`, and how many more there were.

    What was refused to a known consumer is a transaction and stands in the ledger; strangers have no row there.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines = Buckets(at_most=1)
        self._unsaid = 0

    def note(self, why: str, address: str, **fields: str) -> None:
        """One refusal."""
        if self._lines.take([("", LINES)], self._clock.now()):
            self._unsaid += 1
            return
        more = {"more": self._unsaid} if self._unsaid else {}
        self._unsaid = 0
        log.warning("caller refused", why=why, address=address, **fields, **more)


def wants_to_see(context: ssl.SSLContext, authority: Path, refusals: Refusals) -> None:
    """Have a listener take the certificates that callers show, if they come from this authority. Raises `SettingsError`.

    One that does not hold ends the connection; who shows none may still have a token.
    """
    trust(context, authority)
    context.verify_mode = ssl.CERT_OPTIONAL

    class Told(ssl.SSLObject):
        """A connection that says when a certificate is refused: asyncio keeps it to itself."""

        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except ssl.SSLCertVerificationError as error:
                refusals.note(what_is_wrong(error), "")
                raise

    context.sslobject_class = Told
