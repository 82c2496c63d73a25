"""`/transactions`: what the ledger knows, by id, service, outcome and time; a form and a table that need no JavaScript."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from urllib.parse import urlencode

from aiohttp import web

from lgsp.clock import Clock
from lgsp.edge.assets import WITH_FORMS, filled
from lgsp.edge.phrases import Language, phrases, speaks
from lgsp.edge.transactions import moment_us
from lgsp.errors import LedgerDamaged, SettingsError
from lgsp.ledger.reader import Reader, Wanted, check_outcome
from lgsp.ledger.row import Row
from lgsp.ledger.words import describe, moment
from lgsp.model import Outcome

PATH = "/transactions"
LIMITS = (50, 200, 1_000)
_FIELDS = ("id", "service", "outcome", "from", "to", "limit")
_COLUMNS = (
    "id", "sequence", "accepted_at", "service", "operation", "consumer", "outcome", "reason", "fault", "took_ms",
    "status", "attempts", "request_bytes", "reply_bytes", "origin", "forced",
)  # fmt: skip
Question = Mapping[str, str]


def wanted_of(asked: Question, now: float) -> Wanted:
    """What a form asks for. Raises `SettingsError` for a value that is none."""
    limit = asked.get("limit") or str(LIMITS[0])
    if limit not in map(str, LIMITS):
        raise SettingsError(f"limit {limit!r}: one of {', '.join(map(str, LIMITS))}")
    return Wanted(
        service=asked.get("service", ""),
        outcome=check_outcome(asked.get("outcome", "")),
        since_us=moment_us(asked.get("from", "").strip(), now),
        until_us=moment_us(asked.get("to", "").strip(), now),
        limit=int(limit),
    )


class Search:
    """The page of one ledger. `services` are those that exist."""

    def __init__(self, reader: Reader, services: Callable[[], Iterable[str]], clock: Clock) -> None:
        self._reader = reader
        self._services = services
        self._clock = clock
        self._page = (files("lgsp.edge") / "console" / "search.html").read_text(encoding="utf-8")

    def routes(self) -> list[web.RouteDef]:
        """For the admin port."""
        return [web.get(PATH, self._show)]

    async def _show(self, http: web.Request) -> web.Response:
        asked = {name: http.query.get(name, "") for name in _FIELDS}
        language = speaks(http.query.get("lang", ""), http.headers.get("Accept-Language", ""))
        try:
            found, problem, status = await asyncio.to_thread(self._look, asked), "", 200
        except SettingsError as error:
            found, problem, status = [], str(error), 400
        except LedgerDamaged as error:
            found, problem, status = [], str(error), 503
        match http.query.get("format", "html"):
            case "json":
                told = {"problem": problem} if problem else {"transactions": [describe(row) for row in found]}
                return web.json_response(told, status=status, headers=_OURS)
            case "csv":
                text = f"{problem}\n" if problem else as_csv(found)
                return web.Response(text=text, status=status, content_type="text/csv", charset="utf-8", headers=_OURS)
            case _:
                page = self._written(asked, found, problem, language)
                return web.Response(text=page, status=status, content_type="text/html", charset="utf-8", headers=_OURS)

    def _look(self, asked: Question) -> list[Row]:
        if asked["id"].strip():
            return self._reader.find(asked["id"].strip())
        return self._reader.ls(wanted_of(asked, self._clock.now()))

    def _written(self, asked: Question, found: Sequence[Row], problem: str, language: Language) -> str:
        say = phrases(language)
        other = "en" if language == "vi" else "vi"
        query = {name: value for name, value in asked.items() if value}
        parts = {
            "services": options(self._services(), asked["service"], say["any"]),
            "outcomes": options(("open", *Outcome), asked["outcome"], say["any"], say),
            "limits": options(map(str, LIMITS), asked["limit"]),
            "id": escape(asked["id"]),
            "from-value": escape(asked["from"]),
            "to-value": escape(asked["to"]),
            "count": escape(problem or _counted(len(found), asked, say)),
            "is-problem": "problem" if problem else "",
            "rows": "".join(_line(row, say) for row in found),
            "json": escape(f"{PATH}?{urlencode({**query, 'format': 'json'})}"),
            "csv": escape(f"{PATH}?{urlencode({**query, 'format': 'csv'})}"),
            "other": escape(f"{PATH}?{urlencode({**query, 'lang': other})}"),
        }
        return filled(self._page, say, parts)


_OURS: Mapping[str, str] = {**WITH_FORMS, "Cache-Control": "no-store"}


def as_csv(found: Iterable[Row]) -> str:
    """A line a transaction."""
    told = io.StringIO()
    lines = csv.DictWriter(told, _COLUMNS, extrasaction="ignore", lineterminator="\n")
    lines.writeheader()
    lines.writerows(describe(row) for row in found)
    return told.getvalue()


def _counted(count: int, asked: Question, say: Mapping[str, str]) -> str:
    if not count:
        return say["none-found"]
    full = not asked["id"].strip() and str(count) == (asked["limit"] or str(LIMITS[0]))
    return say["found-most" if full else "found"].replace("{0}", str(count))


def options(values: Iterable[str], chosen: str, nothing: str = "", names: Mapping[str, str] | None = None) -> str:
    """The choices of a list in HTML; `nothing` stands for none of them."""
    known = list(values)
    if chosen and chosen not in known:
        known.append(chosen)
    first = f'<option value="">{escape(nothing)}</option>' if nothing else ""
    return first + "".join(
        f'<option value="{escape(str(value))}"{" selected" if value == chosen else ""}>'
        f"{escape((names or {}).get('is-open' if value == 'open' else value, str(value)))}</option>"
        for value in known
    )


def _line(row: Row, say: Mapping[str, str]) -> str:
    outcome = str(row.outcome or "open")
    kind = "open" if outcome == "open" else "good" if row.outcome in _GOOD else "poor"
    cells = (
        ("time", moment(row.accepted_us)),
        ("", row.kind[0]),
        ("", row.kind[1]),
        ("", row.kind[2]),
        (f"outcome {kind}", f"{_GLYPHS[kind]} {say['is-open' if outcome == 'open' else outcome]}"),
        ("", say[f"segment-{row.fault}"] if row.fault else ""),
        ("", row.reason),
        ("number", f"{row.took_us / 1000:.1f} ms" if row.is_ended else ""),
    )
    link = f'<td class="id"><a href="{PATH}?{escape(urlencode({"id": row.id}))}">{escape(row.id)}</a></td>'
    return "<tr>" + "".join(f'<td class="{name}">{escape(text)}</td>' for name, text in cells) + link + "</tr>\n"


_GOOD = (Outcome.OK, Outcome.BUSINESS_FAULT)
_GLYPHS = {"open": "○", "good": "●", "poor": "✖"}
