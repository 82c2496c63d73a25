"""The contract of judicial-record."""

from __future__ import annotations

import json
from typing import Any

import pytest
import remembering
from facts import OURS, Case, Contract, documented, seen

from connectors import judicial_record
from connectors.province.dates import dmy
from connectors.province.person import find_person
from lgsp.model import Outcome, Request

S1, S13 = documented("S1"), seen("S13")
contract = Contract("judicial-record")

PERSON = (
    "fullName genderId birthDateStr birthPlace nationalityId ethnicId residence reRegionId residenceTemporary rtRegionId"
    " idTypeId identifyNo idIssueDate idIssuePlace dadName dadDob momName momDob partnerName partnerDob phone email"
    " ministryJusticeId declareDate declareTypeId requestQty requestQtyAdd objectRequestId agencyRequestId"
    " regionRequestId formType isBanPosition delivery deliveryAddress deliveryDistrict"
)
ASKED = f"{PERSON} note purpose receiveNo declarationPortalID otherName"
GIVEN = (
    f"{PERSON} declarationCode appointmentNo giveProfileType giveProfileAddress giveProfileDistrict declarationId"
    " declarationPortalID receiveDate appointmentDate issueDate decStatusId decStatusName"
)
STAY = "fromDateStr toDateStr residencePlace jobName workPlace"
MANDATOR = (
    "fullName genderId birthDateStr birthPlaceId residence regionId idTypeId identifyNo idIssueDate idIssuePlace"
    " mandatorRelation mandatorDate"
)


def within(form: str, names: str) -> str:
    return " ".join(f"{form}.{name}" for name in names.split())


FORMS = f"{within('residenceWSForm', STAY)} {within('mandatorWSForm', MANDATOR)}"
STATE = "DEC_STATUS_ID DEC_STATUS_NAME APPROVE_DATE ISSUE_DATE"
STATES = {"DEC_STATUS_ID": "345"}
SUBMIT = contract.operation(
    "POST /nhanHoSoDangKy",
    S1,
    sends="idMinistryJustice idReceivedDec dateReceivedDec datePromissoryDec idMoneyReceipt"
    f" {within('declarationWSForm', ASKED)} {FORMS}",
    takes={
        "declarationWSForm.genderId": "01",
        "declarationWSForm.idTypeId": "0123",
        "declarationWSForm.declareTypeId": ["3844", "3845", "3846", "3847"],
        "declarationWSForm.objectRequestId": ["71", "72", "73", "74"],
        "declarationWSForm.formType": "12",
        "declarationWSForm.isBanPosition": "01",
        "declarationWSForm.delivery": "01",
    },
    gets="STATUS DESCRIPTION ID",
    status=[200],
)
KNOWN: dict[str, dict[str, Any]] = {
    "traTrangThaiHs": {
        "sends": "idReceivedDec infoType identifyNo",
        "takes": {"infoType": "12"},
        "gets": f"STATUS DESCRIPTION {STATE}",
        "says": STATES,
    },
    "traDsTrangThaiHs": {
        "sends": "infoType",
        "takes": {"infoType": "12"},
        "gets": f"STATUS DESCRIPTION {within('LISTCONTENT', f'DECLARATION_ID {STATE} APPOINTMENT_NO RECEIVE_NO')}",
        "says": {"LISTCONTENT.DEC_STATUS_ID": "345"},
    },
    "traHoSo": {
        "sends": "infoType",
        "takes": {"infoType": "12"},
        "gets": f"{within('declarationTraHoSoForm', GIVEN)} {FORMS}",
        "says": {"declarationTraHoSoForm.decStatusId": "345"},
    },
    "danhDauHsThanhCong": {
        "sends": "declarationId infoType",
        "takes": {"infoType": "123"},
        "gets": "STATUS DESCRIPTION",
    },
    "traDanhMuc": {"sends": "infoType", "takes": {"infoType": "12345"}, "gets": "ID NAME"},
}
for _name, _known in KNOWN.items():
    for _prefix in ("", "LLTP-API-"):
        contract.operation(f"POST /{_prefix}{_name}", S1, status=[200], **_known)
        if "STATUS" in _known["gets"]:
            contract.knows(OURS, f"POST /{_prefix}{_name}", says={"STATUS": ["00", "02"]})
            contract.knows(S13, f"POST /{_prefix}{_name}", says={"STATUS": ["03"]})
        else:
            contract.knows(OURS, f"POST /{_prefix}{_name}", status=[400, 500])
