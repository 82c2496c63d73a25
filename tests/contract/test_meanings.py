"""Each test identifier ends in the same way in every service that knows it; the matrix is printed."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.sax.saxutils import escape

import pytest
import remembering
from builders import shipped

from connectors import dvcqg_dossier_sync, population
from connectors.province.dates import dmy, ymd
from connectors.province.meanings import FAILURES, OTHER_NAME, TABLE, Mark, Meaning
from connectors.province.page import page
from connectors.province.person import Person, find_insured, find_person
from lgsp.clock import ManualClock
from lgsp.errors import TimedOut, Unreachable
from lgsp.model import Outcome, Request
from lgsp.runtime.behaviours import behaviours_of
from lgsp.runtime.connector import Forward, Marker, chain

ROOT = Path(__file__).parents[2]
CATALOGUE = shipped()
OK, FAULT, REJECTED = Outcome.OK, Outcome.BUSINESS_FAULT, Outcome.REJECTED
Fields = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """How one service is asked about an identifier.

    `compares`: it looks at the name. `nobody`: how it ends for an unknown one. `first`: how it ends for a pending one at
    the first look; `says`: where its state is, before and after.
    """

    kind: str
    service: str
    operation: str
    fields: Callable[[str, Person | None, str], Fields]
    compares: bool = False
    nobody: Outcome = FAULT
    first: Outcome = OK
    says: tuple[str, object, object] | None = None

    def expected(self, meaning: Meaning) -> Outcome:
        if meaning is Meaning.NOT_FOUND:
            return self.nobody
        if meaning is Meaning.NAME_DIFFERS:
            return FAULT if self.compares else OK
        return FAILURES.get(meaning, OK)


def soap(operation: str, fields: Fields) -> bytes:
    element, namespace, _ = population.OPERATIONS[operation]
    inside = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    message = f'<{element} xmlns="{namespace or population.VERIFY}"><MaYeuCau>1</MaYeuCau>{inside}</{element}>'
    return f'<e:Envelope xmlns:e="{population.SOAP}"><e:Body>{message}</e:Body></e:Envelope>'.encode()


def citizen_fields(citizen: str, person: Person | None, name: str) -> Fields:
    return {"SoDinhDanh": citizen, "HoVaTen": name, "NgayThangNamSinh": ymd(person.born) if person else "19800101"}


def licence_fields(licence: str, person: Person | None, name: str) -> Fields:
    return {"soGPLX": licence, "hoTen": name, "ngaySinh": dmy(person.born) if person else "01/01/1980"}


def form_fields(citizen: str, _: Person | None, name: str) -> Fields:
    form = {"fullName": name, "genderId": 1, "birthDateStr": "1980", "nationalityId": 1, "idTypeId": 3}
    form |= {"identifyNo": citizen, "phone": "0900000001", "declareDate": "24/05/2023", "declareTypeId": 3846}
    form |= {"requestQty": 1, "objectRequestId": 72, "formType": 1}
    days = {"dateReceivedDec": "24/05/2023", "datePromissoryDec": "07/06/2023"}
    return {"idMinistryJustice": "49", "idReceivedDec": "X-1", "declarationWSForm": form} | days


def payment_fields(amount: str, _: Person | None, __: str) -> Fields:
    from connectors.payment_platform import authentication

    fields = {"MaThamChieu": "TC-1", "SoTien": amount, "ThoiGianGD": "20230524080000"}
    return fields | {"MaXacThuc": authentication(fields)}


ASKED = (
    Asked("citizen", "population", "POST /xacThucThongTinCongDan", citizen_fields, compares=True),
    Asked("citizen", "population", "POST /traCuuThongTinCongDan", citizen_fields, compares=True),
    Asked("citizen", "population", "POST /xacMinhThongTinNhanThan", citizen_fields, compares=True),
    Asked("citizen", "health", "GET /hoso/{soDinhDanh}", lambda one, *_: {"soDinhDanh": one}),
    Asked("citizen", "health", "POST /checkins", lambda one, *_: {"luotKham": [{"soDinhDanh": one}]}, nobody=OK),
    Asked(
        "citizen",
        "civil-servants",
        "POST /dongBoHoSoCBCCVC",
        lambda one, *_: {"hoSo": [{"soDinhDanh": one}]},
        nobody=REJECTED,
    ),
    Asked(
        "citizen",
        "vneid-sso",
        "GET /authorize",
        lambda one, *_: {"response_type": "code", "client_id": "c", "redirect_uri": "r", "login_hint": one},
    ),
    Asked("citizen", "judicial-record", "POST /nhanHoSoDangKy", form_fields, nobody=OK),
    Asked("insurance", "social-insurance", "POST /getTraCuuTtHgdByMaSoBhxh", lambda one, *_: {"maSoBhxh": one}),
    Asked(
        "insurance",
        "social-insurance",
        "POST /getTraCuuThongTinHgd",
        lambda one, _, name: {"maTinh": "49", "hoTen": name, "maThe": f"DN449{one}"},
        compares=True,
    ),
    Asked("licence", "driver-license", "POST /traCuuGPLX", licence_fields, compares=True),
    Asked("licence", "driver-license", "POST /doiGPLX_nhanHoSo", licence_fields),
    Asked("pupil", "education", "GET /hocsinh/{maDinhDanh}", lambda one, *_: {"maDinhDanh": one}),
    Asked(
        "pupil",
        "education",
        "POST /hocsinh",
        lambda one, *_: {"maTruong": "49502001", "hocSinh": [{"maDinhDanh": one}]},
        nobody=OK,
    ),
    Asked("enterprise", "business-registration", "GET /chiTietDoanhNghiep", lambda one, *_: {"msdn": one}),
    Asked(
        "dossier",
        "tthc-dossiers",
        "GET /traCuuHoSo",
        lambda one, *_: {"MaHoSo": one},
        says=("TrangThaiHoSo", 4, 10),
    ),
    Asked(
        "dossier",
        "dvcqg-dossier-sync",
        "POST /TraCuuHoSo",
        lambda one, *_: {"MaHoSo": one, "session": dvcqg_dossier_sync.session_of(dvcqg_dossier_sync.ACCOUNT, 0)},
        says=("result.TrangThaiHoSo", 4, 10),
    ),
    Asked(
        "dossier",
        "civil-status",
        "POST /traTrangThaiHoSo",
        lambda one, *_: {"maDonVi": 49001, "maHoSo": one},
        says=("status", 1, 4),
    ),
    Asked(
        "dossier",
        "civil-status",
        "POST /ketQuaDangKyHS",
        lambda one, *_: {"maDonVi": 49001, "maHoSo": one},
        first=FAULT,
        says=("status", 0, 1),
    ),
    Asked(
        "dossier",
        "judicial-record",
        "POST /traTrangThaiHs",
        lambda one, *_: {"idReceivedDec": one, "infoType": "2"},
        says=("DEC_STATUS_ID", 3, 5),
    ),
    Asked("dossier", "land-tax", "POST /nhanThongBaoThue", lambda one, *_: {"maHoSo": one}),
    Asked("amount", "payment-platform", "POST /initPayment", payment_fields, nobody=OK, says=("TrangThaiGD", "3", "1")),
)


@dataclass
class World:
    """One service as a tester meets it: its behaviours, and a time that moves ten seconds a look."""

    asked: Asked
    answer: Forward

    @classmethod
    def of(cls, asked: Asked) -> World:
        service = CATALOGUE.find(asked.service)
        module: ModuleType = importlib.import_module(str(service.connector))
        times = iter(range(0, 1_000, 10))
        answer = remembering.answering(module, lambda: 1_000.0 + next(times))
        operation = service.operations[asked.operation]
        upstreams: Any = None  # what is simulated reaches nobody
        around = behaviours_of(service, operation, module, ManualClock(), 1, upstreams, None)
        return cls(asked, chain(around, answer))

    async def look(self, mark: Mark) -> tuple[Outcome, dict[str, Any]]:
        person = find_person(mark.identifier) if mark.kind == "citizen" else find_insured(mark.identifier)
        if mark.kind == "licence":
            person = find_person(mark.identifier[1:] + mark.identifier[0])
        name = person.name.upper() if person and mark.meaning is not Meaning.NAME_DIFFERS else OTHER_NAME
        fields = self.asked.fields(mark.identifier, person, name)
        method, _, template = self.asked.operation.partition(" ")
        path = template
        for parameter, value in fields.items():
            path = path.replace(f"{{{parameter}}}", str(value))
        query = "&".join(f"{key}={value}" for key, value in fields.items()) if method == "GET" else ""
        body = b"" if method == "GET" else json.dumps(fields).encode()
        if self.asked.service == "population":
            body = soap(self.asked.operation, fields)
        request = Request(
            id="t",
            service=self.asked.service,
            operation=self.asked.operation,
            path=path,
            query=query,
            consumer="c",
            key="1",
            body=body,
            headers={"content-type": "application/json"},
            calm=True,
        )
        try:
            reply = await self.answer(request)
        except TimedOut:
            return Outcome.TIMEOUT, {}
        except Unreachable:
            return Outcome.UNREACHABLE, {}
        is_object = "json" in reply.headers.get("content-type", "") and reply.body.startswith(b"{")
        return reply.outcome, json.loads(reply.body) if is_object else {}


def stands(said: dict[str, Any], path: str) -> object:
    for name in path.split("."):
        inner: Any = said[name]
        said = inner[0] if isinstance(inner, list) else inner
    return said


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{asked.service} {asked.operation}")
async def test_an_identifier_ends_as_it_means_in_every_service_that_knows_it(asked: Asked) -> None:
    for mark in (mark for mark in TABLE if mark.kind == asked.kind):
        world = World.of(asked)
        outcome, said = await world.look(mark)
        if mark.meaning is not Meaning.PENDING:
            assert outcome is asked.expected(mark.meaning), mark
            continue
        assert outcome is asked.first, mark
        then, said_then = await world.look(mark)
        assert then is OK, mark
        if asked.says:
            path, before, after = asked.says
            assert (stands(said, path), stands(said_then, path)) == (before, after), mark


def test_the_services_that_know_such_identifiers_are_all_asked() -> None:
    connectors = {service.id: importlib.import_module(str(service.connector)) for service in CATALOGUE}
    marking = {name for name, module in connectors.items() if isinstance(module, Marker)}
    assert marking - {asked.service for asked in ASKED} == {"land-registry"}


async def test_the_matrix_of_identifiers_and_services(capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for asked in ASKED:
        cells = []
        for meaning in Meaning:
            mark = next((one for one in TABLE if (one.kind, one.meaning) == (asked.kind, meaning)), None)
            cells.append("" if mark is None else str((await World.of(asked).look(mark))[0]))
        lines.append(
            f"{asked.kind:<11}{asked.service + ' ' + asked.operation:<50}" + "".join(f"{c:<16}" for c in cells)
        )
    with capsys.disabled():
        print(f"\n{'kind':<11}{'service, operation':<50}" + "".join(f"{meaning:<16}" for meaning in Meaning))
        print("\n".join(lines))
    assert len(lines) == len(ASKED)


def test_every_kind_has_its_services_and_an_identifier_stands_in_the_table_once() -> None:
    assert {mark.kind for mark in TABLE} == {asked.kind for asked in ASKED}
    assert len({mark.identifier for mark in TABLE}) == len(TABLE)


def test_the_page_is_made_of_the_table() -> None:
    written = (ROOT / "docs" / "test-data.md").read_text()
    assert written == page(), "lgsp province sample --markdown > docs/test-data.md"
    assert all(f"`{mark.identifier}`" in written for mark in TABLE)
