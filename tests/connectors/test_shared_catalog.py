"""The contract of shared-catalog."""

from __future__ import annotations

import pytest
from facts import OURS, Case, Contract, documented

from lgsp.model import Outcome

S2B = documented("S2b")
contract = Contract("shared-catalog")

LEVEL, AGENCY = "id ma ten cap capTren", "id ma ten diaChi dienThoai email fax website cap capTren donViHanhChinh"
UNIT, GROUP, PAIR = "id ma ten tenTA cap capTren", "id maDanToc tenGoi tenKhac", "id ma ten"


def known(path: str, gets: str, **more: object) -> str:
    return contract.operation(f"GET {path}", S2B, gets=gets, status=[200], **more)


LEVELS = known("/capcoquanquanlys", LEVEL)
ONE_LEVEL = known("/capcoquanquanlys/{ma}", LEVEL, sends="{ma}", takes={"{ma}": ["002"]})
ONE_AGENCY = known("/coquanquanlys/{ma}", AGENCY, sends="{ma}", takes={"{ma}": ["00001"]})
OF_LEVEL = known("/coquanquanlys/cap/{cap}", AGENCY, sends="{cap}", takes={"{cap}": ["002"]})
BELOW = [known(f"/coquanquanlys/{word}/{{capTren}}", AGENCY, sends="{capTren}") for word in ("capTren", "captren")]
UNITS = known("/donvihanhchinhs/cap/{cap}", UNIT, sends="{cap}", takes={"{cap}": ["TINH", "HUYEN", "XA"]})
UNITS_BELOW = [
    known(f"/donvihanhchinhs/{word}/{{capTren}}", UNIT, sends="{capTren}", takes={"{capTren}": ["49"]})
    for word in ("capTren", "captren")
]
ONE_UNIT = known("/donvihanhchinhs/{ma}", UNIT, sends="{ma}", takes={"{ma}": ["49"]})
GROUPS = known("/dantocs", GROUP)
ONE_GROUP = known("/dantocs/{id}", GROUP, sends="{id}", takes={"{id}": ["1"]})
RELIGIONS, MEASURES, KINDS = (known(path, "") for path in ("/tongiaos", "/donvidoluongs", "/loaidonvidoluongs"))
contract.knows(OURS, RELIGIONS, MEASURES, KINDS, gets=PAIR)

contract.case("all", S2B, LEVELS, gives={"ma": ["001", "002", "003", "004"], "capTren": ["", "001"]})
contract.case("one", S2B, ONE_LEVEL, path={"ma": "002"}, gives={"ten": "Cấp tỉnh", "cap": "2", "capTren": "001"})
contract.case(
    "one", S2B, ONE_AGENCY, path={"ma": "00001"}, gives={"ten": "UBND tỉnh Quảng Nam", "donViHanhChinh": "49"}
)
contract.case("the province's", S2B, OF_LEVEL, path={"cap": "002"}, gives={"ma": ["00001", "00002"]})
for _operation in BELOW:
    contract.case("below the first", S2B, _operation, path={"capTren": "00001"}, gives={"ma": ["00002", "00003"]})
for _level, _first in {"TINH": "49", "HUYEN": "502", "XA": "20335"}.items():
    contract.case(_level, S2B, UNITS, path={"cap": _level}, gives={"ma": _first, "cap": _level})
for _operation in UNITS_BELOW:
    contract.case("districts", S2B, _operation, path={"capTren": "49"}, gives={"ma": "502", "tenTA": "Tam Ky City"})
    contract.case("communes", S2B, _operation, path={"capTren": "502"}, gives={"ma": "20335", "capTren": "502"})
contract.case("the province", S2B, ONE_UNIT, path={"ma": "49"}, gives={"ten": "Tỉnh Quảng Nam", "capTren": ""})
contract.case("all", S2B, GROUPS, gives={"maDanToc": ["01", "27"], "tenGoi": "Kinh", "tenKhac": "Việt"})
contract.case("the first", S2B, ONE_GROUP, path={"id": "1"}, gives={"id": "1", "tenGoi": "Kinh"})
for _operation, _first in {RELIGIONS: "Không", MEASURES: "mét", KINDS: "Độ dài"}.items():
    contract.case("all", S2B, _operation, gives={"id": "1", "ten": _first})
for _operation in (ONE_LEVEL, ONE_AGENCY, OF_LEVEL, *BELOW, UNITS, *UNITS_BELOW, ONE_UNIT, ONE_GROUP):
    _parameter = _operation.partition("{")[2].removesuffix("}")
    contract.case(
        "an unknown code is nothing", OURS, _operation, path={_parameter: "x"}, outcome=Outcome.BUSINESS_FAULT
    )


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_stand_in_keeps_the_contract(case: Case) -> None:
    await case.check()


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_lists_are_bare_arrays_and_nothing_is_null_or_an_empty_one(case: Case) -> None:
    body = (await case.run()).body
    lists = not case.request.operation.endswith(("{ma}", "{id}"))
    if case.outcome is Outcome.OK:
        assert body.startswith(b"[" if lists else b"{")
    else:
        assert body == (b"[]" if lists else b"null")
