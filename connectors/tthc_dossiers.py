"""Hệ thống thông tin giải quyết TTHC tỉnh: Provincial Dossier System.

Seen (S13, S18, S24): the forms of a dossier code, the ten states. Assumptions: operations, allowed transitions, replies (the
dossier fields of the National Portal); there is no public contract. Each code has a dossier that was there before; one
that a consumer hands in takes its place. Codes with six digits at their end are those of the day's intake: they go through
their states as time passes, and `trang` of the list pages through them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import Any

from connectors.province import intake, meanings
from connectors.province.body import object_of
from connectors.province.dates import local, parse_ymd, stamp
from connectors.province.dossier import (
    CHANNELS,
    FINISHED,
    STATES,
    Dossier,
    find_dossier,
    find_procedure,
    may_become,
    some_dossiers,
)
from connectors.province.identifiers import is_dossier_code
from connectors.province.proposal import refused
from lgsp import Kept, Outcome, Reply, Request, State

failure_of = meanings.failure_of

STATE = {"dossier": Kept(seconds=90 * 86_400), "look": meanings.LOOK}
"""What was handed in or changed, by day and code: `fields` of what was handed in, and the `state`; looks at pending ones."""
_AT_WORK = 4
_MOST = 100


def answer_with(request: Request, state: State) -> Reply:
    """A dossier, a list, or what became of a change."""
    return OPERATIONS[request.operation](request, state)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """The system's own error form."""
    if outcome is Outcome.REJECTED:
        return refused(request, "SCHEMA_REJECT", "Dữ liệu không hợp lệ", outcome, 400)
    return refused(request, "SYSTEM_ERROR", "Hệ thống giải quyết TTHC gặp lỗi", outcome, 500)


def _receive(request: Request, state: State) -> Reply:
    fields = object_of(request)
    code = str(fields.get("MaHoSo", ""))
    if not is_dossier_code(code) or not fields.get("ChuHoSo"):
        return refused(request, "SCHEMA_REJECT", "MaHoSo hoặc ChuHoSo không hợp lệ", Outcome.REJECTED, 400)
    if find_procedure(str(fields.get("MaTTHC", ""))) is None:
        return refused(request, "UNKNOWN_PROCEDURE", "Không có thủ tục này", Outcome.REJECTED, 422)
    if str(fields.get("KenhThucHien", "1")) not in {str(channel) for channel in CHANNELS}:
        return refused(request, "SCHEMA_REJECT", "KenhThucHien là 1, 2 hoặc 3", Outcome.REJECTED, 400)
    there = state.get("dossier", _key(code))
    if intake.find(code) is not None:
        return refused(request, "DUPLICATE", "Mã hồ sơ đã được tiếp nhận", Outcome.BUSINESS_FAULT, 409)
    handed_in = {
        "MaTTHC": str(fields["MaTTHC"]),
        "ChuHoSo": str(fields["ChuHoSo"]),
        "SoDinhDanh": str(fields.get("SoDinhDanh", "")),
        "KenhThucHien": int(fields.get("KenhThucHien", 1)),
    }
    if there and there["fields"] and there["fields"] != handed_in:
        return refused(request, "DUPLICATE", "Mã hồ sơ đã được tiếp nhận", Outcome.BUSINESS_FAULT, 409)
    if there is None or not there["fields"]:
        there = {"fields": handed_in, "state": 1}
        state.put("dossier", _key(code), there)
    return _stands(request, code, there["state"])


def _change(request: Request, state: State) -> Reply:
    fields = object_of(request)
    code = str(fields.get("MaHoSo", ""))
    dossier = _seen(code, state)
    if dossier is None:
        return _missing(request)
    wanted = str(fields.get("TrangThaiHoSo", ""))
    if not (wanted.isascii() and wanted.isdigit()) or int(wanted) not in STATES:
        return refused(request, "SCHEMA_REJECT", "TrangThaiHoSo từ 1 đến 10", Outcome.REJECTED, 400)
    before, after = dossier["TrangThaiHoSo"], int(wanted)
    if not may_become(before, after):
        says = f"Không thể chuyển từ «{STATES[before]}» sang «{STATES[after]}»"
        return refused(request, "ILLEGAL_TRANSITION", says, Outcome.BUSINESS_FAULT, 409)
    if after != before:
        there = state.get("dossier", _key(code)) or {"fields": {}}
        state.put("dossier", _key(code), there | {"state": after})
    return _stands(request, code, after)


