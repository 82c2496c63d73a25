"""What happened to a call: the ledger's answer on the admin port."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from lgsp.catalogue.units import parse_duration
from lgsp.clock import Clock
from lgsp.errors import LedgerDamaged, SettingsError
from lgsp.ledger.reader import MOST, Reader, Wanted, check_outcome
from lgsp.ledger.words import describe

PATH = "/lgsp/v1/transactions"
_FIELDS = frozenset({"service", "consumer", "outcome", "since", "until", "limit"})

_MILLISECONDS = 13
"""Digits of a moment in milliseconds since the epoch, until the year 2286."""


def moment_us(text: str, now: float) -> int:
    """The moment that `text` means, microseconds since the epoch: `30m` ago, a date or time in UTC, or Grafana's milliseconds.

    Raises `SettingsError`.
    """
    if not text:
        return 0
    if text.isascii() and text.isdigit() and len(text) == _MILLISECONDS:
        return int(text) * 1000
    try:
        return int((now - parse_duration(text)) * 1e6)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"{text!r} is no moment: write 30m, 2h or 7d for so long ago, or 2023-05-24T08:00"
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1e6)


def wanted_of(given: dict[str, str], now: float) -> Wanted:
    """The question that `given` asks. Raises `SettingsError` for a field or value that is none."""
    unknown = sorted(given.keys() - _FIELDS)
    if unknown:
        raise SettingsError(f"{unknown[0]!r} is nothing to ask for; there are {', '.join(sorted(_FIELDS))}")
    limit = given.get("limit", "20")
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= MOST):
        raise SettingsError(f"limit {limit!r}: a number from 1 to {MOST}")
    return Wanted(
        service=given.get("service", ""),
        consumer=given.get("consumer", ""),
        outcome=check_outcome(given.get("outcome", "")),
        since_us=moment_us(given.get("since", ""), now),
        until_us=moment_us(given.get("until", ""), now),
        limit=int(limit),
    )


class Transactions:
    """Shows and lists transactions of one ledger, off the event loop."""

    def __init__(self, reader: Reader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """For the admin port."""
        return [web.get(PATH, self._ls), web.get(f"{PATH}/{{id}}", self._show)]

    async def _show(self, request: web.Request) -> web.Response:
        text = request.match_info["id"]
        try:
            found = await asyncio.to_thread(self._reader.find, text)
        except (LedgerDamaged, SettingsError) as error:
            return _problem(503, str(error))
        if not found:
            return _problem(404, "no transaction has that id here, and no caller knows one by it")
        return _json({"transactions": [describe(row) for row in found]})

    async def _ls(self, request: web.Request) -> web.Response:
        try:
            wanted = wanted_of(dict(request.query), self._clock.now())
        except SettingsError as error:
            return _problem(400, str(error))
        try:
            found = await asyncio.to_thread(self._reader.ls, wanted)
        except (LedgerDamaged, SettingsError) as error:
            return _problem(503, str(error))
        return _json({"transactions": [describe(row) for row in found]})


def _problem(status: int, says: str) -> web.Response:
    return _json({"problem": says}, status)


def _json(value: Any, status: int = 200) -> web.Response:  # noqa: ANN401 - JSON has no narrower type
    return web.json_response(value, status=status)
