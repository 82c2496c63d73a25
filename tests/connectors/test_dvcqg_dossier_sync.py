"""The contract of dvcqg-dossier-sync: session login, one endpoint with the verb in the body, ten states."""

from __future__ import annotations

import json
from typing import Any

import pytest
import remembering
from builders import a_request
from facts import OURS, Case, Contract, seen

from connectors import dvcqg_dossier_sync
from lgsp.model import Outcome

contract = Contract("dvcqg-dossier-sync")
LOGIN_SOURCE, VERBS, FORMS, ONE = seen("S4, S8d"), seen("S8d"), seen("S18"), seen("S8d, S48")
REFUSED, FAULT = Outcome.REJECTED, Outcome.BUSINESS_FAULT
ERRORS = ["1", "2", "99"]
ATTACHED = [
    *(f"TaiLieuNop.{name}" for name in ("TepDinhKemId", "TenTepDinhKem", "IsDeleted", "MaThanhPhanHoSo", "DuongDanTaiTepTin")),
    *(f"DanhSachLePhi.{name}" for name in ("TenPhiLePhi", "MaPhiLePhi", "HinhThucThu", "Gia", "LoaiPhiLePhi")),
    *(
        f"DanhSachHoSoBoSung.{name}"
        for name in (
            "HoSoBoSungId", "NguoiYeuCauBoSung", "NoiDungBoSung", "NgayBoSung", "NguoiTiepNhanBoSung", "ThongTinTiepNhan",
            "NgayTiepNhanBoSung", "TrangThaiBoSung", "DanhSachGiayToBoSung", "DanhSachLePhiBoSung", "NgayHenTraTruoc",
            "NgayHenTraMoi",
        )
    ),
    *(f"DanhSachGiayToKetQua.{name}" for name in ("TenGiayTo", "MaThanhPhanHoSo", "GiayToId", "DuongDanTepTinKetQua")),
]  # fmt: skip
DOSSIER = [
    "MaHoSo", "MaTTHC", "ChuHoSo", "LoaiDoiTuong", "NgayTiepNhan", "NgayHenTra", "TrangThaiHoSo", "NgayKetThucXuLy",
    "TaiLieuNop", "DanhSachLePhi", "DanhSachHoSoBoSung", "DanhSachGiayToKetQua",
]  # fmt: skip
FURTHER = [
    "SoBienNhan", "MaDoiTuong", "ThongTinKhac", "Email", "Fax", "SoDienThoai", "TrichYeuHoSo", "NgayTra", "ThongTinTra",
    "HinhThuc", "DonViXuLy", "GhiChu",
]  # fmt: skip
PROGRESS = [
    "MaHoSo", "NguoiXuLy", "ChucDanh", "ThoiDiemXuLy", "PhongBanXuLy", "NoiDungXuLy", "TrangThai", "NgayBatDau",
    "NgayKetThucTheoQuyDinh",
]  # fmt: skip


def each(above: str, names: list[str]) -> str:
    return " ".join(f"{above}.{name}" for name in names)


LOGIN = contract.operation(
    "POST /login", LOGIN_SOURCE, sends="dstcode username password", gets="session error_code", status=[200]
)
contract.knows(OURS, LOGIN, gets="result", says={"error_code": ["0", *ERRORS]})
SYNC = contract.operation(
    "POST /DongBoHoSoMC",
    VERBS,
    sends=f"session madonvi service isUpdating data {each('data', [*DOSSIER, *FURTHER, *ATTACHED])}",
    takes={"service": ["DongBoHoSoMC"], "isUpdating": [False, True]},
    gets="result error_code",
    status=[200],
)
contract.knows(
    FORMS,
    SYNC,
    takes={
        "data.TrangThaiHoSo": [str(state) for state in range(1, 11)],
        "data.LoaiDoiTuong": ["0", "1", "2"],
        "data.KenhThucHien": ["1", "2", "3"],
    },
)
contract.knows(OURS, SYNC, gets="result.MaHoSo result.KetQua", says={"error_code": ["0", "3", "4", "5", "6", *ERRORS]})
STEP = contract.operation(
    "POST /CapNhatTienDoHoSoMC",
    VERBS,
    sends=f"session service data {each('data', PROGRESS)}",
    gets="result error_code",
    status=[200],
)
contract.knows(OURS, STEP, says={"error_code": ["0", "4", "5", *ERRORS]})
QUERY = contract.operation(
    "POST /TraCuuHoSo", VERBS, sends="session service MaHoSo", gets="result error_code", status=[200]
)
GENERAL = contract.operation(
    "POST /g", ONE, sends="dstcode session service", gets="result error_code session", status=[200]
)
contract.knows(seen("S48"), GENERAL, sends="username password mahoso")
contract.knows(
    VERBS,
    GENERAL,
    takes={"service": ["DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo", "DongBoDanhGia", "DongBoHoiDap"]},
)
for _asked in (QUERY, GENERAL):
    contract.knows(OURS, _asked, gets=each("result", [*DOSSIER, *FURTHER, *ATTACHED, "KenhThucHien"]))
