"""The contract of data-warehouse: batches that are loaded once, data sets and indicators."""

from __future__ import annotations

from typing import Any

import pytest
from facts import OURS, Case, Contract

from lgsp.model import Outcome

contract = Contract("data-warehouse")
REFUSED, FAULT = Outcome.REJECTED, Outcome.BUSINESS_FAULT
CODES = ["SCHEMA_MISMATCH", "SYSTEM_ERROR"]
LOAD = contract.operation(
    "POST /ingest/{dataset}", OURS, sends="{dataset} batch period rows", gets="batch rows accepted rejected code message",
    says={"code": [*CODES, "DUPLICATE_BATCH", "UNKNOWN_DATASET"]}, status=[200, 400, 404, 409, 422, 500],
)  # fmt: skip
SET = contract.operation(
    "GET /datasets/{id}", OURS, sends="{id}", gets="id title fields period rows code message",
    says={"code": [*CODES, "UNKNOWN_DATASET"]}, status=[200, 400, 404, 500],
)  # fmt: skip
INDICATOR = contract.operation(
    "GET /indicators/{code}",
    OURS,
    sends="{code} period",
    gets="code name period value unit message",
    status=[200, 400, 404, 500],
)
ROW = {"maXa": "20617", "soDan": 7421, "kyBaoCao": "2023-04"}
BATCH: dict[str, Any] = {"batch": "L-0002", "period": "2023-04", "rows": [ROW, ROW, {"maXa": "20617"}]}
WHERE: dict[str, Any] = {"path": {"dataset": "dan-so"}}


def refusal(name: str, operation: str, code: str, status: int, outcome: Outcome, **more: Any) -> None:
    contract.case(name, OURS, operation, outcome=outcome, status=status, gives={"code": code}, **more)


loaded = contract.case(
    "loaded", OURS, LOAD, **WHERE, body=BATCH, gives={"batch": "L-0002", "rows": 3, "accepted": 2, "rejected": 1}
)
again = contract.case("loaded again", OURS, LOAD, **WHERE, body=BATCH, after=(loaded,), gives={"accepted": 2})
contract.case("an empty batch", OURS, LOAD, **WHERE, body=BATCH | {"rows": []}, gives={"rows": 0, "accepted": 0})
contract.case("as it was", OURS, SET, path={"id": "dan-so"}, gives={"id": "dan-so", "rows": 533})
contract.case("with what was loaded once", OURS, SET, path={"id": "dan-so"}, after=(loaded, again), gives={"rows": 535})
contract.case("another set has none of it", OURS, SET, path={"id": "y-te"}, after=(loaded,), gives={"rows": 664})
contract.case(
    "an indicator",
    OURS,
    INDICATOR,
    path={"code": "CCHC-01"},
    query={"period": "2023-04"},
    gives={"code": "CCHC-01", "value": 94.15, "unit": "%"},
)
for code, value in (("CCHC-02", 41.87), ("QD766-1.4", 97.63), ("QD766-4.3", None)):
    contract.case(
        f"indicator {code}",
        OURS,
        INDICATOR,
        path={"code": code},
        query={"period": "2023-04"},
        gives={"code": code, "value": value, "unit": "%"},
    )
contract.case(
    "of a month to come", OURS, INDICATOR, path={"code": "CCHC-01"}, query={"period": "2031-01"}, gives={"value": None}
)
refusal(
    "another batch under its name",
    LOAD,
    "DUPLICATE_BATCH",
    409,
    FAULT,
    **WHERE,
    body=BATCH | {"rows": [ROW]},
    after=(loaded,),
)
refusal("loaded before", LOAD, "DUPLICATE_BATCH", 409, FAULT, **WHERE, body=BATCH | {"batch": "L-0099"})
refusal("another period", LOAD, "SCHEMA_MISMATCH", 400, REFUSED, **WHERE, body=BATCH | {"period": "04/2023"})
refusal("no row of the form", LOAD, "SCHEMA_MISMATCH", 422, REFUSED, **WHERE, body=BATCH | {"rows": [{}]})
refusal("no such set", LOAD, "UNKNOWN_DATASET", 404, FAULT, path={"dataset": "x"}, body=BATCH)
refusal("no such set", SET, "UNKNOWN_DATASET", 404, FAULT, path={"id": "x"})
refusal("no such indicator", INDICATOR, "UNKNOWN_INDICATOR", 404, FAULT, path={"code": "x"})
refusal("another period", INDICATOR, "SCHEMA_MISMATCH", 400, REFUSED, path={"code": "CCHC-01"}, query={"period": "x"})
for operation in (LOAD, SET, INDICATOR):
    contract.failure("refused", OURS, operation, REFUSED, 400, {"code": "SCHEMA_MISMATCH"})
    contract.failure("its system fails", OURS, operation, Outcome.PROVIDER_ERROR, 500, {"code": "SYSTEM_ERROR"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_contract(case: Case) -> None:
    await case.check()
