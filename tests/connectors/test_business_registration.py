"""The contract of business-registration."""

from __future__ import annotations

import json

import pytest
from facts import OURS, Case, Contract, documented

from connectors import business_registration
from connectors.province.enterprise import enterprise_of
from lgsp.model import Outcome, Request

S1 = documented("S1")
contract = Contract("business-registration")

DETAILS = contract.operation(
    "GET /chiTietDoanhNghiep",
    S1,
    sends="msdn",
    gets="DataCount Status Message"
    " MainInformation.ENTERPRISE_ID MainInformation.ENTERPRISE_GDT_CODE MainInformation.IMP_BUSINESS_CODE"
    " MainInformation.ENTERPRISE_TYPE_ID MainInformation.ENTERPRISE_TYPE_NAME MainInformation.NAME"
    " MainInformation.SHORT_NAME MainInformation.NAME_F MainInformation.FOUNDING_DATE MainInformation.LAST_AMEND_DATE"
    " MainInformation.NUMBER_CHANGES MainInformation.ENTERPRISE_STATUS MainInformation.LEGAL_NAMES"
    " MainInformation.CAPITAL_AMOUNT"
    " HOAdress.CityID HOAdress.CityName HOAdress.DistrictID HOAdress.DistrictName HOAdress.WardID HOAdress.WardName"
    " HOAdress.StreetNumber HOAdress.AddressFullText"
    " BusinessActivity.CODE BusinessActivity.NAME BusinessActivity.IS_MAIN"
    " Member.MEMBER_NAME Member.AMOUNT Member.RATIO_PERCENT Member.COUNTRY",
    says={"Status": ["0", "1"], "BusinessActivity.IS_MAIN": ["Y", "N"]},
    status=[200],
)
TODAY = contract.operation(
    "GET /danhSachHoSoTrongNgay",
    S1,
    sends="from_ts to_ts offset limit",
    gets="DataCount Status Message MainInformation.IN_JOURNAL_NO MainInformation.DOCUMENT_TYPE"
    " MainInformation.ENTERPRISE_GDT_CODE MainInformation.NAME MainInformation.SITE_ID"
    " MainInformation.PROCESS_STATUS MainInformation.PROCESSED_DATE",
    says={"Status": ["0", "1"]},
    status=[200],
)
PERIOD = contract.operation(
    "GET /danhSachHoSo",
    S1,
    sends="from_date to_date offset limit",
    gets="DataCount Status Message MainInformation.IN_JOURNAL_NO MainInformation.DOCUMENT_TYPE"
    " MainInformation.ENTERPRISE_CODE MainInformation.ENTERPRISE_GDT_CODE MainInformation.NAME"
    " MainInformation.SITE_ID MainInformation.RECEIPT_DATE MainInformation.PLAN_DATE MainInformation.PROCESS_STATUS",
    says={"Status": ["0", "1"]},
    status=[200],
)
DOSSIER = contract.operation(
    "GET /tinhTrangHoSo",
    S1,
    sends="in_journal_no",
    gets="DataCount Status Message MainInformation.IN_JOURNAL_NO MainInformation.DOCUMENT_TYPE"
    " MainInformation.ENTERPRISE_CODE MainInformation.NAME MainInformation.ENTERPRISE_TYPE_ID MainInformation.SITE_ID"
    " MainInformation.RECEIPT_DATE MainInformation.PLAN_DATE MainInformation.PROCESS_STATUS"
    " MainInformation.REGISTRATION_DATE MainInformation.SUPPLEMENT_DATE MainInformation.SUBMISSION_TYPE"
    " MainInformation.CONTACT_FULL_NAME MainInformation.CONTACT_ADDRESS MainInformation.CONTACT_ID_NO"
    " MainInformation.CONTACT_PHONE MainInformation.CONTACT_EMAIL",
    says={"Status": ["0", "1"]},
    status=[200],
)
KINDS = ("Đăng ký mới", "Đăng ký thay đổi", "Tạm ngừng", "Giải thể", "Hoạt động trở lại")
contract.knows(S1, PERIOD, says={"MainInformation.DOCUMENT_TYPE": KINDS})

