"""Kho dữ liệu dùng chung: Shared Data Warehouse.

Facts: none public. Assumptions: everything.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from connectors.province import index
from connectors.province.body import object_of
from connectors.province.dates import local
from connectors.province.proposal import refused
from connectors.province.seed import number
from lgsp import Kept, Outcome, Reply, Request, State

DATASETS = {
    "dan-so": ("Dân số theo xã", ("maXa", "soDan", "kyBaoCao")),
    "ho-so-tthc": ("Hồ sơ thủ tục hành chính", ("maDonVi", "soHoSo", "dungHan", "kyBaoCao")),
    "doanh-nghiep": ("Doanh nghiệp đang hoạt động", ("maHuyen", "soDoanhNghiep", "kyBaoCao")),
    "y-te": ("Lượt khám chữa bệnh", ("maCoSo", "soLuot", "kyBaoCao")),
}
INDICATORS = {
    "CCHC-01": ("Tỷ lệ hồ sơ đúng hạn", "%"),
    "CCHC-02": ("Tỷ lệ hồ sơ trực tuyến", "%"),
    "KTXH-01": ("Số doanh nghiệp thành lập mới", "doanh nghiệp"),
} | {f"QD766-{each.code}": (each.name[0], "%") for each in index.CRITERIA}
_SHARES = {f"QD766-{each.code}": each.share for each in index.CRITERIA} | {
    "CCHC-01": lambda counts: index.ratio(counts.in_time, counts.came),
    "CCHC-02": lambda counts: index.ratio(counts.online, counts.came),
}
STATE = {"batch": Kept(seconds=90 * 86_400), "rows": Kept(seconds=90 * 86_400)}
"""`batch`: what was loaded, by data set and batch; `rows`: how many, by data set."""
_PERIOD = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


def answer_with(request: Request, state: State) -> Reply:
    """What was loaded, a data set, or an indicator."""
    match request.operation:
        case "POST /ingest/{dataset}":
            return _ingest(request, state)
        case "GET /datasets/{id}":
            return _dataset(request, state)
        case _:
            return _indicator(request, state)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """The warehouse's own error form."""
    if outcome is Outcome.REJECTED:
        return refused(request, "SCHEMA_MISMATCH", "Dữ liệu không hợp lệ", outcome, 400)
    return refused(request, "SYSTEM_ERROR", "Kho dữ liệu gặp lỗi", outcome, 500)


def _ingest(request: Request, state: State) -> Reply:
    name = request.path_values["dataset"]
    if name not in DATASETS:
        return refused(request, "UNKNOWN_DATASET", "Không có tập dữ liệu này", Outcome.BUSINESS_FAULT, 404)
    fields = object_of(request)
    rows = fields.get("rows")
    if not fields.get("batch") or not _PERIOD.fullmatch(str(fields.get("period", ""))) or not isinstance(rows, list):
        return refused(request, "SCHEMA_MISMATCH", "Cần batch, period (yyyy-MM) và rows", Outcome.REJECTED, 400)
    batch, content = f"{name}/{fields['batch']}", sha256(request.body).hexdigest()
    there = state.get("batch", batch)
    if str(fields["batch"]).endswith("99") or there not in (None, content):
        return refused(request, "DUPLICATE_BATCH", "Lô này đã được nạp", Outcome.BUSINESS_FAULT, 409)
    needed = set(DATASETS[name][1])
    accepted = sum(isinstance(row, dict) and needed <= row.keys() for row in rows)
    if rows and not accepted:
        return refused(
            request, "SCHEMA_MISMATCH", f"Mỗi dòng cần {', '.join(DATASETS[name][1])}", Outcome.REJECTED, 422
        )
    if there is None:
        state.put("batch", batch, content)
        state.put("rows", name, (state.get("rows", name) or 0) + accepted)
    body = {"batch": fields["batch"], "rows": len(rows), "accepted": accepted, "rejected": len(rows) - accepted}
    return Reply.of_json(request, body)


def _dataset(request: Request, state: State) -> Reply:
    name = request.path_values["id"]
    if name not in DATASETS:
        return refused(request, "UNKNOWN_DATASET", "Không có tập dữ liệu này", Outcome.BUSINESS_FAULT, 404)
    title, fields = DATASETS[name]
    body: dict[str, Any] = {
        "id": name,
        "title": title,
        "fields": list(fields),
        "period": "2023-04",
        "rows": 100 + number(name, "rows", 900) + (state.get("rows", name) or 0),
    }
    return Reply.of_json(request, body)


def _indicator(request: Request, state: State) -> Reply:
    code = request.path_values["code"]
    period = request.query_values.get("period", "2023-04")
    if code not in INDICATORS:
        return refused(request, "UNKNOWN_INDICATOR", "Không có chỉ tiêu này", Outcome.BUSINESS_FAULT, 404)
    if not _PERIOD.fullmatch(period):
        return refused(request, "SCHEMA_MISMATCH", "period phải có dạng yyyy-MM", Outcome.REJECTED, 400)
    name, unit = INDICATORS[code]
    value = _value(code, period, state)
    return Reply.of_json(request, {"code": code, "name": name, "period": period, "value": value, "unit": unit})


def _value(code: str, period: str, state: State) -> float | None:
    """Of the whole month, as far as it is over; `None` of a month in which nothing came, and where there is no formula."""
    if code not in _SHARES:
        return 60 + number(f"{code}{period}", "value", 400) / 10
    share_of = _SHARES[code]
    if share_of is None:
        return None
    first = date.fromisoformat(f"{period}-01")
    last = min((first + timedelta(days=32)).replace(day=1), local(state.now).date()) - timedelta(days=1)
    share = share_of(index.counts_between(first, last))
    return None if share is None else round(100 * share, 2)