for _prefix in ("", "LLTP-API-"):
    contract.knows(S13, f"POST /{_prefix}traTrangThaiHs", says={"STATUS": ["01"]})
contract.knows(OURS, SUBMIT, says={"STATUS": ["00", "02"]})
contract.knows(S13, SUBMIT, says={"STATUS": ["01", "03"]})

RECEIPT = "000.00.07.H47-230524-0011"
FORM: dict[str, Any] = {
    "fullName": "PHAN CÔNG KHOA",
    "genderId": "1",
    "birthDateStr": "05/06/1985",
    "nationalityId": "1",
    "idTypeId": "3",
    "identifyNo": "049085001234",
    "phone": "0900019844",
    "declareDate": "24/05/2023",
    "declareTypeId": "3846",
    "requestQty": "1",
    "objectRequestId": "72",
    "formType": "1",
}
WHOLE = (
    dict.fromkeys(ASKED.split(), "")
    | FORM
    | {"isBanPosition": "1", "delivery": "1", "ethnicId": "1", "dadDob": "07/1955", "momDob": "1957"}
)
SENT = {
    "idMinistryJustice": "49",
    "idReceivedDec": RECEIPT,
    "dateReceivedDec": "24/05/2023",
    "datePromissoryDec": "07/06/2023",
    "idMoneyReceipt": "BL-0001",
    "declarationWSForm": FORM,
    "residenceWSForm": [dict.fromkeys(STAY.split(), "x") | {"fromDateStr": "1999", "toDateStr": "05/2023"}],
    "mandatorWSForm": dict.fromkeys(MANDATOR.split(), "x"),
}
REJECTED, FAULT = Outcome.REJECTED, Outcome.BUSINESS_FAULT


def form(**fields: str) -> dict[str, Any]:
    return SENT | {"declarationWSForm": FORM | fields}


submitted = contract.case(
    "the whole form", S1, SUBMIT, body=SENT | {"declarationWSForm": WHOLE}, gives={"STATUS": "00"}
)
contract.case(
    "a repeat is the same dossier",
    S1,
    SUBMIT,
    body=SENT | {"declarationWSForm": WHOLE},
    gives={"STATUS": "00"},
    after=(submitted,),
)
contract.case(
    "another dossier of that receipt number",
    S1,
    SUBMIT,
    body=SENT,
    outcome=FAULT,
    gives={"STATUS": "01", "DESCRIPTION": "Số phiếu tiếp nhận đã tồn tại"},
    after=(submitted,),
)
for _fields in (
    {
        "genderId": "0",
        "idTypeId": "1",
        "identifyNo": "837590897",
        "formType": "2",
        "isBanPosition": "0",
        "delivery": "0",
    },
    {"idTypeId": "0", "identifyNo": "B1234567", "declareTypeId": "3844", "objectRequestId": "74"},
    {"idTypeId": "2", "identifyNo": "T1", "declareTypeId": "3845", "objectRequestId": "71"},
    {"declareTypeId": "3847", "objectRequestId": "73", "birthDateStr": "06/1985"},
    {"birthDateStr": "1985"},
):
    contract.case(f"taken: {', '.join(_fields)}", S1, SUBMIT, body=form(**_fields), gives={"STATUS": "00"})
for _name, _says in {name: f"Thiếu thông tin tờ khai: {name}" for name in judicial_record.REQUIRED}.items():
    contract.case(
        f"without {_name}",
        S1,
        SUBMIT,
        body=form(**{_name: ""}),
        outcome=REJECTED,
        gives={"STATUS": "02", "DESCRIPTION": _says},
    )
