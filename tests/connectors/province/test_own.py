"""One's own test persons: read strictly, and then inhabitants like all others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import remembering

import connectors
from connectors import health, social_insurance
from connectors.province.meanings import Meaning, failure_of, meaning_of
from connectors.province.own import OwnPerson, read_own
from connectors.province.person import find_by_legacy, find_insured, find_person, search
from connectors.province.sheet import sheet_of
from lgsp.model import Outcome, Request

HEAD = "citizen_id,name,born,meaning,insurance_number,legacy_id,phone"
ROW = "031173900014,Đỗ Thị Thử Nghiệm,1973-05-02,exists,3116073999,012345678,0900012345"
MEANINGS = tuple(Meaning)


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "province.d").mkdir()
    yield tmp_path
    connectors.prepare(tmp_path / "nothing there")


def put(config: Path, *lines: str, name: str = "mine.csv") -> None:
    (config / "province.d" / name).write_text("\n".join(lines), encoding="utf-8")


def test_a_row_is_a_person(config: Path) -> None:
    put(config, HEAD, ROW, "")
    assert read_own(config, MEANINGS) == (
        [
            OwnPerson(
                "031173900014", "Đỗ Thị Thử Nghiệm", date(1973, 5, 2), "exists", "3116073999", "012345678", "0900012345"
            )
        ],
        [],
    )


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["citizen_id,nane,born"], ":1: the column 'nane' is none of citizen_id, name"),
        (["citizen_id,nane,born"], "did you mean name?"),
        (["citizen_id,born"], ":1: the columns name are missing"),
        (["citizen_id,name,born,name"], ":1: a column stands twice"),
        ([], ":1: the columns citizen_id, name, born are missing"),
        ([HEAD, "31173900014,A B,1973-05-02,,,,"], ":2: citizen_id '31173900014' is not 12 digits"),
        ([HEAD, "31173900014,A B,1973-05-02,,,,"], "a spreadsheet took the zeros in front"),
        ([HEAD, ROW.replace("Đỗ Thị Thử Nghiệm", "An")], ":2: name 'An': surname and given name at least"),
        ([HEAD, ROW.replace("1973-05-02", "02/05/1973")], ":2: born '02/05/1973' is not written yyyy-MM-dd"),
        ([HEAD, ROW.replace("1973-05-02", "1974-05-02")], ":2: born 1974-05-02: the citizen id says 1973"),
        ([HEAD, ROW.replace("exists", "lost")], ":2: meaning 'lost' is none of exists, not_found"),
        ([HEAD, ROW.replace("3116073999", "311607399")], ":2: insurance_number '311607399' is not 10 digits"),
        ([HEAD, ROW.replace("012345678", "x")], ":2: legacy_id 'x' is not 9 digits"),
        ([HEAD, ROW, ROW], ":3: citizen_id 031173900014 stands at province.d/mine.csv:2 already"),
        ([HEAD, "031173900014,A B"], ":2: 2 values for 7 columns"),
        ([HEAD, '031173900014,"A B'], ":2: no CSV"),
    ],
)
def test_a_mistake_is_told_with_file_and_line_and_nobody_is_taken_in(config: Path, lines: list[str], says: str) -> None:
    put(config, *lines)
    [problem] = connectors.prepare(config)
    assert problem.startswith("province.d/mine.csv:")
    assert says in problem
    assert find_person("031173900014") is None


def test_every_mistake_of_every_file_is_told_at_once(config: Path) -> None:
    put(config, HEAD, "x,A B,1973-05-02,,,,", "y,A B,1973-05-02,,,,", name="a.csv")
    put(config, "wrong", name="b.csv")
    (config / "province.d" / "c.csv").write_bytes(b"\xff\xfe")
    places = [problem.split(": ")[0] for problem in connectors.prepare(config)]
    assert places == ["province.d/a.csv:2", "province.d/a.csv:3", "province.d/b.csv:1", "province.d/c.csv:1"]


def ask(module: Any, operation: str, path: str = "", **content: Any) -> Any:
    body = json.dumps(content).encode()
    request = Request(id="t", service="s", operation=operation, path=path, body=body)
    reply = asyncio.run(remembering.answering(module)(request))
    return json.loads(reply.body)


def test_an_own_person_is_the_same_in_every_service(config: Path) -> None:
    put(config, HEAD, ROW)
    assert find_person("031173900014") is None, "not of the province's own provinces of birth"
    assert connectors.prepare(config) == []
    person = find_person("031173900014")
    assert person is not None
    assert (person.name, person.surname, person.middle, person.given) == (
        "Đỗ Thị Thử Nghiệm",
        "Đỗ",
        "Thị Thử",
        "Nghiệm",
    )
    assert (person.gender, person.born, person.phone) == ("Nữ", date(1973, 5, 2), "0900012345")
    assert find_insured("3116073999") == find_by_legacy("012345678") == person
    assert search("đỗ thị thử nghiệm", 1973, male=False) == [person]
    assert search("đỗ thị thử nghiệm", 1973, male=True) == []

    insured = ask(social_insurance, "POST /getTraCuuTtHgdByMaSoBhxh", maSoBhxh="3116073999")
    assert (insured["hoTen"], insured["ngaySinh"]) == ("Đỗ Thị Thử Nghiệm", "19730502")
    record = ask(health, "GET /hoso/{soDinhDanh}", path="/hoso/031173900014")
    assert (record["hoTen"], record["soTheBHYT"][5:]) == ("Đỗ Thị Thử Nghiệm", "3116073999")
    assert sheet_of("031173900014").services["population"]["NgayThangNam"] == "19730502"


def test_what_is_not_given_follows_from_the_id(config: Path) -> None:
    put(config, "citizen_id,name,born", "031173900014,Đỗ Nghiệm,1973-05-02")
    connectors.prepare(config)
    person = find_person("031173900014")
    assert person is not None
    assert (person.middle, len(person.insurance_number), len(person.phone)) == ("", 10, 10)
    assert person.children == [] or person.children[0].surname


def test_an_own_person_stands_in_place_of_whoever_had_the_id_and_may_mean_a_failure(config: Path) -> None:
    put(config, "citizen_id,name,born,meaning", "049080000001,Lê Văn Của Tôi,1980-01-31,timeout")
    before = find_person("049080000001")
    assert before is not None
    assert before.name == "Nguyễn Minh Cường"
    connectors.prepare(config)
    after = find_person("049080000001")
    assert after is not None
    assert (after.name, after.born) == ("Lê Văn Của Tôi", date(1980, 1, 31))
    assert meaning_of("049080000001") is Meaning.TIMEOUT
    request = Request(id="t", service="s", operation="GET /x", path="/hoso/049080000001")
    assert failure_of(request) is Outcome.TIMEOUT
    connectors.prepare(config / "nothing there")
    assert failure_of(request) is None
    assert find_person("049080000001") == before


def test_an_own_person_who_means_nobody_is_nobody(config: Path) -> None:
    put(config, "citizen_id,name,born,meaning", "049080000001,Lê Văn Của Tôi,1980-01-31,not_found")
    connectors.prepare(config)
    assert find_person("049080000001") is None
