"""The contract of payment-platform, and the states of a payment."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256
from typing import Any

import pytest
import remembering
from builders import a_request
from facts import OURS, Case, Contract, seen
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from connectors import payment_platform
from connectors.payment_platform import DECIDED_AFTER, FIELDS, SECRET, TEXTS, authentication
from lgsp.clock import ManualClock
from lgsp.model import Outcome
from lgsp.runtime.state import States

contract = Contract("payment-platform")
S13B = seen("S13b")
REFUSED, FAULT = Outcome.REJECTED, Outcome.BUSINESS_FAULT
START = contract.operation("POST /initPayment", S13B, sends=" ".join((*FIELDS, "MaXacThuc")), status=[200])
NOTICE = contract.operation(
    "POST /confirm", S13B, sends=" ".join((*FIELDS, "MaXacThuc")), takes={"MaLoi": ["00"]}, status=[200]
)
STATUS = contract.operation("POST /checkPaymentStatus", S13B, sends="MaThamChieu ThoiGianGD", status=[200])
for _asked, states, codes in (
    (START, ["3", "1", "4"], "00 02 03 04 05 99"),
    (NOTICE, ["1", "4"], "00 02 03 04 05 06 99"),
    (STATUS, ["1", "3", "4"], "00 01 02 03 99"),
):
    contract.knows(
        S13B, _asked, gets="MaLoi MaThamChieu MaGiaoDich ThoiGianGD TrangThaiGD", says={"TrangThaiGD": states}
    )
    contract.knows(OURS, _asked, gets="MoTaLoi", says={"MaLoi": codes.split()})

REFERENCE = "QNM2305240101"


def signed(reference: str = REFERENCE, **more: str) -> dict[str, str]:
    """A message with its `MaXacThuc`."""
    fields = dict.fromkeys(FIELDS, "") | {"LoaiBanTin": "1", "MaDoiTac": "QNM", "MaThamChieu": reference}
    fields |= {"SoTien": "150000", "MaTienTe": "VND", "ThoiGianGD": "20230524093000", "ThongTinGiaoDich": "Phí"} | more
    return fields | {"MaXacThuc": authentication(fields)}


PAID, NOT_PAID = {"LoaiBanTin": "2", "MaLoi": "00"}, {"LoaiBanTin": "2", "MaLoi": "01"}


def told(name: str, operation: str, sent: object, code: str, *after: Case, state: str = "", known: Any = S13B) -> Case:
    outcome = Outcome.OK if code == "00" else FAULT if code in {"01", "05", "06"} else REFUSED
    gives = {"MaLoi": code, "MoTaLoi": TEXTS[code]} | ({"TrangThaiGD": state} if state else {})
    return contract.case(name, known, operation, body=sent, after=after, outcome=outcome, gives=gives)


CHECK = {"MaThamChieu": REFERENCE, "ThoiGianGD": "20230524093000"}
started = told("started", START, signed(), "00", state="3")
told("started again", START, signed(), "00", started, state="3")
paid = told("paid", NOTICE, signed(**PAID), "00", started, state="1")
failed = told("not paid", NOTICE, signed(**NOT_PAID), "00", started, state="4")
told("paid is told again", NOTICE, signed(**PAID), "00", started, paid, state="1")
told("a notice of one that nobody started here", NOTICE, signed(**PAID), "00", state="1")
told("started again when paid", START, signed(), "00", started, paid, state="1")
told("started again when it failed", START, signed(), "00", started, failed, state="4")
told("pending", STATUS, CHECK, "00", started, state="3")
told("paid", STATUS, CHECK, "00", started, paid, state="1")
told("failed", STATUS, CHECK, "00", started, failed, state="4")
told("paid after it failed", NOTICE, signed(**PAID), "06", started, failed, known=OURS)
told("failed after it was paid", NOTICE, signed(**NOT_PAID), "06", started, paid, known=OURS)
for of, more in ((START, {}), (NOTICE, PAID)):
    told("another amount under its reference", of, signed(SoTien="1", **more), "05", started, known=OURS)
    told("a wrong hash", of, signed(**more) | {"SoTien": "1"}, "02")
    told("no hash", of, {name: value for name, value in signed(**more).items() if name != "MaXacThuc"}, "02")
    for amount in ("0", "-1", "1.5", "", "9" * 16):
        told(f"amount {amount!r}", of, signed(SoTien=amount, **more), "04", known=OURS)
for of in (START, NOTICE, STATUS):
    told("no reference", of, {"ThoiGianGD": "20230524093000"}, "03", known=OURS)
    told("no time", of, {"MaThamChieu": REFERENCE}, "03", known=OURS)
    contract.failure("refused", OURS, of, REFUSED, 200, {"MaLoi": "02"})
    contract.failure("its system fails", OURS, of, Outcome.PROVIDER_ERROR, 200, {"MaLoi": "99"})
told("unknown", STATUS, {"MaThamChieu": "QNM2305240099", "ThoiGianGD": "x"}, "01", known=OURS)


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_contract(case: Case) -> None:
    await case.check()


def test_the_hash_is_over_every_field_and_the_secret() -> None:
    assert authentication({"MaLoi": "00"}) == sha256(f"|00{'|' * 9}{SECRET}".encode()).hexdigest()
    one = authentication(signed())
    assert len({one} | {authentication(signed() | {name: "other"}) for name in FIELDS}) == len(FIELDS) + 1


REFERENCES = ("A1", "A3", "A4", "A99")


class Payments(RuleBasedStateMachine):
    """Reconciliation comes to the end that the notices told, or that the bank decided in silence; an end stays."""

    def __init__(self) -> None:
        super().__init__()
        self.now = remembering.NOW
        self.answer = remembering.answering(payment_platform, lambda: self.now)
        self.started: dict[str, float] = {}
        self.told: dict[str, str] = {}

    def ask(self, operation: str, body: object) -> dict[str, Any]:
        reply = asyncio.run(self.answer(a_request(operation=operation, body=json.dumps(body).encode(), consumer="c")))
        said: dict[str, Any] = json.loads(reply.body)
        assert reply.outcome == (FAULT if said["MaLoi"] in {"01", "05", "06"} else Outcome.OK)
        return said

    def stands(self, reference: str) -> str | None:
        if reference in self.told:
            return self.told[reference]
        if reference not in self.started:
            return {"A1": "1", "A3": "3", "A4": "4"}.get(reference)
        silent = {"A1": "1", "A3": "3", "A4": "4", "A99": "1"}[reference]
        return silent if self.now - self.started[reference] >= DECIDED_AFTER else "3"

    @rule(reference=st.sampled_from(REFERENCES))
    def start(self, reference: str) -> None:
        self.started.setdefault(reference, self.now)
        assert self.ask(START, signed(reference))["TrangThaiGD"] == self.stands(reference)

    @rule(reference=st.sampled_from(REFERENCES), result=st.sampled_from(["1", "4"]))
    def notify(self, reference: str, result: str) -> None:
        before = self.stands(reference) if reference in self.started else None
        said = self.ask(NOTICE, signed(reference, **(PAID if result == "1" else NOT_PAID)))
        if before in {None, "3", result}:
            assert (said["MaLoi"], said["TrangThaiGD"]) == ("00", result)
            self.started.setdefault(reference, self.now)
            self.told.setdefault(reference, result)
        else:
            assert said["MaLoi"] == "06"

    @rule(reference=st.sampled_from(REFERENCES))
    def ask_another_amount(self, reference: str) -> None:
        if reference in self.started:
            assert self.ask(START, signed(reference, SoTien="7"))["MaLoi"] == "05"

    @rule(seconds=st.sampled_from([60, DECIDED_AFTER - 1, DECIDED_AFTER]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @invariant()
    def a_check_says_where_it_stands(self) -> None:
        for reference in REFERENCES:
            said = self.ask(STATUS, {"MaThamChieu": reference, "ThoiGianGD": "x"})
            assert said.get("TrangThaiGD") == self.stands(reference)
            assert (said["MaLoi"] == "01") == (self.stands(reference) is None)


Payments.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestPayments = Payments.TestCase


async def test_of_64_notices_at_once_one_result_stands() -> None:
    async with States(ManualClock()) as states:
        answer = states.answering("payment-platform", payment_platform)
        await answer(started.request)
        sent = [signed(**(PAID if n % 2 else NOT_PAID)) for n in range(64)]
        requests = [a_request(operation=NOTICE, body=json.dumps(one).encode(), consumer="c") for one in sent]
        replies = [json.loads(reply.body) for reply in await asyncio.gather(*map(answer, requests))]
        again = await answer(started.request)
    assert {one["MaLoi"] for one in replies[0::2]} == {"00"}
    assert {one["MaLoi"] for one in replies[1::2]} == {"06"}
    assert json.loads(again.body)["TrangThaiGD"] == "4"
