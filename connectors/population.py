"""CSDL quốc gia về dân cư: the National Population Database, SOAP 1.1 behind an adapter.

Facts (S5, S6, S7, S8b): messages, namespaces, field names, the header scheme. Assumptions: one path an operation, the
fault codes of a refusal, and that a name is compared in upper case.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from xml.sax.saxutils import escape

from connectors.province.dates import parse_ymd, ymd
from connectors.province.identifiers import citizen_of_legacy, is_legacy_id, parse_citizen_id
from connectors.province.markup import NotXml, find, parse, text
from connectors.province.person import TODAY, Person, find_person, in_register, person_of
from lgsp import Outcome, Reply, Request

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
RESULT = "http://www.mic.gov.vn/dancu/1.0"
VERIFY, KIN = "http://dancuquocgia.bca", "http://gtel.vn/qldc"
_PAGE_AT_MOST = 100
_XML = {"content-type": "text/xml; charset=utf-8"}


async def answer(request: Request) -> Reply:
    """The SOAP reply; what is no request of this operation is a SOAP fault."""
    wanted, handle = OPERATIONS[request.operation]
    try:
        root = parse(request.body)
    except NotXml as error:
        return _fault(request, "soapenv:Client", f"Bản tin không hợp lệ: {error}")
    element = find(root, wanted)
    if element is None:
        return _fault(request, "soapenv:Client", f"Thiếu phần tử {wanted}")
    fields = {name: text(element, name) for name in FIELDS}
    if not fields["MaYeuCau"]:
        return _fault(request, "soapenv:Client", "Thiếu MaYeuCau")
    return handle(request, fields)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """A SOAP fault: of the client for a refusal, of the server for an error."""
    if outcome is Outcome.REJECTED:
        return _fault(request, "soapenv:Client", "Cán bộ hoặc mã dịch vụ chưa được cấp quyền")
    return _fault(request, "soapenv:Server", "Hệ thống CSDL quốc gia về dân cư gặp lỗi", outcome)


FIELDS = (
    "MaYeuCau",
    "MaCanBo",
    "SoDinhDanh",
    "SoCMND",
    "HoVaTen",
    "NgayThangNam",
    "Nam",
    "TuNgay",
    "DenNgay",
    "Trang",
    "SoBanGhi",
)


def _verify(request: Request, fields: dict[str, str]) -> Reply:
    person = _who(fields)
    there = person is not None and _same_name(person, fields)
    body = f'<ns:KetQuaXacThucResponse xmlns:ns="{VERIFY}"><TonTai>{str(there).lower()}</TonTai></ns:KetQuaXacThucResponse>'
    return _envelope(request, body, Outcome.OK if there else Outcome.BUSINESS_FAULT)


def _query(request: Request, fields: dict[str, str]) -> Reply:
    person = _who(fields)
    if person is None or not _same_name(person, fields) or not _same_birth(person, fields):
        return _envelope(request, _collection([]), Outcome.BUSINESS_FAULT)
    return _envelope(request, _collection([person]))


def _kin(request: Request, fields: dict[str, str]) -> Reply:
    person = _who(fields)
    found = person is not None and _same_name(person, fields) and _same_birth(person, fields)
    kin = (
        []
        if person is None or not found
        else [p for p in (person.father, person.mother, person.spouse, *person.children) if p]
    )
    body = (
        f'<ns:XacMinhThongTinNhanThanResponse xmlns:ns="{KIN}">{_collection(kin)}</ns:XacMinhThongTinNhanThanResponse>'
    )
    return _envelope(request, body, Outcome.OK if found else Outcome.BUSINESS_FAULT)


def _pull(request: Request, fields: dict[str, str]) -> Reply:
    if not (parse_ymd(fields["TuNgay"]) and parse_ymd(fields["DenNgay"]) and fields["TuNgay"] <= fields["DenNgay"]):
        return _fault(request, "soapenv:Client", "TuNgay, DenNgay phải có dạng yyyyMMdd và TuNgay không sau DenNgay")
    page, size = fields["Trang"] or "1", fields["SoBanGhi"] or "10"
    if not (page.isdigit() and size.isdigit() and 1 <= int(size) <= _PAGE_AT_MOST and int(page) >= 1):
        return _fault(request, "soapenv:Client", f"Trang bắt đầu từ 1, SoBanGhi từ 1 đến {_PAGE_AT_MOST}")
    period = f"{fields['TuNgay']}-{fields['DenNgay']}"
    first = (int(page) - 1) * int(size)
    changed = [person_of(f"{period}/{n}", "changed") for n in range(first, min(first + int(size), 250))]
    return _envelope(request, _collection(changed), Outcome.OK if changed else Outcome.BUSINESS_FAULT)


OPERATIONS: dict[str, tuple[str, Callable[[Request, dict[str, str]], Reply]]] = {
    "POST /xacThucThongTinCongDan": ("XacThucThongTinCongDanRequest", _verify),
    "POST /traCuuThongTinCongDan": ("TraCuuThongTinCongDanRequest", _query),
    "POST /xacMinhThongTinNhanThan": ("XacMinhThongTinNhanThanRequest", _kin),
    "POST /traCuu": ("TraCuuRequest", _pull),
}


def _who(fields: dict[str, str]) -> Person | None:
    if fields["SoDinhDanh"]:
        return find_person(fields["SoDinhDanh"]) if parse_citizen_id(fields["SoDinhDanh"]) else None
    if is_legacy_id(fields["SoCMND"]):
        person = in_register(citizen_of_legacy(fields["SoCMND"]))
        return person if person and person.legacy_id == fields["SoCMND"] else None
    return None


def _same_name(person: Person, fields: dict[str, str]) -> bool:
    return " ".join(fields["HoVaTen"].upper().split()) == person.name.upper()


def _same_birth(person: Person, fields: dict[str, str]) -> bool:
    if fields["NgayThangNam"]:
        return fields["NgayThangNam"] == ymd(person.born)
    return not fields["Nam"] or fields["Nam"] == str(person.born.year)


def _collection(people: list[Person]) -> str:
    moment = f"{date.isoformat(TODAY)}T00:00:00+07:00"
    inside = "".join(_citizen(person) for person in people)
    return f'<dc:CongdanCollection xmlns:dc="{RESULT}" SoCongDan="{len(people)}" GhiChu="" ThoiDiemDuLieu="{moment}">{inside}</dc:CongdanCollection>'


def _citizen(person: Person) -> str:
    parents = "".join(_parent(tag, parent) for tag, parent in (("Cha", person.father), ("Me", person.mother)) if parent)
    birth = f"<dc:NgayThangNamSinh><dc:NgayThangNam>{ymd(person.born)}</dc:NgayThangNam></dc:NgayThangNamSinh>"
    ids = f"<dc:SoDinhDanh>{person.id}</dc:SoDinhDanh><dc:SoCMND>{person.legacy_id}</dc:SoCMND>"
    return f"<dc:CongDan>{ids}{_name(person)}{birth}{parents}</dc:CongDan>"


def _parent(tag: str, person: Person) -> str:
    return (
        f"<dc:{tag}><dc:SoDinhDanh>{person.id}</dc:SoDinhDanh><dc:QuocTich>VN</dc:QuocTich>{_name(person)}</dc:{tag}>"
    )


def _name(person: Person) -> str:
    parts = (("Ho", person.surname), ("ChuDem", person.middle), ("Ten", person.given))
    return "<dc:HoVaTen>" + "".join(f"<dc:{tag}>{escape(part)}</dc:{tag}>" for tag, part in parts) + "</dc:HoVaTen>"


def _envelope(request: Request, body: str, outcome: Outcome = Outcome.OK, status: int = 200) -> Reply:
    whole = f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{SOAP}"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>'
    reason = "" if outcome is Outcome.OK else "not_found" if outcome is Outcome.BUSINESS_FAULT else "fault"
    return Reply(request.id, outcome, status, reason, whole.encode(), _XML)


def _fault(request: Request, code: str, says: str, outcome: Outcome = Outcome.REJECTED) -> Reply:
    body = f"<soapenv:Fault><faultcode>{code}</faultcode><faultstring>{escape(says)}</faultstring></soapenv:Fault>"
    return _envelope(request, body, outcome, status=500)
