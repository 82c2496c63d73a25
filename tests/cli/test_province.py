from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import connectors
from lgsp.cli import lgsp
from lgsp.errors import CatalogueError

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _nobody_of_one_s_own() -> None:
    connectors.prepare(REPOSITORY / "nothing there")


@pytest.mark.parametrize("identifier", ["049080000001", "7792486720", "DN5497792486720", "104908000000", "145410196"])
def test_every_number_of_a_person_shows_that_person(identifier: str) -> None:
    done = CliRunner().invoke(lgsp, ["province", "show", identifier, "--json"])
    assert done.exit_code == 0
    sheet = json.loads(done.stdout)
    assert (sheet["title"], sheet["meaning"]) == (
        "Nguyễn Minh Cường, Nam, 12/08/1980",
        "exists" if len(identifier) in {10, 12} else None,
    )
    assert sheet["services"]["population"] == {
        "SoDinhDanh": "049080000001",
        "SoCMND": "145410196",
        "HoVaTen": "NGUYỄN MINH CƯỜNG",
        "NgayThangNam": "19800812",
    }
    assert sheet["services"]["driver-license"]["ngaySinh"] == "12/08/1980"


def test_a_person_is_shown_with_what_verification_wants() -> None:
    done = CliRunner().invoke(lgsp, ["province", "show", "049080000001"])
    assert (
        "population: SoDinhDanh 049080000001, SoCMND 145410196, HoVaTen NGUYỄN MINH CƯỜNG, NgayThangNam 19800812"
        in done.stdout
    )
    assert done.stdout.startswith("049080000001: Nguyễn Minh Cường, Nam, 12/08/1980 (exists)\n")


@pytest.mark.parametrize(
    ("identifier", "services"),
    [
        ("4000000014", {"business-registration", "land-tax"}),
        (
            "000.00.31.H47-230524-9005",
            {"tthc-dossiers", "dvcqg-dossier-sync", "civil-status", "judicial-record", "land-tax"},
        ),
    ],
)
def test_enterprises_and_dossiers_have_sheets(identifier: str, services: set[str]) -> None:
    done = CliRunner().invoke(lgsp, ["province", "show", identifier, "--json"])
    assert (done.exit_code, set(json.loads(done.stdout)["services"])) == (0, services)


def test_nobody_is_a_finding() -> None:
    done = CliRunner().invoke(lgsp, ["province", "show", "049080990002"])
    assert (done.exit_code, done.stdout) == (1, "049080990002: nobody has it (not_found)\n")


def test_a_sample_has_the_table_and_as_many_people_as_were_asked_for() -> None:
    done = CliRunner().invoke(lgsp, ["province", "sample", "--count", "3", "--json"])
    given = json.loads(done.stdout)
    assert {
        "kind": "citizen",
        "identifier": "049080000007",
        "meaning": "timeout",
        "title": "Huỳnh Công Nam, Nam, 06/02/1980",
    } in given["meanings"]
    assert len({one["identifier"] for one in given["people"]}) == 3
    assert all(one["services"]["population"]["SoDinhDanh"] == one["identifier"] for one in given["people"])


def test_own_test_persons_of_the_configuration_are_shown_and_their_mistakes_told(tmp_path: Path) -> None:
    (tmp_path / "services.yaml").touch()
    (tmp_path / "province.d").mkdir()
    own = tmp_path / "province.d" / "own.csv"
    own.write_text("citizen_id,name,born\n031173900014,Đỗ Thị Thử,1973-05-02\n", encoding="utf-8")
    done = CliRunner().invoke(lgsp, ["province", "show", "031173900014", "--config", str(tmp_path)])
    assert done.stdout.startswith("031173900014: Đỗ Thị Thử, Nữ, 02/05/1973 (exists)\n")
    own.write_text("citizen_id,name,born\n031173900014,Đỗ,1973-05-02\n", encoding="utf-8")
    done = CliRunner().invoke(lgsp, ["province", "show", "031173900014", "--config", str(tmp_path)])
    assert isinstance(done.exception, CatalogueError)
    assert done.exception.problems == ["province.d/own.csv:2: name 'Đỗ': surname and given name at least"]


def test_validate_looks_at_own_test_persons_too(tmp_path: Path) -> None:
    (tmp_path / "services.yaml").touch()
    (tmp_path / "province.d").mkdir()
    (tmp_path / "province.d" / "own.csv").write_text("wrong\n", encoding="utf-8")
    done = CliRunner().invoke(lgsp, ["services", "validate", "--config", str(tmp_path)])
    assert isinstance(done.exception, CatalogueError)
    assert done.exception.problems[0].startswith("province.d/own.csv:1: the column 'wrong' is none of")
