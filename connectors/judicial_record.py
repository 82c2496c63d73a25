"""Phần mềm quản lý lý lịch tư pháp dùng chung: Judicial Record.

Facts (S1, S13): operations, forms, enumerations, the acknowledgement, the codes 00, 01, 03 of the VNeID channel.
Assumptions: `STATUS` carries those codes here too, and the plain operation names.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

from connectors.province.catalogues import ETHNIC_GROUPS, NATIONALITIES
from connectors.province.dates import dmy, parse_dmy
from connectors.province.dossier import AGENCIES
from connectors.province.identifiers import is_legacy_id, parse_citizen_id
from connectors.province.person import TODAY, person_of
from connectors.province.places import of_level
from connectors.province.seed import number, pick
from lgsp import MalformedRequest, Outcome, Reply, Request

OK, REFUSED, INTERRUPTED, INCOMPLETE = "00", "01", "03", "02"
STATES = {3: "Sở Tư pháp đã tiếp nhận", 4: "Đang xử lý", 5: "Đã cấp phiếu"}
REQUIRED = (
    "fullName",
    "genderId",
    "birthDateStr",
    "nationalityId",
    "idTypeId",
    "identifyNo",
    "phone",
    "declareDate",
    "declareTypeId",
    "requestQty",
    "objectRequestId",
    "formType",
)
ENUMS = {
    "genderId": ("0", "1"),
    "idTypeId": ("0", "1", "2", "3"),
    "declareTypeId": ("3844", "3845", "3846", "3847"),
    "objectRequestId": ("71", "72", "73", "74"),
    "formType": ("1", "2"),
}
_BIRTH = re.compile(r"((0[1-9]|[12][0-9]|3[01])/)?(0[1-9]|1[0-2])/[0-9]{4}|[0-9]{4}")


async def answer(request: Request) -> Reply:
    """`STATUS`, `DESCRIPTION` and what was asked."""
    try:
        fields = request.json_object
    except MalformedRequest:
        return _status(request, INCOMPLETE, "Bản tin không phải JSON", Outcome.REJECTED)
    return OPERATIONS[request.operation](request, fields)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """01 for a refusal, 03 (try again) for an error."""
    if outcome is Outcome.REJECTED:
        return _status(request, INCOMPLETE, "Thiếu thông tin tờ khai", outcome)
    return _status(request, INTERRUPTED, "Yêu cầu bị gián đoạn. Vui lòng thử lại.", outcome, reason="retry")


def _submit(request: Request, fields: dict[str, Any]) -> Reply:
    receipt = str(fields.get("idReceivedDec", ""))
    if not receipt or not fields.get("idMinistryJustice"):
        return _status(request, INCOMPLETE, "Thiếu idReceivedDec hoặc idMinistryJustice", Outcome.REJECTED)
    for name in ("dateReceivedDec", "datePromissoryDec"):
        if parse_dmy(str(fields.get(name, ""))) is None:
            return _status(request, INCOMPLETE, f"{name} phải có dạng dd/MM/yyyy", Outcome.REJECTED)
    problem = _form_problem(fields.get("declarationWSForm"))
    if problem:
        return _status(request, INCOMPLETE, problem, Outcome.REJECTED)
    return _status(request, OK, "Thành công", ID=sha256(receipt.encode()).hexdigest()[:32].upper())


def _form_problem(form: object) -> str:
    if not isinstance(form, dict):
        return "Thiếu declarationWSForm"
    missing = [name for name in REQUIRED if form.get(name) in {None, ""}]
    if missing:
        return f"Thiếu thông tin tờ khai: {', '.join(missing)}"
    wrong = [name for name, values in ENUMS.items() if str(form[name]) not in values]
    if wrong:
        return f"Giá trị không hợp lệ: {', '.join(wrong)}"
    if not _BIRTH.fullmatch(str(form["birthDateStr"])):
        return "birthDateStr phải có dạng dd/MM/yyyy, MM/yyyy hoặc yyyy"
    number_of = str(form["identifyNo"])
    if str(form["idTypeId"]) == "3" and parse_citizen_id(number_of) is None:
        return "identifyNo không phải số CCCD"
    return "identifyNo không phải số CMND" if str(form["idTypeId"]) == "1" and not is_legacy_id(number_of) else ""


def _state(request: Request, fields: dict[str, Any]) -> Reply:
    receipt = str(fields.get("idReceivedDec", ""))
    through = str(fields.get("infoType"))
    if through not in {"1", "2"} or not receipt or (through == "1" and not fields.get("identifyNo")):
        return _status(request, INCOMPLETE, "Thiếu idReceivedDec, infoType hoặc identifyNo", Outcome.REJECTED)
    if not _known(receipt):
        return _status(request, REFUSED, "Không tìm thấy hồ sơ", Outcome.BUSINESS_FAULT)
    return _status(request, OK, "Thành công", **_progress(receipt))


def _states(request: Request, fields: dict[str, Any]) -> Reply:
    through = str(fields.get("infoType"))
    if through not in {"1", "2"}:
        return _status(request, INCOMPLETE, "infoType là 1 hoặc 2", Outcome.REJECTED)
    name = "APPOINTMENT_NO" if through == "1" else "RECEIVE_NO"
    listed = []
    for n in range(8):
        receipt = f"000.00.07.H47-230524-{n + 1:04d}"
        ids = {"DECLARATION_ID": _declaration(receipt), name: receipt}
        listed.append(ids | _progress(receipt))
    return _status(request, OK, "Thành công", LISTCONTENT=listed)


def _dossiers(request: Request, fields: dict[str, Any]) -> Reply:
    way = str(fields.get("infoType"))
    if way not in {"1", "2"}:
        return _status(request, INCOMPLETE, "infoType là 1 hoặc 2", Outcome.REJECTED)
    forms = [_form(f"{way}/{n}", n) for n in range(4)]
    return _status(request, OK, "Thành công", LISTCONTENT=forms)


def _form(thing: str, n: int) -> dict[str, Any]:
    person = person_of(thing, "declarant")
    state = pick(thing, "state", tuple(STATES))
    declaration = {
        "declarationId": _declaration(thing),
        "declarationCode": f"{10_001 + n}",
        "fullName": person.name.upper(),
        "genderId": 1 if person.id.male else 0,
        "birthDateStr": dmy(person.born),
        "birthPlace": person.birthplace.text,
        "nationalityId": "VN",
        "ethnicId": person.ethnic_group[0],
        "residence": person.address.text,
        "idTypeId": 3,
        "identifyNo": str(person.id),
        "phone": person.phone,
        "declareDate": dmy(TODAY),
        "declareTypeId": 3846,
        "requestQty": 1,
        "objectRequestId": 72,
        "formType": 1,
        "receiveDate": dmy(TODAY),
        "appointmentDate": dmy(TODAY + timedelta(days=10)),
        "decStatusId": state,
        "decStatusName": STATES[state],
    }
    stay = {"fromDateStr": f"{person.born.year + 14}", "toDateStr": "2023", "residencePlace": person.address.text}
    return {"declarationTraHoSoForm": declaration, "residenceWSForm": [stay], "mandatorWSForm": None}


def _acknowledge(request: Request, fields: dict[str, Any]) -> Reply:
    ids = [one for one in str(fields.get("declarationId", "")).split(";") if one]
    if not ids or str(fields.get("infoType")) not in {"1", "2", "3"}:
        return _status(request, INCOMPLETE, "Thiếu declarationId hoặc infoType", Outcome.REJECTED)
    return _status(request, OK, f"Đã đánh dấu {len(ids)} hồ sơ")


def _catalogue(request: Request, fields: dict[str, Any]) -> Reply:
    lists: dict[str, list[tuple[str, str]]] = {
        "1": [(unit.code, unit.name) for unit in of_level("HUYEN")],
        "2": list(NATIONALITIES),
        "3": [(code, name) for code, name, _ in ETHNIC_GROUPS],
        "4": list(AGENCIES.items()),
        "5": [(code, name) for code, name in AGENCIES.items() if code.startswith("000.00.")],
    }
    found = lists.get(str(fields.get("infoType")))
    if found is None:
        return _status(request, INCOMPLETE, "infoType từ 1 đến 5", Outcome.REJECTED)
    return Reply.of_json(request, [{"ID": code, "NAME": name} for code, name in found])


OPERATIONS: dict[str, Callable[[Request, dict[str, Any]], Reply]] = {
    "POST /nhanHoSoDangKy": _submit,
    "POST /traTrangThaiHs": _state,
    "POST /traDsTrangThaiHs": _states,
    "POST /traHoSo": _dossiers,
    "POST /danhDauHsThanhCong": _acknowledge,
    "POST /traDanhMuc": _catalogue,
}


def _known(receipt: str) -> bool:
    return bool(re.fullmatch(r"[0-9A-Z.]+-[0-9]{6}-[0-9]{4}", receipt)) and not receipt.endswith("99")


def _declaration(thing: str) -> str:
    return str(600_000 + number(thing, "declaration", 90_000))


def _progress(receipt: str) -> dict[str, Any]:
    state = pick(receipt, "judicial", tuple(STATES))
    done = state == 5
    return {
        "DEC_STATUS_ID": state,
        "DEC_STATUS_NAME": STATES[state],
        "APPROVE_DATE": dmy(TODAY) if done else "",
        "ISSUE_DATE": dmy(TODAY) if done else "",
    }


def _status(
    request: Request, code: str, says: str, outcome: Outcome = Outcome.OK, reason: str = "", **more: object
) -> Reply:
    word = reason or ("" if code == OK else f"status_{code}")
    return Reply.of_json(request, {"STATUS": code, "DESCRIPTION": says, **more}, outcome=outcome, reason=word)
