"""CSDL quốc gia về dân cư: the National Population Database, SOAP 1.1 behind an adapter.

Facts (S5, S6, S7, S8b): messages with their namespaces, every element qualified, the order of elements, one `CongDan` at
least, the header scheme, and that officer and service must be mapped. Assumptions: one path an operation, the texts of
faults, `SoCongDan` "0" with an empty `CongDan` for nobody, that names are compared in upper case, and of the header scheme:
`Timestamp` is yyyyMMddHHmmss local time, `serviceUrl` the path with its context, and a call without `Authorization: Basic`
and `Timestamp` comes from the bus's own mediator, which has signed it; one of the two alone is half a signature.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from hashlib import sha256
from hmac import compare_digest
from xml.sax.saxutils import escape, quoteattr

from connectors.province import meanings
from connectors.province.dates import parse_ymd, ymd
from connectors.province.identifiers import parse_citizen_id
from connectors.province.markup import NotXml, find, local, namespace, parse, text
from connectors.province.person import TODAY, Person, find_by_legacy, find_person, person_of
from lgsp import Outcome, Reply, Request

failure_of = meanings.failure_of

SOAP, SOAP_12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"
RESULT = "http://www.mic.gov.vn/dancu/1.0"
VERIFY, KIN = "http://dancuquocgia.bca", "http://gtel.vn/qldc"
ACCOUNTS = {"qnam": "chi-de-thu-nghiem"}
"""Accounts of the stand-in, and what they sign with: made up, for tests."""
UNMAPPED_OFFICER, UNMAPPED_SERVICE = "CB000", "000"
"""An officer and a service code that nobody mapped."""
_CONTEXT = "/population/v1.0.0"
_SKEW = timedelta(minutes=5)
_PAGE_AT_MOST = 100
_CHANGED = 250
_XML = {"content-type": "text/xml; charset=utf-8"}
_NOT_MAPPED = "Cán bộ hoặc mã dịch vụ chưa được cấp quyền"
_NOBODY = "Không tìm thấy công dân"


async def answer(request: Request) -> Reply:
    """The SOAP reply; what is no request of this operation is a SOAP fault."""
    wanted, its_namespace, handle = OPERATIONS[request.operation]
    unsigned = _signature_problem(request)
    if unsigned:
        return _fault(request, "Client", unsigned)
    try:
        root = parse(request.body)
    except NotXml as error:
        return _fault(request, "Client", f"Bản tin không hợp lệ: {error}")
    if namespace(root) == SOAP_12:
        return _fault(request, "VersionMismatch", "Dịch vụ dùng SOAP 1.1")
    if local(root) != "Envelope" or namespace(root) != SOAP:
        return _fault(request, "Client", "Thiếu soapenv:Envelope của SOAP 1.1")
    element = find(root, wanted)
    if element is None or its_namespace not in {"", namespace(element)}:
        return _fault(request, "Client", f"Thiếu phần tử {wanted} trong không gian tên {its_namespace or VERIFY}")
    fields = {name: text(element, name) for name in FIELDS}
    if not fields["MaYeuCau"]:
        return _fault(request, "Client", "Thiếu MaYeuCau")
    if fields["MaCanBo"] == UNMAPPED_OFFICER or UNMAPPED_SERVICE in {fields["MaDichVu"], fields["MaDVC"]}:
        return _fault(request, "Client", _NOT_MAPPED)
    return handle(request, fields)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """A SOAP fault: of the client for a refusal, of the server for an error."""
    if outcome is Outcome.REJECTED:
        return _fault(request, "Client", _NOT_MAPPED)
    return _fault(request, "Server", "Hệ thống CSDL quốc gia về dân cư gặp lỗi", outcome)


FIELDS = (
    "MaYeuCau",
    "MaDichVu",
    "MaDVC",
    "MaCanBo",
    "SoDinhDanh",
    "SoCMND",
    "HoVaTen",
    "NgayThangNamSinh",
    "NgayThangNam",
    "Nam",
    "TuNgay",
    "DenNgay",
    "Trang",
    "SoBanGhi",
)


def _signature_problem(request: Request) -> str:
    """Why a signed call is refused, empty where it is well or not signed."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "Thiếu Authorization: Basic" if request.headers.get("timestamp") else ""
    stamp = request.headers.get("timestamp", "")
    try:
        user, _, given = b64decode(credentials, validate=True).decode().partition(":")
        said = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=timezone(timedelta(hours=7)))
    except (binascii.Error, ValueError):
        return "Timestamp phải có dạng yyyyMMddHHmmss và Authorization phải có dạng Basic"
    wanted = signature(request.path, user, stamp, ACCOUNTS.get(user, ""))
    if user not in ACCOUNTS or not compare_digest(given.encode(), wanted.encode()):
        return "Sai tài khoản hoặc mã băm"
    asked = _moment(request.id)
    return "Timestamp lệch quá 5 phút" if asked and abs(said - asked) > _SKEW else ""


