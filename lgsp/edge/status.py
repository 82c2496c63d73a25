"""What became of a transaction, for the consumer that sent it; for everybody else it does not exist."""

from __future__ import annotations

import asyncio

from aiohttp import web

from lgsp.edge import faults
from lgsp.edge.access import Access, Stranger
from lgsp.edge.answers import SERVER, STATUS, answer_of, headers_of, status_path
from lgsp.edge.audit import Audit
from lgsp.edge.faults import Fault, body_of, wants_xml
from lgsp.edge.peers import look_at
from lgsp.errors import LedgerDamaged, LedgerUnavailable, SettingsError
from lgsp.forwarding.forwarder import Forwarder
from lgsp.ledger.outbox import FINAL, Kept
from lgsp.ledger.reader import Reader
from lgsp.ledger.words import moment
from lgsp.model import Request, Transaction

_RESULT = "/result"


class Status:
    """`GET /lgsp/v1/transactions/{id}`, and `.../result` where it was stored: the provider's own reply, as it said it."""

    def __init__(self, access: Access, forwarder: Forwarder, reader: Reader, audit: Audit) -> None:
        self._access = access
        self._forwarder = forwarder
        self._reader = reader
        self._audit = audit

    async def show(self, http: web.BaseRequest, _: bytes) -> web.Response:
        """One of the gateway's own paths."""
        try:
            consumer = self._access.who(http.headers, look_at(http)).id
        except Stranger as stranger:
            await self._audit.refused(stranger, http.remote or "", STATUS)
            return _refused(http, stranger.fault)
        if http.method not in {"GET", "HEAD"}:
            return _refused(http, faults.NO_METHOD, {"Allow": "GET, HEAD"})
        wanted = http.rel_url.raw_path.removeprefix(STATUS)
        id_ = wanted.removesuffix(_RESULT)
        try:
            kept = await self._forwarder.find(id_)
            if kept is not None and kept.consumer == consumer:
                return self._result(http, id_, kept) if wanted.endswith(_RESULT) else _told(id_, kept)
            told = None if wanted.endswith(_RESULT) else await asyncio.to_thread(self._look, id_, consumer)
        except (LedgerUnavailable, LedgerDamaged, SettingsError):
            return _refused(http, faults.NO_LEDGER)
        return _refused(http, faults.NO_TRANSACTION) if told is None else web.json_response(told, headers=_OURS)

    def _look(self, id_: str, consumer: str) -> dict[str, object] | None:
        """What the ledger's rows know of a transaction that was not stored, or is kept no longer."""
        for row in self._reader.find(id_):
            if row.id == id_ and row.kind[2] == consumer:
                outcome = None if row.outcome is None else str(row.outcome)
                told: dict[str, object] = {
                    "transaction": id_,
                    "state": "ended" if outcome else "open",
                    "service": row.kind[0],
                    "operation": row.kind[1],
                    "accepted_at": moment(row.accepted_us),
                    "outcome": outcome,
                    "reason": row.reason,
                    "attempts": row.attempts,
                }
                return told
        return None

    @staticmethod
    def _result(http: web.BaseRequest, id_: str, kept: Kept) -> web.Response:
        standing = kept.standing
        if kept.outcome is None:
            return _told(id_, kept, status=202)
        request = Request(id_, standing.service, standing.operation, "", consumer=kept.consumer)
        transaction = Transaction(request, kept.reply, kept.outcome, kept.reason, standing.accepted, 0.0)
        return answer_of(transaction, http.headers.get("Accept", ""))


_OURS = {"Server": SERVER, "Cache-Control": "no-store"}


def _told(id_: str, kept: Kept, *, status: int = 200) -> web.Response:
    standing = kept.standing
    is_final = kept.outcome is not None or standing.state in FINAL
    told = {
        "transaction": id_,
        "state": str(standing.state),
        "service": standing.service,
        "operation": standing.operation,
        "accepted_at": moment(int(standing.accepted * 1e6)),
        "expires_at": moment(int(standing.expires * 1e6)),
        "next_try_at": moment(int(standing.due * 1e6)) if standing.state == "waiting" else None,
        "attempts": standing.attempts,
        "outcome": None if kept.outcome is None else str(kept.outcome),
        "reason": kept.reason,
        "result": f"{status_path(id_)}{_RESULT}" if is_final else None,
    }
    headers = _OURS | ({} if is_final else {"Retry-After": "5"})
    return web.json_response(told, status=status, headers=headers)


def _refused(http: web.BaseRequest, fault: Fault, headers: dict[str, str] | None = None) -> web.Response:
    body, content_type = body_of(fault, xml=wants_xml(http.headers.get("Accept", "")))
    own = {"Content-Type": content_type, **_OURS, **headers_of(fault), **(headers or {})}
    return web.Response(status=fault.status, body=body, headers=own)