for _name, _body in {
    "a value beyond the list": form(genderId="2"),
    "a birth date of another form": form(birthDateStr="1985-06-05"),
    "a citizen id that breaks the rule": form(identifyNo="04908500123"),
    "a code that is no number": form(nationalityId="VN"),
    "a day of another form": SENT | {"dateReceivedDec": "2023-05-24"},
    "a stay without its place": SENT | {"residenceWSForm": {"fromDateStr": "1999", "toDateStr": "2023"}},
    "who is authorised has no name": SENT | {"mandatorWSForm": {"genderId": 1}},
    "no receipt number": SENT | {"idReceivedDec": ""},
}.items():
    contract.case(_name, S1, SUBMIT, body=_body, outcome=REJECTED, gives={"STATUS": "02"})
contract.failure("try again", S13, SUBMIT, Outcome.PROVIDER_ERROR, 200, {"STATUS": "03"})
for _prefix in ("", "LLTP-API-"):
    _state, _states, _dossiers, _mark, _lists = (f"POST /{_prefix}{name}" for name in KNOWN)
    for _number, _stands in {"0001": 4, "0006": 5, "0009": 3}.items():
        contract.case(
            f"state {_stands}",
            S1,
            _state,
            body={"idReceivedDec": f"000.00.07.H47-230524-{_number}", "infoType": "2"},
            gives={"STATUS": "00", "DEC_STATUS_ID": _stands, "ISSUE_DATE": "24/05/2023" if _stands == 5 else ""},
        )
    contract.case(
        "by appointment and paper",
        S1,
        _state,
        body={"idReceivedDec": "LLTP-230524-0001", "infoType": "1", "identifyNo": "049080062239"},
        gives={"STATUS": "00"},
    )
    contract.case(
        "the paper of somebody else",
        S1,
        _state,
        body={"idReceivedDec": "LLTP-230524-0001", "infoType": "1", "identifyNo": "049085001234"},
        outcome=FAULT,
        gives={"STATUS": "01"},
    )
    contract.case(
        "no such dossier",
        OURS,
        _state,
        body={"idReceivedDec": "000.00.07.H47-230524-0099", "infoType": "2"},
        outcome=FAULT,
        gives={"STATUS": "01", "DESCRIPTION": "Không tìm thấy hồ sơ"},
    )
    contract.case(
        "what was submitted is received",
        S1,
        _state,
        body={"idReceivedDec": RECEIPT, "infoType": "2"},
        gives={"STATUS": "00", "DEC_STATUS_ID": 3},
        after=(submitted,),
    )
    for _way, _field in {"1": "APPOINTMENT_NO", "2": "RECEIVE_NO"}.items():
        _first = "LLTP-230524-0001" if _way == "1" else "000.00.07.H47-230524-0001"
        contract.case(
            f"states of way {_way}",
            S1,
            _states,
            body={"infoType": _way},
            gives={"STATUS": "00", f"LISTCONTENT.{_field}": _first},
        )
    contract.case(
        "states with one that was submitted",
        S1,
        _states,
        body={"infoType": "2"},
        gives={"LISTCONTENT.RECEIVE_NO": [RECEIPT, "000.00.07.H47-230524-0001"], "LISTCONTENT.DEC_STATUS_ID": [3]},
        after=(submitted,),
    )
    contract.case(
        "filed online",
        S1,
        _dossiers,
        body={"infoType": "1"},
        gives={"declarationTraHoSoForm.declarationCode": [10001, 10002, 10003, 10004]},
    )
    contract.case(
        "filed in person",
        S1,
        _dossiers,
        body={"infoType": "2"},
        gives={"declarationTraHoSoForm.appointmentNo": "LLTP-230524-0007"},
    )
    contract.case("no such way", OURS, _dossiers, body={"infoType": "3"}, outcome=REJECTED, status=400)
    contract.failure("the system fails", OURS, _dossiers, Outcome.PROVIDER_ERROR, 500)
    for _kind in "123":
        contract.case(
            f"acknowledgement {_kind}",
            S1,
            _mark,
            body={"declarationId": "A1;B2", "infoType": _kind},
            gives={"STATUS": "00", "DESCRIPTION": "Đã đánh dấu 2 hồ sơ"},
        )
    contract.case("nothing to mark", OURS, _mark, body={"infoType": "1"}, outcome=REJECTED, gives={"STATUS": "02"})
    for _kind, _first in {"1": "49", "2": "1", "3": "1", "4": "1", "5": "49"}.items():
        contract.case(f"catalogue {_kind}", S1, _lists, body={"infoType": _kind}, gives={"ID": _first})
    contract.case("no such catalogue", OURS, _lists, body={"infoType": "6"}, outcome=REJECTED, status=400)
    contract.failure("the system fails", OURS, _lists, Outcome.PROVIDER_ERROR, 500)
    for _operation in (_state, _states):
        contract.case("no such way", OURS, _operation, body={"infoType": "3"}, outcome=REJECTED, gives={"STATUS": "02"})
    for _operation in (_state, _states, _mark):
        contract.failure("try again", S13, _operation, Outcome.PROVIDER_ERROR, 200, {"STATUS": "03"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_stand_in_keeps_the_contract(case: Case) -> None:
    await case.check()


def asked(name: str, body: dict[str, Any]) -> Request:
    data = json.dumps(body).encode()
    return Request(
        id="t", service="judicial-record", operation=f"POST /{name}", path=f"/{name}", body=data, consumer="c"
    )


async def test_what_was_acknowledged_is_not_listed_again_until_it_changes() -> None:
    now = [0.0]
    answer = remembering.answering(judicial_record, lambda: now[0])

    async def listed() -> list[tuple[str, int]]:
        content = json.loads((await answer(asked("traDsTrangThaiHs", {"infoType": "2"}))).body)["LISTCONTENT"]
        return [(one["DECLARATION_ID"], one["DEC_STATUS_ID"]) for one in content]

    before = await listed()
    sent = json.loads((await answer(asked("nhanHoSoDangKy", SENT))).body)
    assert await listed() == [(sent["ID"], 3), *before]
    await answer(asked("danhDauHsThanhCong", {"declarationId": f"{sent['ID']};{before[0][0]}", "infoType": "2"}))
    assert await listed() == before[1:]
    now[0] = 60.0
    assert await listed() == [(sent["ID"], 4), *before[1:]]
    now[0] = 120.0
    assert await listed() == [(sent["ID"], 5), *before[1:]]


@pytest.mark.parametrize(("way", "kind"), [("1", "3"), ("2", "1")])
async def test_a_dossier_that_was_acknowledged_is_not_handed_out_again(way: str, kind: str) -> None:
    answer = remembering.answering(judicial_record)

    async def listed() -> list[str]:
        content = json.loads((await answer(asked("traHoSo", {"infoType": way}))).body)
        return [one["declarationTraHoSoForm"]["declarationId"] for one in content]

    before = await listed()
    other = {"3": "1", "1": "3"}[kind]
    await answer(asked("danhDauHsThanhCong", {"declarationId": before[1], "infoType": other}))
    assert await listed() == before, "another kind of acknowledgement"
    await answer(asked("danhDauHsThanhCong", {"declarationId": before[1], "infoType": kind}))
    assert await listed() == [before[0], *before[2:]]


async def test_who_declares_is_an_inhabitant_with_his_own_parents() -> None:
    answer = remembering.answering(judicial_record)
    for one in json.loads((await answer(asked("traHoSo", {"infoType": "2"}))).body):
        said = one["declarationTraHoSoForm"]
        person = find_person(said["identifyNo"])
        assert person is not None
        assert (said["fullName"], said["birthDateStr"]) == (person.name.upper(), dmy(person.born))
        assert said["dadName"] == (person.father.name if person.father else "")
        assert said["birthPlace"] == f"{person.birthplace.commune.code},{person.birthplace.district.code},49"
