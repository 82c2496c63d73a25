"""Every service keeps its contract, fact by fact; `tests/facts.py` says what that means."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path

import pytest
from builders import shipped
from facts import OURS, Contract

from lgsp.catalogue.service import ErrorMix, Operation
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.behaviours.errors import ErrorsBehaviour

ROOT = Path(__file__).parents[2]
CATALOGUE = shipped()
NONSENSE = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"[null]",
    b"{}",
    b'"x"',
    b'{"data":[1],"hoSo":[[]],"maHoSo":{},"infoType":[],"maDonVi":1e99,"declarationId":{},"declarationWSForm":[]}',
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b"<a/>",
    b"<a",
    b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>',
    b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
)


def contracts() -> dict[str, Contract]:
    """The contract of every service that has one written down, in `tests/connectors/test_<service>.py`."""
    found = {}
    for service in CATALOGUE:
        file = ROOT / "tests" / "connectors" / f"test_{service.id.replace('-', '_')}.py"
        if file.is_file():
            spec = importlib.util.spec_from_file_location(f"facts_of_{file.stem}", file)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            found[service.id] = module.contract
    return found


CONTRACTS = contracts()
EACH = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)


def test_every_service_has_its_contract_written_down() -> None:
    assert {service.id for service in CATALOGUE} - CONTRACTS.keys() == set()


@EACH
def test_checklist_and_catalogue_agree_on_operations_and_evidence(contract: Contract) -> None:
    listed = {f.operation: (f.known.evidence, f.known.source) for f in contract.facts if f.kind == "operation"}
    operations = CATALOGUE.find(contract.service).operations.values()
    assert listed == {o.name: (o.evidence, o.source or "A") for o in operations}


@EACH
def test_every_source_is_one_of_the_list(contract: Contract) -> None:
    known = {cell for line in (ROOT / "docs" / "sources.md").read_text().splitlines() for cell in _first_cell(line)}
    for note in (*contract.facts, *contract.cases):
        assert set(note.known.source.split(", ")) <= known | {"A", "K"}, note
        assert (note.known.evidence == "assumed") == (note.known.source in {"A", "K"}), note


def _first_cell(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")[1].split(",")] if line.startswith("| S") else []


@EACH
async def test_no_fact_of_a_checklist_lacks_a_case(contract: Contract) -> None:
    covered = await contract.covered()
    assert [str(fact) for fact in contract.facts if fact not in covered] == []


@EACH
async def test_no_case_is_answered_with_what_the_contract_does_not_have(contract: Contract) -> None:
    for case in contract.cases:
        assert contract.beyond(case.request.operation, await case.run()) == [], case


@EACH
@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.PROVIDER_ERROR])
async def test_no_simulated_failure_says_what_the_contract_does_not_have(contract: Contract, outcome: Outcome) -> None:
    for operation in CATALOGUE.find(contract.service).operations.values():
        mix = ErrorMix(rates={outcome: 1.0})
        fails = ErrorsBehaviour(contract.service, mix, 1, contract.module)
        reply = await fails(_request(contract.service, operation, b"", ""), contract.answer())
        assert reply.outcome is outcome
        assert contract.beyond(operation.name, reply) == [], operation.name


@EACH
async def test_no_nonsense_is_answered_with_what_the_contract_does_not_have(contract: Contract) -> None:
    for operation in CATALOGUE.find(contract.service).operations.values():
        for body in NONSENSE:
            for query in ("", "a=%ff&offset=-1&limit=x&from_date=&msdn=%00", "token=&&&=&docId=../x"):
                reply = await contract.answer()(_request(contract.service, operation, body, query))
                assert contract.beyond(operation.name, reply) == [], (operation.name, body[:40], query)


def _request(service: str, operation: Operation, body: bytes, query: str) -> Request:
    path = "/".join("%00x" if part.startswith("{") else part for part in operation.template.split("/"))
    return Request(id="t", service=service, operation=operation.name, path=path, query=query, body=body, key="1")


def test_the_table_of_facts_and_assumptions(capsys: pytest.CaptureFixture[str]) -> None:
    """Service by service: its operations, how many lines of its checklist are documented, seen, assumed, and its cases."""
    rows = []
    for service, contract in CONTRACTS.items():
        facts = Counter(fact.known.evidence for fact in contract.facts)
        cases = Counter(case.known.evidence for case in contract.cases)
        operations = sum(fact.kind == "operation" for fact in contract.facts)
        assert contract.cases, service
        rows.append([operations, *(counts[e] for counts in (facts, cases) for e in ("documented", "seen", "assumed"))])
    with capsys.disabled():
        print(f"\n{'service':<24}{'ops':>5}{'facts: documented':>20}{'seen':>6}{'assumed':>9}", end="")
        print(f"{'cases: documented':>20}{'seen':>6}{'assumed':>9}")
        for name, row in (
            *zip(CONTRACTS, rows, strict=True),
            ("all", [sum(column) for column in zip(*rows, strict=True)]),
        ):
            print(f"{name:<24}{row[0]:>5}{row[1]:>20}{row[2]:>6}{row[3]:>9}{row[4]:>20}{row[5]:>6}{row[6]:>9}")


async def test_a_fact_without_a_case_and_a_field_without_a_fact_are_seen() -> None:
    async def answer(request: Request) -> Reply:
        return Reply.of_json(request, {"a": {"b": 1}, "extra": [{"c": 2}], "code": "7"}, status=201)

    contract = Contract("made-up", answering=lambda: answer)
    made = contract.operation("POST /x", OURS, sends="asked", gets="a.b", says={"code": ["0"]}, status=[200])
    case = contract.case("any", OURS, made, body={"asked": 1}, status=201, gives={"a.b": 1})
    await case.check()
    covered = await contract.covered()
    missing = [str(fact) for fact in contract.facts if fact not in covered]
    assert missing == ["POST /x says code=0", "POST /x status 200"]
    beyond = contract.beyond(made, await case.run())
    assert beyond == ["field extra", "field extra.c", "field code", "code=7", "status 201"]
    with pytest.raises(AssertionError):
        await contract.case("red", OURS, made, body={}, gives={"a.b": 1}).check()
    with pytest.raises(AssertionError):
        await contract.case("red", OURS, made, body={}, status=201, gives={"a.b": 2}).check()