contract.case(
    "an enterprise",
    S1,
    DETAILS,
    query={"msdn": "4045046996"},
    gives={
        "DataCount": 1,
        "Status": "1",
        "Message": "success",
        "MainInformation.ENTERPRISE_GDT_CODE": "4045046996",
        "MainInformation.ENTERPRISE_ID": 5712134,
        "MainInformation.FOUNDING_DATE": "06/11/2011",
        "MainInformation.CAPITAL_AMOUNT": 12550000000,
        "MainInformation.ENTERPRISE_TYPE_ID": "4",
        "MainInformation.ENTERPRISE_STATUS": "00",
        "HOAdress.CityID": 49,
        "HOAdress.DistrictID": 506,
        "HOAdress.WardID": 20521,
        "BusinessActivity.IS_MAIN": ["Y", "N"],
    },
)
contract.case(
    "a branch is its enterprise",
    OURS,
    DETAILS,
    query={"msdn": "4045046996-001"},
    gives={"MainInformation.ENTERPRISE_GDT_CODE": "4045046996"},
)
contract.case(
    "nobody has that code",
    OURS,
    DETAILS,
    query={"msdn": "0309900013"},
    outcome=Outcome.BUSINESS_FAULT,
    gives={"DataCount": 0, "Status": "0", "Message": "Không tìm thấy doanh nghiệp"},
)
contract.case(
    "the check digit is wrong",
    S1,
    DETAILS,
    query={"msdn": "4045046997"},
    outcome=Outcome.REJECTED,
    gives={"DataCount": 0, "Status": "0", "Message": "Mã số doanh nghiệp không hợp lệ: 4045046997"},
)
contract.case(
    "an hour of today",
    S1,
    TODAY,
    query={"from_ts": "08:00", "to_ts": "09:00", "offset": 0, "limit": 2},
    gives={"DataCount": 2, "Status": "1", "MainInformation.PROCESSED_DATE": ["24/05/2023 08:00", "24/05/2023 08:12"]},
)
contract.case(
    "the second page begins where the first ends",
    S1,
    TODAY,
    query={"from_ts": "08:00", "to_ts": "09:00", "offset": 2, "limit": 2},
    gives={"DataCount": 2, "MainInformation.PROCESSED_DATE": ["24/05/2023 08:24", "24/05/2023 08:36"]},
)
contract.case(
    "an hour is written HH:mm",
    S1,
    TODAY,
    query={"from_ts": "8:00", "to_ts": "25:00"},
    outcome=Outcome.REJECTED,
    gives={"Status": "0", "Message": "from_ts, to_ts phải có dạng HH:mm"},
)
contract.case(
    "five days between, the largest window",
    S1,
    PERIOD,
    query={"from_date": "19/05/2023", "to_date": "24/05/2023", "offset": 0, "limit": 1000},
    gives={"DataCount": 222, "Status": "1", "MainInformation.RECEIPT_DATE": "19/05/2023"},
)
contract.case(
    "six days between are refused",
    S1,
    PERIOD,
    query={"from_date": "18/05/2023", "to_date": "24/05/2023", "offset": 0, "limit": 2},
    outcome=Outcome.REJECTED,
    gives={"DataCount": 0, "Status": "0", "Message": "Khoảng thời gian tối đa là 5 ngày"},
)
contract.case(
    "a day is written dd/MM/yyyy",
    S1,
    PERIOD,
    query={"from_date": "2023-05-20", "to_date": "24/5/2023"},
    outcome=Outcome.REJECTED,
    gives={"Status": "0", "Message": "from_date, to_date phải có dạng dd/MM/yyyy"},
)
contract.case(
    "a page is counted from 0",
    OURS,
    PERIOD,
    query={"from_date": "24/05/2023", "to_date": "24/05/2023", "offset": -1, "limit": 2},
    outcome=Outcome.REJECTED,
    gives={"Status": "0", "Message": "offset, limit phải là số không âm"},
)
contract.case(
    "a dossier",
    S1,
    DOSSIER,
    query={"in_journal_no": 52000007},
    gives={"DataCount": 1, "Status": "1", "MainInformation.IN_JOURNAL_NO": 52000007},
)
contract.case(
    "no such dossier",
    OURS,
    DOSSIER,
    query={"in_journal_no": 1},
    outcome=Outcome.BUSINESS_FAULT,
    gives={"DataCount": 0, "Status": "0", "Message": "Không tìm thấy hồ sơ"},
)


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_stand_in_keeps_the_contract(case: Case) -> None:
    await case.check()


LONGEST = {
    "ENTERPRISE_GDT_CODE": 100,
    "IMP_BUSINESS_CODE": 100,
    "ENTERPRISE_TYPE_ID": 10,
    "ENTERPRISE_TYPE_NAME": 100,
    "NAME": 1000,
    "SHORT_NAME": 1000,
    "NAME_F": 1000,
    "ENTERPRISE_STATUS": 10,
    "LEGAL_NAMES": 1000,
}
"""The longest texts of `MainInformation` (S1)."""


@pytest.mark.parametrize("thing", range(40))
async def test_texts_of_an_enterprise_are_as_long_as_the_guide_allows(thing: int) -> None:
    query = f"msdn={enterprise_of(str(thing), 'length').code}"
    operation = "GET /chiTietDoanhNghiep"
    request = Request(id="t", service="business-registration", operation=operation, path="/", query=query)
    main = json.loads((await business_registration.answer(request)).body)["MainInformation"]
    assert {
        name for name, most in LONGEST.items() if not (isinstance(main[name], str) and len(main[name]) <= most)
    } == set()
