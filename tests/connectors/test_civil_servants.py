"""The contract of civil-servants: our proposal throughout."""

from __future__ import annotations

import pytest
from facts import OURS, Case, Contract

from lgsp.model import Outcome

contract = Contract("civil-servants")
UPLOAD = contract.operation(
    "POST /dongBoHoSoCBCCVC",
    OURS,
    sends="hoSo.soDinhDanh hoSo.maDonVi",
    gets="maLo soBanGhi tiepNhan tuChoi.stt tuChoi.lyDo",
    status=[200, 400, 422],
)
RESULT = contract.operation(
    "GET /traKetQuaDongBo", OURS, sends="maLo", gets="maLo trangThai tiepNhan tuChoi", status=[200, 404]
)
LIST = contract.operation("GET /danhMuc", OURS, gets="data.ma data.ten", status=[200])
contract.knows(OURS, UPLOAD, says={"code": ["SCHEMA_REJECT", "BATCH_REFUSED"]})
contract.knows(OURS, RESULT, says={"code": ["NOT_FOUND"]})
EVERY = (UPLOAD, RESULT, LIST)
contract.knows(OURS, *EVERY, gets="code message", says={"code": ["NOT_PERMITTED", "SYSTEM_ERROR"]}, status=[403, 500])
GOOD = {"soDinhDanh": "049085001234", "maDonVi": "000.00.05.H47"}
REJECTED = Outcome.REJECTED
contract.case(
    "two of three",
    OURS,
    UPLOAD,
    body={"hoSo": [GOOD, {"maDonVi": "000.00.05.H47"}, GOOD]},
    gives={"soBanGhi": 3, "tiepNhan": 2, "tuChoi.stt": 2, "tuChoi.lyDo": "Thiếu hoặc sai số định danh"},
)
for _name, _records in {
    "all without a citizen id": [{"maDonVi": "x"}, {}],
    "nobody of them exists": [{"soDinhDanh": "049085990001"}],
    "no records but texts": ["x"],
}.items():
    contract.case(
        _name, OURS, UPLOAD, body={"hoSo": _records}, outcome=REJECTED, status=422, gives={"code": "BATCH_REFUSED"}
    )
for _name, _body in {
    "no list": {"hoSo": {}},
    "an empty list": {"hoSo": []},
    "too many": {"hoSo": [GOOD] * 1001},
}.items():
    contract.case(_name, OURS, UPLOAD, body=_body, outcome=REJECTED, status=400, gives={"code": "SCHEMA_REJECT"})
contract.case("done", OURS, RESULT, query={"maLo": "LO0123456789"}, gives={"trangThai": "HOAN_THANH"})
contract.case(
    "no such batch",
    OURS,
    RESULT,
    query={"maLo": "LO1"},
    outcome=Outcome.BUSINESS_FAULT,
    status=404,
    gives={"code": "NOT_FOUND"},
)
contract.case("ranks", OURS, LIST, gives={"data.ma": ["01", "02", "03"], "data.ten": ["Cán bộ"]})
for _operation in EVERY:
    contract.failure("not permitted", OURS, _operation, REJECTED, 403, {"code": "NOT_PERMITTED"})
    contract.failure("the system fails", OURS, _operation, Outcome.PROVIDER_ERROR, 500, {"code": "SYSTEM_ERROR"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_stand_in_keeps_the_contract(case: Case) -> None:
    await case.check()
