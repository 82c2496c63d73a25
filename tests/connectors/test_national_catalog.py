"""The contract of national-catalog."""

from __future__ import annotations

import pytest
from facts import OURS, Case, Contract, documented, seen

from connectors import national_catalog
from lgsp.model import Outcome

S1, S11, S8D = documented("S1"), seen("S11"), seen("S8d")
contract = Contract("national-catalog")

AGENCY = "TenDonVi DiaChi Email SoDienThoai Fax Website QdBanHanhQdSuaDoi NgayBanHanhQd CoQuanBanHanhQd"
CODES = [
    *(f"qlvanbandieuhanhcap{level}" for level in "1234"),
    *(f"donvihanhchinhcap{level}" for level in "123"),
    *(f"mabuuchinhcap{level}" for level in "123"),
    *(f"giaoducdaotaovncap{level}" for level in "12345"),
    *[
        "mabuuchinhvungkhuvuc",
        "madantoc",
        "madantockhac",
        "matongiao",
        "magioitinh",
        "manhommau",
        "maynghianhommau",
        "maquocgia",
    ],
    *[
        "matinhtranghonnhan",
        "machucdanhcqdcsvn",
        "mabacluong",
        "mabangluong",
        "machucdanh",
        "manhomluong",
        "mahesoluong",
    ],
    *["mahesoluongvung", "mathiduakhenthuong", "maloaivanbantheoqdpl", "matenvanbantheoqdpl", "matenvanbanhanhchinh"],
    "dokhanvanban",
]
METADATA = contract.operation(
    "GET /Metadata/{ma}",
    S1,
    sends="{ma}",
    takes={"{ma}": CODES},
    gets="PropertyCode PropertyName PropertyType",
    says={"PropertyType": ["String", "DateTime"]},
    status=[200],
)
CONTENT = contract.operation(
    "GET /Category/{ma}",
    S1,
    sends="{ma}",
    takes={"{ma}": CODES},
    gets=f"MaDinhDanhCap1 {AGENCY}",
    status=[200],
)
contract.knows(OURS, CONTENT, gets="MaDinhDanhCap2 MaDinhDanhCap3 MaDinhDanhCap4 Ma Ten")
ADD = contract.operation(
    "POST /Category/{ma}", S1, sends=f"{{ma}} MaDinhDanhCap1 {AGENCY}", gets="MSG Count", status=[200]
)
ALL = contract.operation("GET /AllCategory", S11, status=[200])
contract.knows(OURS, ALL, gets="Code Name")
PORTAL = "session madonvi service"
PROCEDURES = contract.operation("POST /LayDanhSachTTHC", S8D, sends=PORTAL, gets="result.TENTTHC", status=[200])
PROCEDURE = contract.operation("POST /LayThuTuc", S8D, sends=f"{PORTAL} maTTHC", status=[200])
contract.knows(
    S8D,
    PROCEDURE,
    gets="result.TENTTHC result.LINHVUCTHUCHIEN.MALINHVUC result.LINHVUCTHUCHIEN.TENLINHVUC result.TRINHTUTHUCHIEN"
    " result.CACHTHUCTHUCHIEN.KENH result.CACHTHUCTHUCHIEN.THOIGIAN.THOIGIANGIAIQUYET"
    " result.CACHTHUCTHUCHIEN.THOIGIAN.PHILEPHI.SOTIEN result.THANHPHANHOSO result.KETQUATHUCHIEN result.CANCUPHAPLY"
    " result.COQUANTHUCHIEN",
)
LISTS = {
    verb: contract.operation(f"POST /LayDanhMuc{verb}", S8D, sends=PORTAL, status=[200])
    for verb in ("TinhThanh", "QuanHuyen", "PhuongXa", "CoQuan", "DanToc", "TonGiao", "LinhVuc", "LePhi")
}
VERBS = (PROCEDURES, PROCEDURE, *LISTS.values())
contract.knows(S8D, *VERBS, gets="result error_code")
contract.knows(OURS, *VERBS, says={"error_code": ["0", "1", "99"]})
contract.knows(OURS, PROCEDURE, gets="result.MATTHC", says={"error_code": ["2"]})
contract.knows(OURS, PROCEDURES, gets="result.MATTHC result.TENLINHVUC")
contract.knows(OURS, *LISTS.values(), gets="result.MA result.TEN")
contract.knows(OURS, LISTS["TinhThanh"], LISTS["QuanHuyen"], LISTS["PhuongXa"], gets="result.MACHA")
contract.knows(OURS, LISTS["LePhi"], gets="result.GIA")

