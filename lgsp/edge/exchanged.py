"""`/exchanges`: the newest exchanges of a calm bus to read, with the field that a refusal was about; needs no JavaScript."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from itertools import islice
from urllib.parse import urlencode

from aiohttp import web

from lgsp.edge.admin import is_at_least
from lgsp.edge.assets import WITH_FORMS, filled
from lgsp.edge.exchanges import Exchanges
from lgsp.edge.guard import Role
from lgsp.edge.phrases import phrases, speaks
from lgsp.edge.search import options
from lgsp.model import Outcome, Transaction

PATH = "/exchanges"
_SHOWN = 100
_LONGEST = 20_000
_GOOD = frozenset({Outcome.OK, Outcome.BUSINESS_FAULT})
_OURS: Mapping[str, str] = {**WITH_FORMS, "Cache-Control": "no-store"}


class Exchanged:
    """The page of what `Exchanges` knows."""

    def __init__(self, exchanges: Exchanges) -> None:
        self._exchanges = exchanges
        self._page = (files("lgsp.edge") / "console" / "exchanges.html").read_text(encoding="utf-8")

    def routes(self) -> list[web.RouteDef]:
        """For the admin port."""
        return [web.get(PATH, self._show)]

    async def _show(self, http: web.Request) -> web.Response:
        language = speaks(http.query.get("lang", ""), http.headers.get("Accept-Language", ""))
        say, admin = phrases(language), is_at_least(http, Role.ADMIN)
        service, outcome = http.query.get("service", ""), http.query.get("outcome", "")
        found = [each for each in self._exchanges.seen(service) if outcome in {"", each.outcome}]
        query = {name: value for name, value in (("service", service), ("outcome", outcome)) if value}
        page = filled(
            self._page,
            say,
            {
                "services": options(self._exchanges.services(), service, say["any"]),
                "outcomes": options(Outcome, outcome, say["any"], say),
                "count": escape(say["exchanges-found" if found else "exchanges-none"].replace("{0}", str(len(found)))),
                "rows": "".join(self._row(each, say, admin=admin) for each in islice(reversed(found), _SHOWN)),
                "other": escape(f"{PATH}?{urlencode({**query, 'lang': 'en' if language == 'vi' else 'vi'})}"),
            },
        )
        return web.Response(text=page, content_type="text/html", charset="utf-8", headers=_OURS)

    def _row(self, transaction: Transaction, say: Mapping[str, str], *, admin: bool) -> str:
        request, is_open = transaction.request, self._exchanges.is_open(transaction, admin=admin)
        wrong = self._exchanges.wrong(transaction) if is_open else []
        at = datetime.fromtimestamp(transaction.started_at, UTC).strftime("%H:%M:%S.%f")[:-3]
        kind = "good" if transaction.outcome in _GOOD else "poor"
        cells = "".join(
            f'<span class="{name}">{escape(text)}</span>'
            for name, text in (
                ("time", at),
                ("service", request.service),
                ("operation", request.operation),
                (f"outcome {kind}", say[transaction.outcome]),
                ("wrong", ", ".join(f"{say['wrong-field']} {name}" for name in wrong)),
            )
        )
        inside = _inside(transaction, say) if is_open else f"<p>{escape(say['exchange-closed'])}</p>"
        return f'<details class="exchange" id="{escape(request.id)}"><summary>{cells}</summary>{inside}</details>\n'


def _inside(transaction: Transaction, say: Mapping[str, str]) -> str:
    request, reply = transaction.request, transaction.reply
    asked = f"{request.operation.partition(' ')[0]} {request.path}{'?' if request.query else ''}{request.query}"
    named = f"{escape(say['transaction'])} <code>{escape(request.id)}</code> · {escape(say['consumer'])} {escape(request.consumer)}"
    parts = [
        f"<p>{named}{f' · {escape(transaction.reason)}' if transaction.reason else ''}</p>",
        f'<h3>{escape(say["request"])}</h3><pre class="asked">{_said(asked, request.headers, request.body)}</pre>',
    ]
    if reply is None:
        parts.append(f"<p>{escape(say['no-reply'])}</p>")
    else:
        said = _said(str(reply.status), reply.headers, reply.body)
        parts.append(f'<h3>{escape(say["reply"])}</h3><pre class="answered">{said}</pre>')
    return "".join(parts)


def _said(first: str, headers: Mapping[str, str], body: bytes) -> str:
    """The first line, the headers and the body, as text that is no markup."""
    head = "\n".join([first, *(f"{name}: {value}" for name, value in headers.items())])
    return escape(f"{head}\n\n{readable(body)}".rstrip())


def readable(body: bytes) -> str:
    """A body to read: JSON laid out, what is no text as U+FFFD, and no more than 20,000 letters."""
    text = body.decode(errors="replace")
    if text[:1] in {"{", "["}:
        with suppress(ValueError, RecursionError):  # it may only begin like JSON
            text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
