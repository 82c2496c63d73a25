"""Phần mềm quản lý lý lịch tư pháp dùng chung: Judicial Record.

Facts (S1, S13): operations, forms with what they require, enumerations, codes as numbers, the acknowledgement, the codes 00,
01, 03 of the VNeID channel; the guide prints all addresses but the first with `LLTP-API-`, its list of functions without:
both answer. Assumptions: `STATUS` carries those codes here too, and 02 for a form that is incomplete; a failure of
`traHoSo` and `traDanhMuc`, which have no `STATUS`, is the gateway's to say; a dossier waits a minute, is worked on a minute,
and then has its certificate; what was acknowledged is not listed again until it changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

from connectors.province import meanings
from connectors.province.catalogues import ETHNIC_GROUPS, NATIONALITIES
from connectors.province.dates import dmy, parse_dmy
from connectors.province.dossier import AGENCIES
from connectors.province.identifiers import is_legacy_id, parse_citizen_id
from connectors.province.person import TODAY, Person, person_of
from connectors.province.places import PROVINCE, UNITS
from connectors.province.seed import pick
from connectors.province.silence import without_words
from lgsp import Kept, MalformedRequest, Outcome, Reply, Request, State

failure_of = meanings.failure_of

STATE = {"dossier": Kept(seconds=90 * 86_400), "taken": Kept(seconds=90 * 86_400), "look": meanings.LOOK}
"""What was submitted, by receipt number; what was acknowledged, by kind and declaration id, with the state it had; looks."""
OK, REFUSED, INCOMPLETE, INTERRUPTED = "00", "01", "02", "03"
STATES = {3: "STP đã tiếp nhận", 4: "Đang xử lý", 5: "Đã có phiếu"}
PREFIX = "LLTP-API-"
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
NUMBERS = ("nationalityId", "ethnicId", "phone", "requestQty", "requestQtyAdd", "reRegionId", "rtRegionId")
ENUMS = {
    "genderId": ("0", "1"),
    "idTypeId": ("0", "1", "2", "3"),
    "declareTypeId": ("3844", "3845", "3846", "3847"),
    "objectRequestId": ("71", "72", "73", "74"),
    "formType": ("1", "2"),
    "isBanPosition": ("0", "1"),
    "delivery": ("0", "1"),
}
STAY = ("fromDateStr", "toDateStr", "residencePlace")
_DAYS = ("birthDateStr", "dadDob", "momDob", "partnerDob")
_BIRTH = re.compile(r"((0[1-9]|[12][0-9]|3[01])/)?(0[1-9]|1[0-2])/[0-9]{4}|[0-9]{4}")
_RECEIPT = re.compile(r"[0-9A-Z.]{1,40}-[0-9]{6}-[0-9]{4}")
_STEP = 60.0
_LISTED = 8


def answer_with(request: Request, state: State) -> Reply:
    """`STATUS`, `DESCRIPTION` and what was asked."""
    try:
        fields = request.json_object
    except MalformedRequest:
        return _incomplete(request, "Bản tin không phải JSON")
    return OPERATIONS[request.operation.replace(PREFIX, "")](request, fields, state)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """02 for a refusal, 03 (try again) for an error; without words where the answer has no `STATUS`."""
    if request.operation.replace(PREFIX, "") in _WITHOUT_STATUS:
        return without_words(request, outcome)
    if outcome is Outcome.REJECTED:
        return _incomplete(request, "Thiếu thông tin tờ khai")
    return _status(request, INTERRUPTED, "Yêu cầu bị gián đoạn. Vui lòng thử lại.", outcome, reason="retry")


def _submit(request: Request, fields: dict[str, Any], state: State) -> Reply:
    receipt = str(fields.get("idReceivedDec", ""))
    if not receipt or not fields.get("idMinistryJustice"):
        return _incomplete(request, "Thiếu idReceivedDec hoặc idMinistryJustice")
    for name in ("dateReceivedDec", "datePromissoryDec"):
        if parse_dmy(str(fields.get(name, ""))) is None:
            return _incomplete(request, f"{name} phải có dạng dd/MM/yyyy")
    form = fields.get("declarationWSForm")
    problem = _form_problem(form) or _stay_problem(fields.get("residenceWSForm"))
    if not problem and isinstance(fields.get("mandatorWSForm"), dict) and not fields["mandatorWSForm"].get("fullName"):
        problem = "mandatorWSForm: thiếu fullName"
    if problem or not isinstance(form, dict):
        return _incomplete(request, problem)
    there = state.get("dossier", receipt)
    handed_in = sha256(repr(sorted(form.items())).encode()).hexdigest()
    if there and there["form"] != handed_in:
        return _status(request, REFUSED, "Số phiếu tiếp nhận đã tồn tại", Outcome.BUSINESS_FAULT)
    if not there:
        state.put("dossier", receipt, {"form": handed_in, "at": state.now})
    return _status(request, OK, "Thành công", ID=_declaration(receipt))


def _form_problem(form: object) -> str:
    if not isinstance(form, dict):
        return "Thiếu declarationWSForm"
    missing = [name for name in REQUIRED if form.get(name) in {None, ""}]
    if missing:
        return f"Thiếu thông tin tờ khai: {', '.join(missing)}"
    wrong = [name for name, values in ENUMS.items() if form.get(name) is not None and str(form[name]) not in values]
    wrong += [name for name in NUMBERS if form.get(name) and not re.fullmatch(r"[0-9]{1,15}", str(form[name]))]
    wrong += [name for name in _DAYS if form.get(name) and not _BIRTH.fullmatch(str(form[name]))]
    wrong += [] if parse_dmy(str(form["declareDate"])) else ["declareDate"]
    if wrong:
        return f"Giá trị không hợp lệ: {', '.join(wrong)}"
    number_of = str(form["identifyNo"])
    if str(form["idTypeId"]) == "3" and parse_citizen_id(number_of) is None:
        return "identifyNo không phải số CCCD"
    return "identifyNo không phải số CMND" if str(form["idTypeId"]) == "1" and not is_legacy_id(number_of) else ""


def _stay_problem(stays: object) -> str:
    given = stays if isinstance(stays, list) else [stays] if stays else []
    if all(isinstance(stay, dict) and all(stay.get(name) for name in STAY) for stay in given):
        return ""
    return f"residenceWSForm: thiếu {', '.join(STAY)}"


def _state(request: Request, fields: dict[str, Any], state: State) -> Reply:
    number_of, through = str(fields.get("idReceivedDec", "")), str(fields.get("infoType"))
    if through not in {"1", "2"} or not number_of or (through == "1" and not fields.get("identifyNo")):
        return _incomplete(request, "Thiếu idReceivedDec, infoType hoặc identifyNo")
    known = bool(_RECEIPT.fullmatch(number_of)) and not number_of.endswith("99")
    if through == "1":
        known = known and str(fields["identifyNo"]) in _papers(_declarant(number_of))
    if not known and state.get("dossier", number_of) is None:
        return _status(request, REFUSED, "Không tìm thấy hồ sơ", Outcome.BUSINESS_FAULT)
    return _status(request, OK, "Thành công", **_progress(_state_of(number_of, state)))


def _states(request: Request, fields: dict[str, Any], state: State) -> Reply:
    through = str(fields.get("infoType"))
    if through not in {"1", "2"}:
        return _incomplete(request, "infoType là 1 hoặc 2")
    name = "APPOINTMENT_NO" if through == "1" else "RECEIVE_NO"
    listed = []
    for number_of in _numbers(through, state):
        stands, declaration = _state_of(number_of, state), _declaration(number_of)
        taken = state.get("taken", f"2/{declaration}")
        if taken is None or taken["state"] != stands:
            listed.append({"DECLARATION_ID": declaration, name: number_of} | _progress(stands))
    return _status(request, OK, "Thành công", LISTCONTENT=listed)


def _numbers(through: str, state: State) -> Iterator[str]:
    """The dossiers of one way: through the one-stop system those that were submitted first."""
    if through == "2":
        yield from (receipt for receipt, _ in state.each("dossier"))
    unit = "000.00.07.H47" if through == "2" else "LLTP"
    yield from (f"{unit}-230524-{n + 1:04d}" for n in range(_LISTED))


def _dossiers(request: Request, fields: dict[str, Any], state: State) -> Reply:
    way = str(fields.get("infoType"))
    if way not in {"1", "2"}:
        return _incomplete(request, "infoType là 1 hoặc 2")
    kind, unit, first = ("3", "TT", 1) if way == "1" else ("1", "LLTP", 7)
    numbers = [f"{unit}-230524-{first + n:04d}" for n in range(4)]
    fresh = [one for one in numbers if state.get("taken", f"{kind}/{_declaration(one)}") is None]
    return Reply.of_json(request, [_forms(one, way, state) for one in fresh])


def _forms(number_of: str, way: str, state: State) -> dict[str, Any]:
    person = _declarant(number_of)
    place, home = person.birthplace, person.address
    declaration = {
        "fullName": person.name.upper(),
        "genderId": 1 if person.id.male else 0,
        "birthDateStr": dmy(person.born),
        "birthPlace": f"{place.commune.code},{place.district.code},{PROVINCE}",
        "nationalityId": 1,
        "ethnicId": int(person.ethnic_group[0]),
        "residence": home.text,
        "reRegionId": int(home.commune.code),
        "residenceTemporary": home.text,
        "rtRegionId": int(home.commune.code),
        "idTypeId": 3,
        "identifyNo": str(person.id),
        "idIssueDate": dmy(TODAY - timedelta(days=400)),
        "idIssuePlace": "Cục Cảnh sát quản lý hành chính về trật tự xã hội",
        **_relative("dad", person.father),
        **_relative("mom", person.mother),
        **_relative("partner", person.spouse),
        "phone": person.phone,
        "email": "",
        "ministryJusticeId": int(PROVINCE),
        "declareDate": dmy(TODAY),
        "declareTypeId": 3846,
        "requestQty": 1,
        "requestQtyAdd": 0,
        "objectRequestId": 72,
        "agencyRequestId": None,
        "regionRequestId": None,
        "formType": pick(number_of, "form", (1, 2)),
        "isBanPosition": 0,
        "delivery": 0,
        "deliveryAddress": "",
        "deliveryDistrict": None,
        "declarationId": _declaration(number_of),
        "declarationPortalID": _declaration(f"{number_of}/portal"),
    }
    declaration |= _online(number_of, person) if way == "1" else _in_person(number_of, state)
    stay = {
        "fromDateStr": dmy(person.born.replace(year=person.born.year + 14, day=1)),
        "toDateStr": dmy(TODAY),
        "residencePlace": home.commune.code,
        "jobName": "Lao động tự do",
        "workPlace": "",
    }
    mandator = _mandator(person) if way == "2" and int(number_of[-1]) % 2 == 0 else None
    return {"declarationTraHoSoForm": declaration, "residenceWSForm": [stay], "mandatorWSForm": mandator}


def _relative(prefix: str, person: Person | None) -> dict[str, str]:
    return {f"{prefix}Name": person.name if person else "", f"{prefix}Dob": dmy(person.born) if person else ""}


def _online(number_of: str, person: Person) -> dict[str, Any]:
    return {
        "declarationCode": 10_000 + int(number_of[-4:]),
        "giveProfileType": 1,
        "giveProfileAddress": person.address.text,
        "giveProfileDistrict": int(person.address.district.code),
    }


def _in_person(number_of: str, state: State) -> dict[str, Any]:
    stands = _state_of(number_of, state)
    return {
        "appointmentNo": number_of,
        "receiveDate": dmy(TODAY),
        "appointmentDate": dmy(TODAY + timedelta(days=10)),
        "issueDate": dmy(TODAY) if stands == 5 else "",
        "decStatusId": stands,
        "decStatusName": STATES[stands],
    }


def _mandator(person: Person) -> dict[str, Any]:
    """Who was authorised to ask: husband, wife or whoever lives in the house."""
    other = person.spouse or person_of(str(person.id), "mandator")
    return {
        "fullName": other.name.upper(),
        "genderId": 1 if other.id.male else 0,
        "birthDateStr": dmy(other.born),
        "birthPlaceId": int(other.birthplace.commune.code),
        "residence": other.address.text,
        "regionId": int(other.address.commune.code),
        "idTypeId": 3,
        "identifyNo": str(other.id),
        "idIssueDate": dmy(TODAY - timedelta(days=400)),
        "idIssuePlace": "Cục Cảnh sát quản lý hành chính về trật tự xã hội",
        "mandatorRelation": "Vợ chồng" if person.spouse else "Người quen",
        "mandatorDate": dmy(TODAY),
    }


def _acknowledge(request: Request, fields: dict[str, Any], state: State) -> Reply:
    ids = [one for one in str(fields.get("declarationId", "")).split(";") if one]
    kind = str(fields.get("infoType"))
    if not ids or kind not in {"1", "2", "3"}:
        return _incomplete(request, "Thiếu declarationId hoặc infoType")
    known = {_declaration(number_of): number_of for way in ("1", "2") for number_of in _numbers(way, state)}
    for one in ids:
        stands = _state_of(known[one], state) if kind == "2" and one in known else 0
        state.put("taken", f"{kind}/{one}", {"state": stands})
    return _status(request, OK, f"Đã đánh dấu {len(ids)} hồ sơ")


def _catalogue(request: Request, fields: dict[str, Any], _: State) -> Reply:
    lists: dict[str, list[tuple[str, str]]] = {
        "1": [(unit.code, unit.name) for unit in UNITS.values()],
        "2": [(str(n), name) for n, (_, name) in enumerate(NATIONALITIES, 1)],
        "3": [(str(int(code)), name) for code, name, _ in ETHNIC_GROUPS],
        "4": [(str(n), name) for n, name in enumerate(AGENCIES.values(), 1)],
        "5": [(PROVINCE, "Sở Tư pháp tỉnh Quảng Nam")],
    }
    found = lists.get(str(fields.get("infoType")))
    if found is None:
        return _incomplete(request, "infoType từ 1 đến 5")
    return Reply.of_json(request, [{"ID": code, "NAME": name} for code, name in found])


OPERATIONS: dict[str, Callable[[Request, dict[str, Any], State], Reply]] = {
    "POST /nhanHoSoDangKy": _submit,
    "POST /traTrangThaiHs": _state,
    "POST /traDsTrangThaiHs": _states,
    "POST /traHoSo": _dossiers,
    "POST /danhDauHsThanhCong": _acknowledge,
    "POST /traDanhMuc": _catalogue,
}
_WITHOUT_STATUS = ("POST /traHoSo", "POST /traDanhMuc")


def _declarant(number_of: str) -> Person:
    return person_of(number_of, "declarant")


def _papers(person: Person) -> set[str]:
    return {str(person.id), person.legacy_id} - {""}


def _declaration(number_of: str) -> str:
    """The id inside the system, as it leaves it: encrypted."""
    return sha256(number_of.encode()).hexdigest()[:32].upper()


def _state_of(number_of: str, state: State) -> int:
    if meanings.meaning_of(number_of):
        return 5 if meanings.is_ready(number_of, state) else 3
    there = state.get("dossier", number_of)
    if there is None:
        return pick(number_of, "judicial", tuple(STATES))
    age = state.now - there["at"]
    return 3 if age < _STEP else 4 if age < 2 * _STEP else 5


def _progress(stands: int) -> dict[str, Any]:
    day = dmy(TODAY) if stands == 5 else ""
    return {"DEC_STATUS_ID": stands, "DEC_STATUS_NAME": STATES[stands], "APPROVE_DATE": day, "ISSUE_DATE": day}


def _incomplete(request: Request, says: str) -> Reply:
    if request.operation.replace(PREFIX, "") in _WITHOUT_STATUS:
        return without_words(request, Outcome.REJECTED)
    return _status(request, INCOMPLETE, says, Outcome.REJECTED)


def _status(
    request: Request, code: str, says: str, outcome: Outcome = Outcome.OK, reason: str = "", **more: object
) -> Reply:
    word = reason or ("" if code == OK else f"status_{code}")
    return Reply.of_json(request, {"STATUS": code, "DESCRIPTION": says, **more}, outcome=outcome, reason=word)