contract.knows(OURS, QUERY, says={"error_code": ["0", "4", *ERRORS]})
contract.knows(OURS, GENERAL, gets="result.KetQua", says={"error_code": ["0", "4", *ERRORS]})
RATE = contract.operation(
    "POST /DongBoDanhGia", VERBS, sends="session service data", gets="result error_code", status=[200]
)
contract.knows(OURS, RATE, sends="data.MaHoSo data.Diem", says={"error_code": ["0", "4", *ERRORS]})
ASK = contract.operation(
    "POST /DongBoHoiDap", VERBS, sends="session service data", gets="result error_code", status=[200]
)
contract.knows(OURS, ASK, sends="data.NoiDung", says={"error_code": ["0", *ERRORS]})

SESSION = "S3069416580015682"
CODE = "000.00.31.H47-230524-0101"
PLACE = {"dstcode": dvcqg_dossier_sync.DESTINATION}
SENT: dict[str, Any] = {
    "MaHoSo": CODE,
    "MaTTHC": "1.001193",
    "ChuHoSo": "Phan Công Khoa",
    "LoaiDoiTuong": "0",
    "KenhThucHien": "1",
    "NgayTiepNhan": "20230524083000",
    "NgayHenTra": "20230525170000",
    "NgayKetThucXuLy": "",
}
FULL = dict.fromkeys(FURTHER, "x") | {
    "TaiLieuNop": [{}],
    "DanhSachLePhi": [{}],
    "DanhSachHoSoBoSung": [{}],
    "DanhSachGiayToKetQua": [{}],
}
for name in ATTACHED:
    FULL[name.partition(".")[0]][0][name.partition(".")[2]] = "x"  # type: ignore[index]  # a list of one
LEGAL = {
    1: (),
    2: (1,),
    3: (1,),
    4: (1, 2),
    5: (1, 2, 4),
    6: (1, 2, 4),
    7: (1,),
    8: (1, 2, 4),
    9: (1, 2, 4),
    10: (1, 2, 4, 9),
}
"""How a dossier comes to each state."""


def body(service: str, data: list[Any], **more: Any) -> dict[str, Any]:
    return {"session": SESSION, "madonvi": "000.00.31.H47", "service": service, "data": data} | more


def synced(state: int, *after: Case, name: str = "", code: str = "0", **more: Any) -> Case:
    """One dossier sent in a state: the first time as a new one, then as an update."""
    outcome = Outcome.OK if code == "0" else REFUSED if code in {"1", "2", "3"} else FAULT
    sent = body("DongBoHoSoMC", [SENT | {"TrangThaiHoSo": str(state)} | more], isUpdating=bool(after))
    return contract.case(
        name or f"to {state}",
        FORMS if code == "0" else OURS,
        SYNC,
        body=sent,
        after=after,
        outcome=outcome,
        gives={"error_code": code},
    )


def refusal(name: str, operation: str, code: str, sent: object, *after: Case, **more: Any) -> None:
    outcome = FAULT if code in {"4", "5", "6"} else REFUSED
    contract.case(name, OURS, operation, body=sent, after=after, outcome=outcome, gives={"error_code": code}, **more)


