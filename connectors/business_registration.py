"""CSDL quốc gia về đăng ký doanh nghiệp: the National Business Registration Database.

Facts (S1): paths, fields with their types and lengths, formats, five days at most between the ends of a period, the kinds of
dossier, `Status` "1" or "0" with `Message`. Assumptions: the texts of `Message`, the values of `ENTERPRISE_STATUS`, that an
unknown enterprise or dossier is `Status` "0", and that a failure has the HTTP status 200: the guide names no other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from connectors.province import meanings
from connectors.province.dates import dmy, parse_dmy
from connectors.province.enterprise import Enterprise, enterprise_of, find_enterprise
from connectors.province.identifiers import is_enterprise_code
from connectors.province.person import TODAY
from connectors.province.places import PROVINCE
from connectors.province.seed import number, pick
from lgsp import Outcome, Reply, Request

failure_of = meanings.failure_of

_WINDOW = timedelta(days=5)
_PAGE = 20
_A_DAY = 37
KINDS = ("Đăng ký mới", "Đăng ký thay đổi", "Tạm ngừng", "Giải thể", "Hoạt động trở lại")
STATUSES = {"Đang hoạt động": "00", "Đang làm thủ tục giải thể": "03", "Tạm ngừng kinh doanh": "05"}
"""What an enterprise does today, in the ten characters of `ENTERPRISE_STATUS`."""
STEPS = ("Đã tiếp nhận", "Đang xử lý", "Yêu cầu sửa đổi, bổ sung", "Đã cấp đăng ký")


async def answer(request: Request) -> Reply:
    """`DataCount`, `Status`, `Message` and the data."""
    return OPERATIONS[request.operation](request)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """`Status` "0" with the text of the failure."""
    if outcome is Outcome.REJECTED:
        return _failure(request, "Chưa được cấp quyền hoặc tham số không hợp lệ", Outcome.REJECTED)
    return _failure(request, "Hệ thống đăng ký doanh nghiệp gặp lỗi", outcome)


def _details(request: Request) -> Reply:
    code = request.query_values.get("msdn", "")
    if not is_enterprise_code(code):
        return _failure(request, f"Mã số doanh nghiệp không hợp lệ: {code}", Outcome.REJECTED)
    enterprise = find_enterprise(code[:10])
    if enterprise is None:
        return _failure(request, "Không tìm thấy doanh nghiệp")
    data = {
        "MainInformation": _main(enterprise),
        "HOAdress": _address(enterprise),
        "BusinessActivity": [
            {"CODE": trade, "NAME": name, "IS_MAIN": "N" if n else "Y"}
            for n, (trade, name) in enumerate(enterprise.activities)
        ],
        "Member": [
            {
                "MEMBER_NAME": enterprise.representative.name.upper(),
                "AMOUNT": enterprise.capital,
                "RATIO_PERCENT": 100,
                "COUNTRY": "Việt Nam",
            }
        ],
    }
    return _success(request, 1, data)


def _main(enterprise: Enterprise) -> dict[str, Any]:
    name, short, foreign = enterprise.names
    return {
        "ENTERPRISE_ID": number(enterprise.code, "id", 9_000_000) + 1_000_000,
        "ENTERPRISE_GDT_CODE": enterprise.code,
        "IMP_BUSINESS_CODE": "",
        "ENTERPRISE_TYPE_ID": str(enterprise.type[0]),
        "ENTERPRISE_TYPE_NAME": enterprise.type[1],
        "NAME": name,
        "SHORT_NAME": short,
        "NAME_F": foreign,
        "FOUNDING_DATE": dmy(enterprise.founded),
        "LAST_AMEND_DATE": dmy(enterprise.amended),
        "NUMBER_CHANGES": enterprise.changes,
        "ENTERPRISE_STATUS": STATUSES[enterprise.state],
        "LEGAL_NAMES": enterprise.representative.name.upper(),
        "CAPITAL_AMOUNT": enterprise.capital,
    }


def _address(enterprise: Enterprise) -> dict[str, Any]:
    place = enterprise.address
    return {
        "CityID": int(PROVINCE),
        "CityName": "Tỉnh Quảng Nam",
        "DistrictID": int(place.district.code),
        "DistrictName": place.district.name,
        "WardID": int(place.commune.code),
        "WardName": place.commune.name,
        "StreetNumber": f"{place.house} {place.street}",
        "AddressFullText": place.text,
    }


def _today(request: Request) -> Reply:
    fields = request.query_values
    start, end = fields.get("from_ts", "00:00"), fields.get("to_ts", "23:59")
    if not (_is_time(start) and _is_time(end)):
        return _failure(request, "from_ts, to_ts phải có dạng HH:mm", Outcome.REJECTED)
    page = _page(fields)
    if page is None:
        return _failure(request, "offset, limit phải là số không âm", Outcome.REJECTED)
    all_of_them = [_processed(n) for n in range(_A_DAY) if start <= f"{8 + n // 5:02d}:{n % 5 * 12:02d}" <= end]
    return _listed(request, all_of_them, page)


def _processed(n: int) -> dict[str, Any]:
    thing = f"{TODAY}/{n}"
    enterprise = enterprise_of(thing, "enterprise")
    return {
        "IN_JOURNAL_NO": 52_000_000 + n,
        "DOCUMENT_TYPE": pick(thing, "kind", KINDS),
        "ENTERPRISE_GDT_CODE": enterprise.code,
        "NAME": enterprise.names[0],
        "SITE_ID": 49,
        "PROCESS_STATUS": pick(thing, "step", STEPS),
        "PROCESSED_DATE": f"{dmy(TODAY)} {8 + n // 5:02d}:{n % 5 * 12:02d}",
    }


def _period(request: Request) -> Reply:
    fields = request.query_values
    start, end = parse_dmy(fields.get("from_date", "")), parse_dmy(fields.get("to_date", ""))
    if start is None or end is None or start > end:
        return _failure(request, "from_date, to_date phải có dạng dd/MM/yyyy", Outcome.REJECTED)
    if end - start > _WINDOW:
        return _failure(request, "Khoảng thời gian tối đa là 5 ngày", Outcome.REJECTED)
    page = _page(fields)
    if page is None:
        return _failure(request, "offset, limit phải là số không âm", Outcome.REJECTED)
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    dossiers = [_received(dmy(day), n) for day in days for n in range(_A_DAY)]
    return _listed(request, dossiers, page)


def _received(day: str, n: int) -> dict[str, Any]:
    thing = f"{day}/{n}"
    enterprise = enterprise_of(thing, "enterprise")
    return {
        "IN_JOURNAL_NO": 52_000_000 + number(thing, "journal", 900_000),
        "DOCUMENT_TYPE": pick(thing, "kind", KINDS),
        "ENTERPRISE_CODE": f"QNA{number(thing, 'code', 10**6):06d}",
        "ENTERPRISE_GDT_CODE": enterprise.code,
        "NAME": enterprise.names[0],
        "SITE_ID": 49,
        "RECEIPT_DATE": day,
        "PLAN_DATE": day,
        "PROCESS_STATUS": pick(thing, "step", STEPS),
    }


def _state(request: Request) -> Reply:
    journal = request.query_values.get("in_journal_no", "")
    if not re.fullmatch(r"[0-9]{1,12}", journal):
        return _failure(request, "in_journal_no phải là số", Outcome.REJECTED)
    if not 52_000_000 <= int(journal) < 53_000_000:
        return _failure(request, "Không tìm thấy hồ sơ")
    enterprise = enterprise_of(journal, "enterprise")
    contact = enterprise.representative
    main = {
        "IN_JOURNAL_NO": int(journal),
        "DOCUMENT_TYPE": pick(journal, "kind", KINDS),
        "ENTERPRISE_CODE": f"QNA{number(journal, 'code', 10**6):06d}",
        "NAME": enterprise.names[0],
        "ENTERPRISE_TYPE_ID": str(enterprise.type[0]),
        "SITE_ID": 49,
        "RECEIPT_DATE": dmy(TODAY),
        "PLAN_DATE": dmy(TODAY + timedelta(days=3)),
        "PROCESS_STATUS": pick(journal, "step", STEPS),
        "REGISTRATION_DATE": "",
        "SUPPLEMENT_DATE": "",
        "SUBMISSION_TYPE": pick(journal, "way", ("Qua mạng", "Trực tiếp")),
        "CONTACT_FULL_NAME": contact.name,
        "CONTACT_ADDRESS": contact.address.text,
        "CONTACT_ID_NO": str(contact.id),
        "CONTACT_PHONE": contact.phone,
        "CONTACT_EMAIL": "",
    }
    return _success(request, 1, {"MainInformation": main})


OPERATIONS: dict[str, Callable[[Request], Reply]] = {
    "GET /chiTietDoanhNghiep": _details,
    "GET /danhSachHoSoTrongNgay": _today,
    "GET /danhSachHoSo": _period,
    "GET /tinhTrangHoSo": _state,
}


def _is_time(text: str) -> bool:
    return bool(re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text))


def _page(fields: dict[str, str]) -> tuple[int, int] | None:
    offset, limit = fields.get("offset", "0"), fields.get("limit", str(_PAGE))
    if not (offset.isascii() and offset.isdigit() and limit.isascii() and limit.isdigit()):
        return None
    return int(offset[:9]), min(int(limit[:9]), 1_000)


def _listed(request: Request, records: list[dict[str, Any]], page: tuple[int, int]) -> Reply:
    offset, limit = page
    shown = records[offset : offset + limit]
    return _success(request, len(shown), {"MainInformation": shown})


def _success(request: Request, count: int, data: dict[str, Any]) -> Reply:
    return Reply.of_json(request, {"DataCount": count, "Status": "1", "Message": "success", **data})


def _failure(request: Request, says: str, outcome: Outcome = Outcome.BUSINESS_FAULT) -> Reply:
    body = {"DataCount": 0, "Status": "0", "Message": says}
    return Reply.of_json(request, body, outcome=outcome, reason="status_0")