def _query(request: Request, state: State) -> Reply:
    code = request.query_values.get("MaHoSo", "")
    if not is_dossier_code(code):
        return refused(request, "SCHEMA_REJECT", "MaHoSo không hợp lệ", Outcome.REJECTED, 400)
    dossier = _seen(code, state)
    return _missing(request) if dossier is None else Reply.of_json(request, dossier)


def _new(request: Request, state: State) -> Reply:
    fields = request.query_values
    day = fields.get("tuNgay", "20230524")
    limit = fields.get("gioiHan", "10")
    if not re.fullmatch(r"20[0-9]{6}", day) or not re.fullmatch(r"[0-9]{1,4}", limit):
        return refused(request, "SCHEMA_REJECT", "tuNgay phải có dạng yyyyMMdd", Outcome.REJECTED, 400)
    most = min(int(limit), _MOST)
    if "trang" in fields:
        return _taken_in(request, day, fields["trang"], most, state)
    told = [key.partition("/")[2] for key, _ in islice(state.each("dossier", f"{day[2:]}/"), most)]
    older = [dossier.code for dossier in some_dossiers(day[2:], most) if dossier.code not in told]
    data = [_seen(code, state) for code in [*told, *older][:most]]
    return Reply.of_json(request, {"tongSo": len(data), "data": data})


def _taken_in(request: Request, day: str, page: str, most: int, state: State) -> Reply:
    """A page of what came on a day up to now; `tongSo` counts all of it."""
    on = parse_ymd(day)
    if on is None or not re.fullmatch(r"[1-9][0-9]{0,3}", page):
        return refused(request, "SCHEMA_REJECT", "tuNgay là một ngày, trang từ 1", Outcome.REJECTED, 400)
    now = local(state.now)
    came = [filed.code for filed in intake.each_of(on) if filed.received <= now]
    begin = (int(page) - 1) * most
    data = [_seen(code, state) for code in came[begin : begin + most]]
    return Reply.of_json(request, {"tongSo": len(came), "data": data})


def _seen(code: str, state: State) -> dict[str, Any] | None:
    """The dossier of that code as this consumer sees it; `None` where there is none."""
    there = state.get("dossier", _key(code)) if is_dossier_code(code) else None
    filed = intake.find(code)
    if filed is not None:
        return _record_of(filed, there["state"] if there else filed.state_at(local(state.now)))
    if there is None:
        before = find_dossier(code)
        if before is None:
            return None
        return record(before, before.state if meanings.is_ready(code, state) else _AT_WORK)
    handed_in: dict[str, Any] = there["fields"]
    return record(Dossier(code, handed_in.get("MaTTHC", "")), there["state"]) | handed_in


def record(dossier: Dossier, state: int) -> dict[str, Any]:
    """A dossier in the portal's fields."""
    return {
        "MaHoSo": dossier.code,
        "MaTTHC": dossier.procedure,
        "ChuHoSo": dossier.applicant.name,
        "SoDinhDanh": str(dossier.applicant.id),
        "KenhThucHien": dossier.channel,
        "NgayTiepNhan": stamp(dossier.received),
        "NgayHenTra": stamp(dossier.due),
        "NgayKetThucXuLy": stamp(dossier.end) if state in FINISHED else "",
        "TrangThaiHoSo": state,
        "MoTa": STATES[state],
    }


def _record_of(filed: intake.Filed, stands: int | None) -> dict[str, Any] | None:
    """A dossier of the intake; `None` while it has not come."""
    if stands is None:
        return None
    return record(Dossier(filed.code, filed.procedure), stands) | {
        "KenhThucHien": filed.channel,
        "NgayTiepNhan": stamp(filed.received),
        "NgayHenTra": stamp(filed.due),
        "NgayKetThucXuLy": stamp(filed.end) if stands in FINISHED else "",
    }


OPERATIONS: dict[str, Callable[[Request, State], Reply]] = {
    "POST /tiepNhanHoSo": _receive,
    "PUT /capNhatTrangThai": _change,
    "GET /traCuuHoSo": _query,
    "GET /layDanhSachMoi": _new,
}


def _key(code: str) -> str:
    """Day (`yyMMdd`) and code, so that the dossiers of a day lie side by side."""
    return f"{code.split('-')[1][-6:]}/{code}"


def _stands(request: Request, code: str, state: int) -> Reply:
    return Reply.of_json(request, {"MaHoSo": code, "TrangThaiHoSo": state, "MoTa": STATES[state]})


def _missing(request: Request) -> Reply:
    return refused(request, "NOT_FOUND", "Không tìm thấy hồ sơ", Outcome.BUSINESS_FAULT, 404)
