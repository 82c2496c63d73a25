"""The contract of notification: messages, and what their carriers report."""

from __future__ import annotations

from typing import Any

import pytest
from facts import OURS, Case, Contract

from lgsp.model import Outcome

contract = Contract("notification")
REFUSED, FAULT = Outcome.REJECTED, Outcome.BUSINESS_FAULT
CODES = ["SCHEMA_REJECT", "SYSTEM_ERROR"]
STATES = ("queued", "sent", "delivered", "failed")
SEND = contract.operation(
    "POST /messages", OURS, sends="to channel template", takes={"channel": ["sms", "zalo", "email"]},
    gets="id state code message", says={"state": ["queued"], "code": [*CODES, "INVALID_PHONE", "OPTED_OUT", "QUOTA_EXCEEDED"]},
    status=[200, 400, 409, 429, 500],
)  # fmt: skip
ONE = contract.operation(
    "GET /messages/{id}", OURS, sends="{id}", gets="id state code message",
    says={"state": STATES, "code": [*CODES, "NOT_FOUND"]}, status=[200, 400, 404, 500],
)  # fmt: skip
REPORT = contract.operation(
    "POST /delivery-report", OURS, sends="id state", takes={"state": STATES}, gets="id accepted code message",
    says={"accepted": [True], "code": CODES}, status=[200, 400, 500],
)  # fmt: skip
MESSAGE = {"to": "0900012345", "channel": "sms", "template": "ket-qua"}
ID = "MSG8203140136"


def refusal(name: str, operation: str, code: str, status: int, outcome: Outcome, **more: Any) -> None:
    contract.case(name, OURS, operation, outcome=outcome, status=status, gives={"code": code}, **more)


def reported(state: str, *after: Case) -> Case:
    return contract.case(
        f"reported {state}",
        OURS,
        REPORT,
        body={"id": ID, "state": state},
        after=after,
        gives={"id": ID, "accepted": True},
    )


def stands(name: str, state: str, *after: Case) -> None:
    contract.case(name, OURS, ONE, path={"id": ID}, after=after, gives={"id": ID, "state": state})


sent = contract.case("sent", OURS, SEND, body=MESSAGE, gives={"id": ID, "state": "queued"})
contract.case("sent again", OURS, SEND, body=MESSAGE, after=(sent,), gives={"id": ID})
for channel, to in (("zalo", "0900012345"), ("email", "mot-cua@quangnam.example")):
    contract.case(channel, OURS, SEND, body=MESSAGE | {"channel": channel, "to": to}, gives={"state": "queued"})
queued, on_the_way, arrived, lost = (reported(state, sent) for state in STATES)
stands("queued", "queued", sent)
stands("still queued", "queued", sent, queued)
stands("on its way", "sent", sent, on_the_way)
stands("arrived", "delivered", sent, on_the_way, arrived)
stands("lost", "failed", sent, on_the_way, lost)
stands("an end stays", "delivered", sent, arrived, lost, on_the_way)
stands("nothing goes back", "sent", sent, on_the_way, queued)
contract.case("there before", OURS, ONE, path={"id": "MSG0000000001"}, gives={"state": "delivered"})
refusal("a short telephone", SEND, "INVALID_PHONE", 400, REFUSED, body=MESSAGE | {"to": "12"})
refusal("no channel", SEND, "SCHEMA_REJECT", 400, REFUSED, body=MESSAGE | {"channel": "fax"})
refusal("who wants none", SEND, "OPTED_OUT", 409, FAULT, body=MESSAGE | {"to": "0900012398"})
refusal("too many", SEND, "QUOTA_EXCEEDED", 429, FAULT, body=MESSAGE | {"to": "0900012399"})
refusal("unknown", ONE, "NOT_FOUND", 404, FAULT, path={"id": "x"})
refusal("no such state", REPORT, "SCHEMA_REJECT", 400, REFUSED, body={"id": ID, "state": "x"})
for operation in (SEND, ONE, REPORT):
    contract.failure("refused", OURS, operation, REFUSED, 400, {"code": "SCHEMA_REJECT"})
    contract.failure("its system fails", OURS, operation, Outcome.PROVIDER_ERROR, 500, {"code": "SYSTEM_ERROR"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_contract(case: Case) -> None:
    await case.check()
