"""The contract of gis: our proposal throughout."""

from __future__ import annotations

import pytest
from facts import OURS, Case, Contract

from lgsp.model import Outcome

contract = Contract("gis")
MAP = contract.operation("GET /wms", OURS, sends="layers bbox", gets="(image/png)", status=[200])
FEATURES = contract.operation(
    "GET /wfs",
    OURS,
    sends="typeName bbox",
    gets="type features.type features.id features.geometry.type features.geometry.coordinates"
    " features.properties.ma features.properties.ten",
    status=[200],
)
PLACE = contract.operation("GET /geocode", OURS, sends="address", gets="address ma lon lat", status=[200])
EVERY = (MAP, FEATURES, PLACE)
contract.knows(OURS, MAP, FEATURES, says={"code": ["INVALID_BBOX", "BBOX_TOO_LARGE", "LAYER_NOT_FOUND"]})
contract.knows(OURS, PLACE, says={"code": ["SCHEMA_REJECT", "ADDRESS_NOT_FOUND"]})
contract.knows(
    OURS,
    *EVERY,
    gets="code message",
    says={"code": ["NOT_PERMITTED", "SYSTEM_ERROR"]},
    status=[400, 403, 404, 500],
)
FAULT, REJECTED = Outcome.BUSINESS_FAULT, Outcome.REJECTED
WHOLE = "107.2,14.95,108.75,16.07"
contract.case("an image", OURS, MAP, query={"layers": "giao_thong", "bbox": WHOLE})
contract.case(
    "districts",
    OURS,
    FEATURES,
    query={"typeName": "hanh_chinh_huyen", "bbox": WHOLE},
    gives={"type": "FeatureCollection", "features.properties.ma": ["502", "503"], "features.geometry.type": "Point"},
)
contract.case(
    "nothing there", OURS, FEATURES, query={"typeName": "hanh_chinh_xa", "bbox": "0,0,1,1"}, gives={"features": []}
)
for _operation, _layer in {MAP: "layers", FEATURES: "typeName"}.items():
    for _name, _fields, _outcome, _status, _says in (
        ("three numbers", {"bbox": "1,2,3"}, REJECTED, 400, "INVALID_BBOX"),
        ("west of its east", {"bbox": "108,15,107,16"}, REJECTED, 400, "INVALID_BBOX"),
        ("no numbers", {"bbox": "nan,nan,nan,nan"}, REJECTED, 400, "INVALID_BBOX"),
        ("half the country", {"bbox": "102,8,110,24"}, REJECTED, 400, "BBOX_TOO_LARGE"),
        ("no such layer", {_layer: "x"}, FAULT, 404, "LAYER_NOT_FOUND"),
    ):
        contract.case(
            _name,
            OURS,
            _operation,
            query={_layer: "giao_thong", "bbox": WHOLE} | _fields,
            outcome=_outcome,
            status=_status,
            gives={"code": _says},
        )
contract.case("a commune", OURS, PLACE, query={"address": "12 Hùng Vương, xã Tam Thanh"}, gives={"ma": "20359"})
contract.case(
    "nowhere", OURS, PLACE, query={"address": "Hà Nội"}, outcome=FAULT, status=404, gives={"code": "ADDRESS_NOT_FOUND"}
)
contract.case(
    "no address", OURS, PLACE, query={"address": " "}, outcome=REJECTED, status=400, gives={"code": "SCHEMA_REJECT"}
)
for _operation in EVERY:
    contract.failure("not permitted", OURS, _operation, REJECTED, 403, {"code": "NOT_PERMITTED"})
    contract.failure("the system fails", OURS, _operation, Outcome.PROVIDER_ERROR, 500, {"code": "SYSTEM_ERROR"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_stand_in_keeps_the_contract(case: Case) -> None:
    await case.check()