def signature(path: str, user: str, stamp: str, secret: str) -> str:
    """The password of the header scheme (S6, S7): sha256 over service address, user, timestamp and secret, in hex."""
    return sha256(f"{_CONTEXT}{path}{user}{stamp}{secret}".encode()).hexdigest()


def _moment(transaction: str) -> datetime | None:
    """When a gateway made that transaction id (UUID version 7); `None` for an id of another form."""
    digits = transaction.replace("-", "")
    if len(digits) != 32 or digits[12] != "7":
        return None
    try:
        return datetime.fromtimestamp(int(digits[:12], 16) / 1000, tz=timezone(timedelta(0)))
    except (ValueError, OverflowError):
        return None


def _verify(request: Request, fields: dict[str, str]) -> Reply:
    person = _who(fields)
    there = person is not None and _same_name(person, fields)
    says = f"<ns:TonTai>{str(there).lower()}</ns:TonTai>"
    body = f'<ns:KetQuaXacThucResponse xmlns:ns="{VERIFY}">{says}</ns:KetQuaXacThucResponse>'
    return _envelope(request, body, Outcome.OK if there else Outcome.BUSINESS_FAULT)


def _query(request: Request, fields: dict[str, str]) -> Reply:
    person = _who(fields)
    if person is None or not _same_name(person, fields) or not _same_birth(person, fields):
        return _envelope(request, _collection(fields, []), Outcome.BUSINESS_FAULT)
    return _envelope(request, _collection(fields, [person]))


def _kin(request: Request, fields: dict[str, str]) -> Reply:
    person = _who(fields)
    if person is None or not _same_name(person, fields) or not _same_birth(person, fields):
        kin = []
    else:
        kin = [one for one in (person.father, person.mother, person.spouse, *person.children) if one]
    inside = _collection(fields, kin)
    body = f'<dc:XacMinhThongTinNhanThanResponse xmlns:dc="{RESULT}">{inside}</dc:XacMinhThongTinNhanThanResponse>'
    return _envelope(request, body, Outcome.OK if kin else Outcome.BUSINESS_FAULT)


def _pull(request: Request, fields: dict[str, str]) -> Reply:
    if not (parse_ymd(fields["TuNgay"]) and parse_ymd(fields["DenNgay"]) and fields["TuNgay"] <= fields["DenNgay"]):
        return _fault(request, "Client", "TuNgay, DenNgay phải có dạng yyyyMMdd và TuNgay không sau DenNgay")
    page, size = _count(fields["Trang"] or "1"), _count(fields["SoBanGhi"] or "10")
    if not (page and size and size <= _PAGE_AT_MOST):
        return _fault(request, "Client", f"Trang bắt đầu từ 1, SoBanGhi từ 1 đến {_PAGE_AT_MOST}")
    period = f"{fields['TuNgay']}-{fields['DenNgay']}"
    first = (page - 1) * size
    changed = [person_of(f"{period}/{n}", "changed") for n in range(first, min(first + size, _CHANGED))]
    return _envelope(request, _collection(fields, changed), Outcome.OK if changed else Outcome.BUSINESS_FAULT)