FAULT, REJECTED = Outcome.BUSINESS_FAULT, Outcome.REJECTED
RECORD = {"MaDinhDanhCap1": "000.00.99.H47"} | dict.fromkeys(AGENCY.split())
for _code in CODES:
    _agencies = _code.startswith("qlvanban")
    _first = f"MaDinhDanhCap{_code[-1]}" if _agencies else "Ma"
    contract.case(f"structure of {_code}", S1, METADATA, path={"ma": _code}, gives={"PropertyCode": _first})
    _value = {_first: "000.00.00.H47"} if _agencies else {}
    contract.case(f"content of {_code}", S1, CONTENT, path={"ma": _code}, gives=_value)
contract.case(
    "names and types",
    S1,
    METADATA,
    path={"ma": "qlvanbandieuhanhcap1"},
    gives={
        "PropertyName": ["Mã định danh cấp 1", "Tên đơn vị", "Địa chỉ", "Email", "Số điện thoại", "Fax", "Website"],
        "PropertyType": [*["String"] * 8, "DateTime", "String"],
    },
)
for _operation in (METADATA, CONTENT):
    contract.case("no such catalogue", OURS, _operation, path={"ma": "khongco"}, outcome=FAULT)
contract.case(
    "one record", S1, ADD, path={"ma": "qlvanbandieuhanhcap1"}, body=[RECORD], gives={"MSG": "Done", "Count": 1}
)
contract.case(
    "a duplicate of what is there",
    S1,
    ADD,
    path={"ma": "qlvanbandieuhanhcap1"},
    body=[RECORD, RECORD | {"MaDinhDanhCap1": "000.00.00.H47"}],
    outcome=FAULT,
    gives={"MSG": "Data not insert: Record 2: MaDinhDanhCap1 000.00.00.H47 is duplicate", "Count": 0},
)
contract.case(
    "a duplicate inside the batch",
    S1,
    ADD,
    path={"ma": "qlvanbandieuhanhcap1"},
    body=[RECORD, RECORD],
    outcome=FAULT,
    gives={"MSG": "Data not insert: Record 2: MaDinhDanhCap1 000.00.99.H47 is duplicate", "Count": 0},
)
contract.case(
    "no such catalogue",
    OURS,
    ADD,
    path={"ma": "khongco"},
    body=[RECORD],
    outcome=FAULT,
    gives={"MSG": "Data not insert: khongco is not a category", "Count": 0},
)
contract.case("no array", OURS, ADD, path={"ma": "madantoc"}, body={"Ma": "1"}, outcome=REJECTED, gives={"Count": 0})
contract.case("every catalogue", S11, ALL, gives={"Code": list(national_catalog.CODES)})
ASKED = {"session": "s", "madonvi": "000.00.00.H47"}
contract.case(
    "all",
    S8D,
    PROCEDURES,
    body=ASKED | {"service": "LayDanhSachTTHC"},
    gives={"error_code": "0", "result.MATTHC": ["1.004873", "1.001193"]},
)
contract.case(
    "one",
    S8D,
    PROCEDURE,
    body=ASKED | {"service": "LayThuTuc", "maTTHC": "1.005129"},
    gives={"error_code": "0", "result.MATTHC": "1.005129", "result.CACHTHUCTHUCHIEN.KENH": [1, 2, 3]},
)
contract.case(
    "no such procedure", OURS, PROCEDURE, body={"maTTHC": "9.999999"}, outcome=FAULT, gives={"error_code": "2"}
)
contract.case(
    "a code is d.dddddd", S8D, PROCEDURE, body={"maTTHC": "1005129"}, outcome=REJECTED, gives={"error_code": "1"}
)
for _verb, _operation in LISTS.items():
    contract.case("all", S8D, _operation, body=ASKED | {"service": f"LayDanhMuc{_verb}"}, gives={"error_code": "0"})
for _operation in VERBS:
    contract.failure("the portal refuses", OURS, _operation, Outcome.REJECTED, 200, {"error_code": "1"})
    contract.failure("the portal fails", OURS, _operation, Outcome.PROVIDER_ERROR, 200, {"error_code": "99"})
contract.failure("nothing is added", OURS, ADD, Outcome.PROVIDER_ERROR, 200, {"Count": 0})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_stand_in_keeps_the_contract(case: Case) -> None:
    await case.check()


def test_the_catalogues_are_those_of_the_guide() -> None:
    assert sorted(national_catalog.CODES) == sorted(CODES)
