"""The contract of population: SOAP 1.1."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from xml.sax.saxutils import escape

import pytest
from facts import OURS, Case, Contract, documented, seen

from connectors import population
from connectors.province.markup import namespace, parse
from lgsp.chance import uuid7
from lgsp.model import Outcome, Reply, Request

S5, S67, S7, S8B = documented("S5"), seen("S6, S7"), seen("S7"), seen("S8b")
contract = Contract("population")

HEADERS = "timestamp: authorization: x-road-client: apikey: soapaction:"
CITIZEN = [
    "CongDan.SoDinhDanh",
    "CongDan.SoCMND",
    "CongDan.HoVaTen.Ho",
    "CongDan.HoVaTen.ChuDem",
    "CongDan.HoVaTen.Ten",
    "CongDan.NgayThangNamSinh.NgayThangNam",
    "CongDan.Cha.SoDinhDanh",
    "CongDan.Cha.QuocTich",
    "CongDan.Cha.HoVaTen.Ho",
    "CongDan.Cha.HoVaTen.ChuDem",
    "CongDan.Cha.HoVaTen.Ten",
    "CongDan.Me.SoDinhDanh",
    "CongDan.Me.QuocTich",
    "CongDan.Me.HoVaTen.Ho",
    "CongDan.Me.HoVaTen.ChuDem",
    "CongDan.Me.HoVaTen.Ten",
    "@SoCongDan",
    "@GhiChu",
    "@ThoiDiemDuLieu",
    "@id",
]
COLLECTION = " ".join(f"CongdanCollection.{name}" for name in CITIZEN)
KINDRED = " ".join(f"XacMinhThongTinNhanThanResponse.CongdanCollection.{name}" for name in CITIZEN)


def within(element: str, names: str) -> str:
    return " ".join(f"{element}.{name}" for name in names.split())


VERIFY = contract.operation(
    "POST /xacThucThongTinCongDan",
    S5,
    sends=within("XacThucThongTinCongDanRequest", "MaYeuCau MaDichVu MaCanBo SoDinhDanh SoCMND HoVaTen"),
    gets="KetQuaXacThucResponse.TonTai",
    takes={"XacThucThongTinCongDanRequest.MaDichVu": ["033"]},
    says={"KetQuaXacThucResponse.TonTai": ["true", "false"]},
    status=[200],
)
QUERY = contract.operation(
    "POST /traCuuThongTinCongDan",
    S67,
    sends=within(
        "TraCuuThongTinCongDanRequest",
        "MaYeuCau MaDVC MaTichHop MaDonVi MaCanBo TaiKhoan SoDinhDanh SoCMND HoVaTen NgayThangNamSinh.NgayThangNam"
        " NgayThangNamSinh.Nam",
    ),
    takes={"TraCuuThongTinCongDanRequest.MaTichHop": ["037"]},
    gets=COLLECTION,
    status=[200],
)
KIN = contract.operation(
    "POST /xacMinhThongTinNhanThan",
    S5,
    sends=within(
        "XacMinhThongTinNhanThanRequest",
        "MaYeuCau MaDVC MaTichHop MaDonVi MaCanBo SoDinhDanh SoCMND HoVaTen NgayThangNamSinh",
    ),
    gets=KINDRED,
    status=[200],
)
PULL = contract.operation(
    "POST /traCuu",
    S7,
    sends=within("TraCuuRequest", "TuNgay DenNgay Loai Trang SoBanGhi"),
    gets=COLLECTION,
    status=[200],
)
EVERY = (VERIFY, QUERY, KIN, PULL)
contract.knows(S67, *EVERY, sends=HEADERS)
# SOAP 1.1 section 4.4 names the parts and the codes of a fault, 6.2 its HTTP status.
contract.knows(
    OURS,
    *EVERY,
    gets="Fault.faultcode Fault.faultstring",
    says={"Fault.faultcode": ["soapenv:Client", "soapenv:Server", "soapenv:VersionMismatch"]},
    status=[500],
)

WHO = {"SoDinhDanh": "049085001234", "SoCMND": "", "HoVaTen": "PHAN CÔNG KHOA"}
BORN = "<NgayThangNam>19850605</NgayThangNam>"
SIGNED_AT = "20230524080000"
AT = 1_684_890_000_000  # the same moment, milliseconds since the epoch


def soap(operation: str, given: str = "", *, version: str = population.SOAP, birth: str = "", **fields: str) -> bytes:
    """A request of an operation, every element qualified; `given` replaces the namespace."""
    element, namespace_, _ = population.OPERATIONS[operation]
    inside = "".join(f"<n:{name}>{escape(value)}</n:{name}>" for name, value in fields.items())
    if birth:
        inside += f"<n:NgayThangNamSinh>{birth}</n:NgayThangNamSinh>"
    declared = given or namespace_ or population.VERIFY
    body = f'<n:{element} xmlns:n="{declared}">{inside}</n:{element}>'
    return f'<e:Envelope xmlns:e="{version}"><e:Header/><e:Body>{body}</e:Body></e:Envelope>'.encode()


def verify(**fields: str) -> bytes:
    return soap(VERIFY, **{"MaYeuCau": "YC-1", "MaDichVu": "033", "MaCanBo": "CB001"} | WHO | fields)


def query(birth: str = BORN, **fields: str) -> bytes:
    keys = {"MaYeuCau": "YC-2", "MaDVC": "1.001193", "MaTichHop": "037", "MaDonVi": "000.00.31.H47"}
    return soap(QUERY, birth=birth, **keys | {"MaCanBo": "CB001", "TaiKhoan": "qnam"} | WHO | fields)


def kin(birth: str = "19850605", **fields: str) -> bytes:
    keys = {"MaYeuCau": "YC-3", "MaDVC": "1.001193", "MaTichHop": "037", "MaDonVi": "000.00.31.H47"}
    return soap(KIN, birth=birth, **keys | {"MaCanBo": "CB001"} | WHO | fields)


def pull(**fields: str) -> bytes:
    given = {
        "MaYeuCau": "YC-4",
        "TuNgay": "20230501",
        "DenNgay": "20230524",
        "Loai": "1",
        "Trang": "1",
        "SoBanGhi": "2",
    }
    return soap(PULL, **given | fields)


def signed(operation: str, *, at: str = SIGNED_AT, account: str = "qnam") -> dict[str, str]:
    """The headers of a client that speaks to the adapter itself (S6, S7)."""
    password = population.signature(operation.partition(" ")[2], "qnam", at, population.ACCOUNTS.get(account, ""))
    return {
        "timestamp": at,
        "authorization": f"Basic {b64encode(f'qnam:{password}'.encode()).decode()}",
        "x-road-client": "VN:GOV:000.00.00.H47:lgsp",
        "apikey": "khoa-thu-nghiem",
        "soapaction": "",
    }


BODIES = {VERIFY: verify(), QUERY: query(), KIN: kin(), PULL: pull()}
for _operation in EVERY:
    contract.case("signed by the client itself", S67, _operation, body=BODIES[_operation], headers=signed(_operation))
    contract.case(
        "a request of SOAP 1.2",
        OURS,
        _operation,
        body=BODIES[_operation].replace(population.SOAP.encode(), population.SOAP_12.encode()),
        outcome=Outcome.REJECTED,
        status=500,
        gives={"Fault.faultcode": "soapenv:VersionMismatch"},
    )
    contract.case(
        "no request id",
        OURS,
        _operation,
        body=soap(_operation, MaYeuCau=""),
        outcome=Outcome.REJECTED,
        status=500,
        gives={"Fault.faultcode": "soapenv:Client", "Fault.faultstring": "Thiếu MaYeuCau"},
    )
    contract.case(
        "an entity bomb",
        OURS,
        _operation,
        body=b'<!DOCTYPE a [<!ENTITY b "bbb"><!ENTITY c "&b;&b;&b;">]>' + BODIES[_operation],
        outcome=Outcome.REJECTED,
        status=500,
        gives={"Fault.faultcode": "soapenv:Client"},
    )
    contract.case(
        "the hash of another secret",
        OURS,
        _operation,
        body=BODIES[_operation],
        headers=signed(_operation, account="another"),
        outcome=Outcome.REJECTED,
        status=500,
        gives={"Fault.faultstring": "Sai tài khoản hoặc mã băm"},
    )
    contract.case(
        "half a signature",
        OURS,
        _operation,
        body=BODIES[_operation],
        headers={"timestamp": SIGNED_AT},
        outcome=Outcome.REJECTED,
        status=500,
        gives={"Fault.faultstring": "Thiếu Authorization: Basic"},
    )
    server = {"Fault.faultcode": "soapenv:Server"}
    contract.failure("the database fails", OURS, _operation, Outcome.PROVIDER_ERROR, 500, server)
contract.case("exists", S5, VERIFY, body=verify(), gives={"KetQuaXacThucResponse.TonTai": "true"})
contract.case(
    "by the legacy id",
    S5,
    VERIFY,
    body=verify(SoDinhDanh="", SoCMND="837590897"),
    gives={"KetQuaXacThucResponse.TonTai": "true"},
)
for _name, _fields in {
    "another name": {"HoVaTen": "NGUYỄN VĂN KHÁC"},
    "nobody has that id": {"SoDinhDanh": "049085990001"},
    "an id that breaks the rule": {"SoDinhDanh": "04908500123"},
}.items():
    contract.case(
        _name,
        S5,
        VERIFY,
        body=verify(**_fields),
        outcome=Outcome.BUSINESS_FAULT,
        gives={"KetQuaXacThucResponse.TonTai": "false"},
    )
contract.case(
    "a citizen with his parents",
    S67,
    QUERY,
    body=query(),
    gives={
        "CongdanCollection.@SoCongDan": "1",
        "CongdanCollection.@ThoiDiemDuLieu": "2023-05-24T00:00:00+07:00",
        "CongdanCollection.CongDan.SoDinhDanh": "049085001234",
        "CongdanCollection.CongDan.HoVaTen.ChuDem": "Công",
        "CongdanCollection.CongDan.NgayThangNamSinh.NgayThangNam": "19850605",
        "CongdanCollection.CongDan.Cha.SoDinhDanh": "049055001235",
        "CongdanCollection.CongDan.Me.SoDinhDanh": "049157001234",
    },
)
contract.case(
    "by the year of birth", S67, QUERY, body=query("<Nam>1985</Nam>"), gives={"CongdanCollection.@SoCongDan": "1"}
)
NOBODY = {
    "CongdanCollection.@SoCongDan": "0",
    "CongdanCollection.@GhiChu": "Không tìm thấy công dân",
    "CongdanCollection.CongDan.SoDinhDanh": "",
}
for _name, _body in {
    "another name": query(HoVaTen="NGUYỄN VĂN KHÁC"),
    "another day of birth": query("<NgayThangNam>19850606</NgayThangNam>"),
    "another year of birth": query("<Nam>1986</Nam>"),
    "nobody has that id": query(SoDinhDanh="049085990001"),
}.items():
    contract.case(_name, OURS, QUERY, body=_body, outcome=Outcome.BUSINESS_FAULT, gives=NOBODY)
contract.case(
    "parents, wife and children",
    S5,
    KIN,
    body=kin(),
    gives={
        "XacMinhThongTinNhanThanResponse.CongdanCollection.@SoCongDan": "5",
        "XacMinhThongTinNhanThanResponse.CongdanCollection.CongDan.SoDinhDanh": ["049055001235", "049157001234"],
    },
)
contract.case(
    "clients write an element into the text",
    S67,
    KIN,
    body=kin(BORN),
    gives={"XacMinhThongTinNhanThanResponse.CongdanCollection.@SoCongDan": "5"},
)
contract.case(
    "another day of birth has no kin",
    OURS,
    KIN,
    body=kin("19850606"),
    outcome=Outcome.BUSINESS_FAULT,
    gives={"XacMinhThongTinNhanThanResponse.CongdanCollection.@SoCongDan": "0"},
)
contract.case("a page", S7, PULL, body=pull(), gives={"CongdanCollection.@SoCongDan": "2"})
contract.case(
    "after the last page",
    OURS,
    PULL,
    body=pull(Trang="4", SoBanGhi="100"),
    outcome=Outcome.BUSINESS_FAULT,
    gives={"CongdanCollection.@SoCongDan": "0"},
)
for _name, _fields, _says in (
    ("a page is of 100 at most", {"SoBanGhi": "101"}, "Trang bắt đầu từ 1, SoBanGhi từ 1 đến 100"),
    (
        "the end before the start",
        {"DenNgay": "20230430"},
        "TuNgay, DenNgay phải có dạng yyyyMMdd và TuNgay không sau DenNgay",
    ),
):
    contract.case(
        _name,
        OURS,
        PULL,
        body=pull(**_fields),
        outcome=Outcome.REJECTED,
        status=500,
        gives={"Fault.faultcode": "soapenv:Client", "Fault.faultstring": _says},
    )
for _name, _fields in {"an officer": {"MaCanBo": "CB000"}, "a service code": {"MaDichVu": "000"}}.items():
    contract.case(
        f"{_name} that is not mapped",
        S8B,
        VERIFY,
        body=verify(**_fields),
        outcome=Outcome.REJECTED,
        status=500,
        gives={"Fault.faultstring": "Cán bộ hoặc mã dịch vụ chưa được cấp quyền"},
    )
contract.case(
    "the namespace of another operation",
    S5,
    VERIFY,
    body=soap(VERIFY, population.KIN, MaYeuCau="1", **WHO),
    outcome=Outcome.REJECTED,
    status=500,
    gives={"Fault.faultcode": "soapenv:Client"},
)


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_stand_in_keeps_the_contract(case: Case) -> None:
    await case.check()


ANY_NAME = ("HoVaTen", ("Ho", "ChuDem", "Ten"))
PARENT = ("SoDinhDanh", "QuocTich", ANY_NAME)
SCHEMA = ("SoDinhDanh", "SoCMND", ANY_NAME, ("NgayThangNamSinh", ("NgayThangNam",)), ("Cha", PARENT), ("Me", PARENT))
"""The elements of `CongDan` in their order (S5): none may be missing."""


def keeps(element: Any, schema: tuple[Any, ...]) -> bool:
    children = list(element)
    return len(children) == len(schema) and all(
        child.tag == f"{{{population.RESULT}}}{name if isinstance(name, str) else name[0]}"
        and (isinstance(name, str) or keeps(child, name[1]))
        for child, name in zip(children, schema, strict=True)
    )


@pytest.mark.parametrize("case", [c for c in contract.cases if c.status == 200], ids=str)
async def test_every_element_is_qualified_and_in_the_order_of_the_schema(case: Case) -> None:
    root = parse((await case.run()).body)
    [body] = root
    [message] = body
    if case.request.operation == VERIFY:
        assert [child.tag for child in message] == [f"{{{population.VERIFY}}}TonTai"]
        return
    assert namespace(message) == population.RESULT
    [collection] = message if case.request.operation == KIN else [message]
    assert len(collection) >= 1
    assert all(child.tag == f"{{{population.RESULT}}}CongDan" and keeps(child, SCHEMA) for child in collection)


@pytest.mark.parametrize(
    ("late", "outcome"),
    [(0, Outcome.OK), (299_000, Outcome.OK), (301_000, Outcome.REJECTED), (-301_000, Outcome.REJECTED)],
)
async def test_a_timestamp_may_be_five_minutes_off(late: int, outcome: Outcome) -> None:
    reply: Reply = await population.answer(
        Request(
            id=uuid7(AT + late, 1),
            service="population",
            operation=VERIFY,
            path="/xacThucThongTinCongDan",
            body=verify(),
            headers=signed(VERIFY),
        )
    )
    assert reply.outcome is outcome