contract.case(
    "a session",
    LOGIN_SOURCE,
    LOGIN,
    query=PLACE,
    body={"username": "tinh-quang-nam", "password": "x"},
    gives={"session": SESSION, "error_code": "0"},
)
refusal("no password", LOGIN, "1", {"username": "tinh-quang-nam"}, query=PLACE)
refusal("elsewhere", LOGIN, "2", {"username": "a", "password": "b"}, query={"dstcode": "VN:GOV:x"})

steps: dict[int, tuple[Case, ...]] = {}
for target, before in LEGAL.items():
    path = steps[before[-1]] if before else ()
    steps[target] = (*path, synced(target, *path))
    contract.case(
        f"in state {target}", VERBS, QUERY, body=body("TraCuuHoSo", [], MaHoSo=CODE), after=steps[target],
        gives={"result.TrangThaiHoSo": target, "result.ChuHoSo": "Phan Công Khoa", "result.NgayHenTra": "20230525170000"},
    )  # fmt: skip
for kind in ("1", "2"):
    synced(1, name=f"of kind {kind}", LoaiDoiTuong=kind)
for channel in ("2", "3"):
    synced(1, name=f"by channel {channel}", KenhThucHien=channel)
full = synced(1, name="with everything", **FULL)
contract.case(
    "with everything",
    OURS,
    QUERY,
    body=body("TraCuuHoSo", [], MaHoSo=CODE),
    after=(full,),
    gives={"result.DanhSachLePhi.Gia": "x", "result.GhiChu": "x"},
)
contract.case(
    "again",
    FORMS,
    SYNC,
    body=body("DongBoHoSoMC", [SENT | {"TrangThaiHoSo": "1"}], isUpdating=False),
    after=steps[1],
    gives={"error_code": "0", "result.MaHoSo": CODE, "result.KetQua": "Thành công"},
)
refusal(
    "another under its code",
    SYNC,
    "6",
    body("DongBoHoSoMC", [SENT | {"TrangThaiHoSo": "1", "ChuHoSo": "x"}], isUpdating=False),
    *steps[1],
)
synced(10, *steps[1], name="a step too far", code="5")
synced(4, *steps[1], name="no procedure", code="3", MaTTHC="9.999999")
synced(2, *steps[1], name="of nobody", code="4", MaHoSo="000.00.31.H47-230524-0199")
synced(11, name="state 11", code="2")
synced(1, name="a wrong time", code="2", NgayTiepNhan="24/05/2023")
refusal("no session", SYNC, "1", body("DongBoHoSoMC", [SENT], session="x"))
refusal("no data", SYNC, "2", body("DongBoHoSoMC", []))
refusal("another verb", SYNC, "2", body("TraCuuHoSo", [SENT]))
refusal(
    "all or none", QUERY, "4", body("TraCuuHoSo", [], MaHoSo="000.00.31.H47-230524-0199"),
    contract.case(
        "one of two is wrong", OURS, SYNC, outcome=REFUSED, gives={"error_code": "3"},
        body=body("DongBoHoSoMC", [SENT | {"TrangThaiHoSo": "1", "MaHoSo": "000.00.31.H47-230524-0199"}, SENT | {"TrangThaiHoSo": "1", "MaTTHC": "x"}]),
    ),
)  # fmt: skip

ENTRY = dict.fromkeys(PROGRESS, "x") | {"MaHoSo": CODE, "TrangThai": "2"}
moved = contract.case(
    "progress", VERBS, STEP, body=body("CapNhatTienDoHoSoMC", [ENTRY]), after=steps[1], gives={"error_code": "0"}
)
contract.case(
    "what progress left",
    OURS,
    QUERY,
    body=body("TraCuuHoSo", [], MaHoSo=CODE),
    after=(*steps[1], moved),
    gives={"result.TrangThaiHoSo": 2},
)
refusal("progress of nobody", STEP, "4", body("CapNhatTienDoHoSoMC", [ENTRY | {"MaHoSo": "x"}]))
refusal("progress too far", STEP, "5", body("CapNhatTienDoHoSoMC", [ENTRY | {"TrangThai": "9"}]), *steps[1])
refusal("progress without its officer", STEP, "2", body("CapNhatTienDoHoSoMC", [{"MaHoSo": CODE}]))
contract.case(
    "one of the province's intake",
    VERBS,
    QUERY,
    body=body("TraCuuHoSo", [], MaHoSo="000.00.07.H47-230417-000001"),
    gives={"error_code": "0", "result.TrangThaiHoSo": [10], "result.NgayTiepNhan": ["20230417155400"]},
)
refusal("one that has not come", QUERY, "4", body("TraCuuHoSo", [], MaHoSo="000.00.11.H47-230525-000001"))
refusal("unknown", QUERY, "4", body("TraCuuHoSo", [], MaHoSo="x"))
contract.case(
    "rated", VERBS, RATE, body=body("DongBoDanhGia", [{"MaHoSo": CODE, "Diem": 5}]), gives={"error_code": "0"}
)
refusal("rating of nobody", RATE, "4", body("DongBoDanhGia", [{"MaHoSo": "x", "Diem": 5}]))
contract.case(
    "asked", VERBS, ASK, body=body("DongBoHoiDap", [{"NoiDung": "Cần giấy tờ gì?"}]), gives={"error_code": "0"}
)

