"""CSDL quốc gia về cán bộ, công chức, viên chức: Civil Servants Database.

Fact (S10): by mid-2023 connected with 23 ministries and 60 localities. Assumptions: everything else; no public contract.
"""

from __future__ import annotations

from typing import Any

from connectors.province import meanings, proposal
from connectors.province.body import object_of
from connectors.province.identifiers import parse_citizen_id
from connectors.province.person import find_person
from connectors.province.seed import digits, number
from lgsp import Outcome, Reply, Request

failure_of = meanings.failure_of
refuse = proposal.refuse

RANKS = (("01", "Cán bộ"), ("02", "Công chức"), ("03", "Viên chức"))
_BATCH_AT_MOST = 1_000


async def answer(request: Request) -> Reply:
    """Upload, result of an upload, or catalogue."""
    match request.operation:
        case "POST /dongBoHoSoCBCCVC":
            return _upload(request)
        case "GET /traKetQuaDongBo":
            return _result(request)
        case _:
            return Reply.of_json(request, {"data": [{"ma": code, "ten": name} for code, name in RANKS]})


def _upload(request: Request) -> Reply:
    records = object_of(request).get("hoSo")
    if not isinstance(records, list) or not 0 < len(records) <= _BATCH_AT_MOST:
        return proposal.refused(
            request, "SCHEMA_REJECT", f"hoSo là danh sách từ 1 đến {_BATCH_AT_MOST} bản ghi", Outcome.REJECTED, 400
        )
    wrong = [{"stt": n, "lyDo": why} for n, record in enumerate(records, 1) if (why := _wrong(record))]
    if len(wrong) == len(records):
        return proposal.refused(request, "BATCH_REFUSED", "Toàn bộ bản ghi bị từ chối", Outcome.REJECTED, 422)
    return Reply.of_json(
        request,
        {
            "maLo": f"LO{digits(request.body.decode(errors='replace'), 'batch', 10)}",
            "soBanGhi": len(records),
            "tiepNhan": len(records) - len(wrong),
            "tuChoi": wrong,
        },
    )


def _wrong(record: object) -> str:
    if not isinstance(record, dict):
        return "Bản ghi không hợp lệ"
    citizen = str(record.get("soDinhDanh", ""))
    if parse_citizen_id(citizen) is None:
        return "Thiếu hoặc sai số định danh"
    return "" if find_person(citizen) else "Không có công dân này"


def _result(request: Request) -> Reply:
    batch = request.query_values.get("maLo", "")
    if not (batch.startswith("LO") and len(batch) == 12 and batch[2:].isdigit()):
        return proposal.refused(request, "NOT_FOUND", "Không tìm thấy lô", Outcome.BUSINESS_FAULT, 404)
    body: dict[str, Any] = {
        "maLo": batch,
        "trangThai": "HOAN_THANH",
        "tiepNhan": 1 + number(batch, "accepted", 500),
        "tuChoi": [],
    }
    return Reply.of_json(request, body)
