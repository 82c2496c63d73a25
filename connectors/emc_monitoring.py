"""Hệ thống giám sát, đo lường mức độ cung cấp và sử dụng dịch vụ Chính phủ số: EMC, Digital Government Monitoring.

Fact (S23): provinces' systems are connected to EMC. Assumptions: everything else; there is no public contract.
"""

from __future__ import annotations

import re
from typing import Any

from connectors.province.proposal import refused
from connectors.province.seed import digits
from lgsp import MalformedRequest, Outcome, Reply, Request


async def answer(request: Request) -> Reply:
    """The receipt of the figures."""
    try:
        fields = request.json_object
    except MalformedRequest:
        return _refused(request, "SCHEMA_REJECT", "Bản tin không phải JSON")
    day = str(fields.get("ngay", ""))
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
        return _refused(request, "INVALID_DAY", "ngay phải có dạng yyyy-MM-dd")
    return (
        _daily(request, fields, day) if request.operation == "POST /pushDailyStats" else _services(request, fields, day)
    )


def refuse(request: Request, outcome: Outcome) -> Reply:
    """The system's own error form."""
    if outcome is Outcome.REJECTED:
        return _refused(request, "SCHEMA_REJECT", "Bản tin không hợp lệ")
    return refused(request, "SYSTEM_ERROR", "Hệ thống EMC gặp lỗi", outcome, 500)


def _daily(request: Request, fields: dict[str, Any], day: str) -> Reply:
    total = fields.get("tongGiaoDich")
    if not isinstance(total, int) or isinstance(total, bool) or total < 0:
        return _refused(request, "INVALID_COUNT", "tongGiaoDich là số nguyên không âm")
    return Reply.of_json(request, {"ngay": day, "soTiepNhan": f"EMC{digits(day, 'daily', 8)}", "tongGiaoDich": total})


def _services(request: Request, fields: dict[str, Any], day: str) -> Reply:
    states = fields.get("dichVu")
    if not isinstance(states, list) or not all(isinstance(one, dict) and one.get("ma") for one in states):
        return _refused(request, "SCHEMA_REJECT", "dichVu là danh sách có ma")
    return Reply.of_json(request, {"ngay": day, "soDichVu": len(states)})


def _refused(request: Request, code: str, says: str) -> Reply:
    return refused(request, code, says, Outcome.REJECTED, 400)