contract.case(
    "login there too",
    seen("S48"),
    GENERAL,
    body={"username": "tinh-quang-nam", "password": "x"},
    gives={"session": SESSION},
)
contract.case(
    "as that client asks",
    seen("S48"),
    GENERAL,
    body={"session": SESSION, "service": "TraCuuHoSo", "donViXuLy": "x", "mahoso": CODE},
    gives={"result.MaHoSo": CODE},
)
general_full = contract.case(
    "synchronised there",
    VERBS,
    GENERAL,
    query=PLACE,
    body=body("DongBoHoSoMC", [SENT | FULL | {"TrangThaiHoSo": "1"}]),
    gives={"result.MaHoSo": CODE, "result.KetQua": "Thành công"},
)
contract.case(
    "asked for there",
    VERBS,
    GENERAL,
    query=PLACE,
    body=body("TraCuuHoSo", [], MaHoSo=CODE),
    after=(general_full,),
    gives={"result.GhiChu": "x", "result.ChuHoSo": "Phan Công Khoa"},
)
for verb, data in (
    ("CapNhatTienDoHoSoMC", ENTRY),
    ("DongBoDanhGia", {"MaHoSo": CODE}),
    ("DongBoHoiDap", {"NoiDung": "x"}),
):
    contract.case(
        verb, VERBS, GENERAL, query=PLACE, body=body(verb, [data]), after=(general_full,), gives={"error_code": "0"}
    )
refusal("unknown there", GENERAL, "4", body("TraCuuHoSo", [], MaHoSo="x"))
refusal("no such verb", GENERAL, "2", body("KhongCo", []))
for operation in (LOGIN, SYNC, STEP, QUERY, RATE, ASK, GENERAL):
    refusal("no JSON", operation, "2", b"{")
    contract.failure("refused", OURS, operation, REFUSED, 200, {"error_code": "1"})
    contract.failure("its system fails", OURS, operation, Outcome.PROVIDER_ERROR, 200, {"error_code": "99"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_contract(case: Case) -> None:
    await case.check()


async def test_a_session_ends_and_a_new_login_gives_another() -> None:
    now = [remembering.NOW]
    answer = remembering.answering(dvcqg_dossier_sync, lambda: now[0])

    async def ask(operation: str, consumer: str = "c", **fields: str) -> dict[str, Any]:
        request = a_request(operation=operation, body=json.dumps(fields).encode(), consumer=consumer)
        answered: dict[str, Any] = json.loads((await answer(request)).body)
        return answered

    first = (await ask(LOGIN, username="a", password="b"))["session"]
    assert (await ask(LOGIN, username="a", password="b"))["session"] == first
    assert (await ask(QUERY, session=first, MaHoSo=CODE))["error_code"] == "0"
    assert (await ask(QUERY, consumer="d", session=first, MaHoSo=CODE))["error_code"] == "1"
    now[0] += dvcqg_dossier_sync.SESSION_SECONDS
    assert (await ask(QUERY, session=first, MaHoSo=CODE))["error_code"] == "1"
    second = (await ask(LOGIN, username="a", password="b"))["session"]
    assert second != first
    assert (await ask(QUERY, session=second, MaHoSo=CODE))["error_code"] == "0"
    assert (await ask(QUERY, session=SESSION, MaHoSo=CODE))["error_code"] == "0"
