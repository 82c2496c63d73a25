"""Trung tâm điều hành thông minh: Smart Operations Centre Feed.

Fact (S20, secondary): figures come in cycles of 15 minutes. Assumptions: everything else.
"""

from __future__ import annotations

from connectors.province.body import object_of
from connectors.province.proposal import refused
from connectors.province.seed import digits, number, pick
from lgsp import Outcome, Reply, Request

KPIS = {
    "ho-so-tiep-nhan": ("Hồ sơ tiếp nhận trong ngày", "hồ sơ"),
    "ho-so-dung-han": ("Tỷ lệ hồ sơ đúng hạn", "%"),
    "phan-anh-1022": ("Phản ánh qua 1022 trong ngày", "phản ánh"),
    "muc-nuoc-cau-lau": ("Mực nước trạm Câu Lâu", "m"),
}
_AT = "2023-05-24T09:45:00+07:00"


async def answer(request: Request) -> Reply:
    """A figure, the receipt of an event, or a camera's state."""
    match request.operation:
        case "GET /kpi/{code}":
            return _kpi(request)
        case "POST /events":
            return _event(request)
        case _:
            return _camera(request)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """The centre's own error form."""
    if outcome is Outcome.REJECTED:
        return refused(request, "SCHEMA_REJECT", "Dữ liệu không hợp lệ", outcome, 400)
    return refused(request, "SYSTEM_ERROR", "Hệ thống IOC gặp lỗi", outcome, 500)


def _kpi(request: Request) -> Reply:
    code = request.path_values["code"]
    if code not in KPIS:
        return refused(request, "UNKNOWN_KPI", "Không có chỉ số này", Outcome.BUSINESS_FAULT, 404)
    org = request.query_values.get("org_code", "000.00.00.H47")
    if org.startswith("999"):
        return refused(request, "STALE_DATA", "Số liệu đã quá hai chu kỳ", Outcome.BUSINESS_FAULT, 409)
    name, unit = KPIS[code]
    value = number(f"{code}/{org}", "kpi", 1_000) / 10
    return Reply.of_json(
        request, {"code": code, "name": name, "org_code": org, "value": value, "unit": unit, "at": _AT}
    )


def _event(request: Request) -> Reply:
    fields = object_of(request)
    if not fields.get("type") or not fields.get("org_code"):
        return refused(request, "SCHEMA_REJECT", "Cần type và org_code", Outcome.REJECTED, 400)
    return Reply.of_json(
        request, {"event_id": f"EV{digits(request.body.decode(errors='replace'), 'event', 10)}", "accepted": True}
    )


def _camera(request: Request) -> Reply:
    camera = request.path_values["id"]
    if not (camera.startswith("CAM-") and camera[4:].isdigit()):
        return refused(request, "UNKNOWN_CAMERA", "Không có camera này", Outcome.BUSINESS_FAULT, 404)
    state = pick(camera, "state", ("online", "online", "online", "online", "offline"))
    return Reply.of_json(request, {"id": camera, "state": state, "at": _AT})
