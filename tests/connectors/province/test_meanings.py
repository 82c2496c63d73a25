from __future__ import annotations

import pytest
import remembering
from builders import a_request

from connectors.province.enterprise import find_enterprise
from connectors.province.identifiers import is_dossier_code, is_enterprise_code, parse_citizen_id
from connectors.province.meanings import FAILURES, LOOK, TABLE, Mark, Meaning, failure_of, is_ready, meaning_of
from connectors.province.person import find_person

PENDING = next(mark.identifier for mark in TABLE if mark.meaning is Meaning.PENDING)
TIMEOUT = "049080000007"


@pytest.mark.parametrize("mark", TABLE, ids=lambda mark: f"{mark.kind} {mark.meaning}")
def test_an_identifier_keeps_the_rule_of_its_kind_and_exists_unless_it_means_nobody(mark: Mark) -> None:
    there = mark.meaning is not Meaning.NOT_FOUND
    match mark.kind:
        case "citizen":
            assert parse_citizen_id(mark.identifier)
            assert (find_person(mark.identifier) is not None) == there
        case "enterprise":
            assert is_enterprise_code(mark.identifier)
            assert (find_enterprise(mark.identifier) is not None) == there
        case "dossier":
            assert is_dossier_code(mark.identifier)
        case "insurance" | "pupil":
            assert len(mark.identifier) == 10
        case "licence":
            assert find_person(mark.identifier[1:] + mark.identifier[0]) is not None or not there


@pytest.mark.parametrize(
    "fields",
    [
        {"path": f"/hoso/{TIMEOUT}"},
        {"query": f"a=1&id={TIMEOUT}&b=2"},
        {"body": f'{{"x": ["{TIMEOUT}"]}}'.encode()},
        {"body": f"<a>{TIMEOUT}</a>".encode()},
        {"body": b'{"maThe": "DN4491037716060"}'},
        {"body": b"x" * 60_000 + f' "{TIMEOUT}"'.encode()},
    ],
)
def test_a_failing_identifier_is_found_wherever_it_stands(fields: dict[str, object]) -> None:
    assert failure_of(a_request(**fields)) is FAILURES[Meaning.TIMEOUT]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"path": "/hoso/049080000001"},
        {"body": f'"{TIMEOUT}1"'.encode()},
        {"body": f'"1{TIMEOUT}"'.encode()},
        {"body": b"x" * 65_536 + f' "{TIMEOUT}"'.encode()},
        {"body": b"\xff\x00" * 50},
    ],
)
def test_another_identifier_is_none(fields: dict[str, object]) -> None:
    assert failure_of(a_request(**fields)) is None


def test_a_pending_one_is_ready_from_the_second_look_on_and_pending_again_when_forgotten() -> None:
    state = remembering.Remembered({"look": LOOK})
    assert [is_ready(PENDING, state) for _ in range(3)] == [False, True, True]
    state.now += LOOK.seconds + 1
    assert not is_ready(PENDING, state)
    assert is_ready("000.00.31.H47-230524-0001", state), "an ordinary one always is"
    assert meaning_of("000.00.31.H47-230524-0001") is None