OPERATIONS: dict[str, tuple[str, str, Callable[[Request, dict[str, str]], Reply]]] = {
    "POST /xacThucThongTinCongDan": ("XacThucThongTinCongDanRequest", VERIFY, _verify),
    "POST /traCuuThongTinCongDan": ("TraCuuThongTinCongDanRequest", "", _query),
    "POST /xacMinhThongTinNhanThan": ("XacMinhThongTinNhanThanRequest", KIN, _kin),
    "POST /traCuu": ("TraCuuRequest", "", _pull),
}
"""Each with its element and that element's namespace, empty where no source shows it."""


def _count(written: str) -> int:
    """A whole number of at most six digits, 0 for anything else."""
    return int(written) if written.isascii() and written.isdigit() and len(written) <= 6 else 0


def _who(fields: dict[str, str]) -> Person | None:
    if fields["SoDinhDanh"]:
        return find_person(fields["SoDinhDanh"]) if parse_citizen_id(fields["SoDinhDanh"]) else None
    return find_by_legacy(fields["SoCMND"])


def _same_name(person: Person, fields: dict[str, str]) -> bool:
    return " ".join(fields["HoVaTen"].upper().split()) == person.name.upper()


def _same_birth(person: Person, fields: dict[str, str]) -> bool:
    """The schema has a text in `NgayThangNamSinh` (S5), clients write an element with the day or the year into it (S6, S7)."""
    day, year = fields["NgayThangNam"] or fields["NgayThangNamSinh"], fields["Nam"]
    if len(day) == 4:
        day, year = "", day
    return day == ymd(person.born) if day else year in {"", str(person.born.year)}


def _collection(fields: dict[str, str], people: list[Person]) -> str:
    moment = f"{date.isoformat(TODAY)}T00:00:00+07:00"
    inside = "".join(_citizen(person) for person in people) or _citizen(None)
    note = quoteattr("" if people else _NOBODY)
    attributes = f'SoCongDan="{len(people)}" GhiChu={note} ThoiDiemDuLieu="{moment}" id={quoteattr(fields["MaYeuCau"])}'
    return f'<dc:CongdanCollection xmlns:dc="{RESULT}" {attributes}>{inside}</dc:CongdanCollection>'


def _citizen(person: Person | None) -> str:
    day = ymd(person.born) if person else ""
    birth = f"<dc:NgayThangNamSinh><dc:NgayThangNam>{day}</dc:NgayThangNam></dc:NgayThangNamSinh>"
    citizen_id, legacy_id = (person.id, person.legacy_id) if person else ("", "")
    ids = f"<dc:SoDinhDanh>{citizen_id}</dc:SoDinhDanh><dc:SoCMND>{legacy_id}</dc:SoCMND>"
    parents = _parent("Cha", person and person.father) + _parent("Me", person and person.mother)
    return f"<dc:CongDan>{ids}{_name(person)}{birth}{parents}</dc:CongDan>"


def _parent(tag: str, person: Person | None) -> str:
    citizen_id, nationality = (person.id, "VN") if person else ("", "")
    ids = f"<dc:SoDinhDanh>{citizen_id}</dc:SoDinhDanh><dc:QuocTich>{nationality}</dc:QuocTich>"
    return f"<dc:{tag}>{ids}{_name(person)}</dc:{tag}>"


def _name(person: Person | None) -> str:
    parts = (person.surname, person.middle, person.given) if person else ("", "", "")
    inside = "".join(f"<dc:{t}>{escape(part)}</dc:{t}>" for t, part in zip(("Ho", "ChuDem", "Ten"), parts, strict=True))
    return f"<dc:HoVaTen>{inside}</dc:HoVaTen>"


def _envelope(request: Request, body: str, outcome: Outcome = Outcome.OK, status: int = 200) -> Reply:
    whole = f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{SOAP}"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>'
    reason = "" if outcome is Outcome.OK else "not_found" if outcome is Outcome.BUSINESS_FAULT else "fault"
    return Reply(request.id, outcome, status, reason, whole.encode(), _XML)


def _fault(request: Request, code: str, says: str, outcome: Outcome = Outcome.REJECTED) -> Reply:
    inside = f"<faultcode>soapenv:{code}</faultcode><faultstring>{escape(says)}</faultstring>"
    return _envelope(request, f"<soapenv:Fault>{inside}</soapenv:Fault>", outcome, status=500)
