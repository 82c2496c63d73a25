from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lgsp.cli.history import history
from lgsp.errors import SettingsError
from lgsp.ledger.past import Past

SMALL = """\
zone: Asia/Ho_Chi_Minh
calls: 1000
parts: {all: {share: 100%}}
period: {from: "2023-05-11", to: "2023-05-24", calls: 100000, official: 99%, services: 1}
failures: {timeout: 100%}
services: {e-office: {share: 100%, official: 99%}}
"""


def run(tmp_path: Path, *arguments: str, scenario: str = SMALL) -> Result:
    file = tmp_path / "small.yaml"
    file.write_text(scenario)
    words = [*arguments, "--scenario", str(file), "--state", str(tmp_path / "state")]
    return CliRunner().invoke(history, words, catch_exceptions=True)


def test_it_writes_the_past_beside_the_ledger_and_says_what_it_is(tmp_path: Path) -> None:
    done = run(tmp_path, "--with", "growth 2x", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["calls"], told["official"], told["first"], told["last"]) == (
        200_000,
        198_000,
        "2023-05-11",
        "2023-05-24",
    )
    assert (told["seed"], told["changes"], told["moved_days"]) == (2023, ["growth 2x"], 0)
    with Past(tmp_path / "state" / "history.sqlite") as past:
        assert past.totals() == {("e-office", "ok"): 198_000, ("e-office", "timeout"): 2_000}
        assert past.is_whole()


def test_once_it_leaves_alone_what_is_there(tmp_path: Path) -> None:
    assert run(tmp_path, "--once", "--seed", "1").exit_code == 0
    again = run(tmp_path, "--once", "--seed", "2")
    assert again.exit_code == 0
    assert "is there already" in again.stderr
    with Past(tmp_path / "state" / "history.sqlite") as past:
        assert past.about.seed == 1


def test_what_cannot_be_written_for_prometheus_is_tried_again_at_the_next_start(tmp_path: Path) -> None:
    where = tmp_path / "later" / "past.txt"
    assert isinstance(run(tmp_path, "--once", "--openmetrics", str(where)).exception, OSError)
    assert not (tmp_path / "state" / "history.sqlite").exists()
    where.parent.mkdir()
    assert run(tmp_path, "--once", "--openmetrics", str(where)).exit_code == 0
    assert where.read_text().endswith("# EOF\n")
    assert (tmp_path / "state" / "history.sqlite").exists()
    assert [file.name for file in where.parent.iterdir()] == ["past.txt"]


def test_a_change_says_what_it_does_to_official_success_and_budgets(tmp_path: Path) -> None:
    change = "outage e-office 2023-05-15T00:00 7h"
    [budget] = json.loads(run(tmp_path, "--with", change, "--json").stdout)["budgets"]
    assert (budget["service"], budget["month"], budget["objective"]) == ("e-office", "2023-05", 0.99)
    assert budget["spent_unchanged"] == pytest.approx(1.0)
    lost = 7 / (14 * 24)
    assert budget["spent"] == pytest.approx((0.01 + lost * 0.99) / 0.01, rel=0.03)
    assert budget["official"] == pytest.approx(0.99 * (1 - lost), rel=0.002)
    told = run(tmp_path, "--with", change).stdout
    assert re.search(r"e-office +2023-05 +96\.9\d% +96\.9\d% +99\.00% +3\d\d% +100%", told), told
    assert "budget" not in run(tmp_path).stdout


def test_until_now_it_is_moved_by_whole_weeks(tmp_path: Path) -> None:
    told = json.loads(run(tmp_path, "--until", "now", "--json").stdout)
    assert told["moved_days"] > 0
    assert told["moved_days"] % 7 == 0
    assert told["last"] > "2026"
    assert told["calls"] >= 100_000


def test_check_says_every_fact_and_exits_1_when_one_does_not_come_out(tmp_path: Path) -> None:
    done = run(tmp_path, "--check", "--json")
    assert (done.exit_code, {fact["holds"] for fact in json.loads(done.stdout)}) == (0, {True})
    assert not (tmp_path / "state").exists()
    wrong = run(tmp_path, "--check", scenario=SMALL.replace("services: 1}", "services: 2}"))
    assert wrong.exit_code == 1
    assert "NO  services" in wrong.stdout


@pytest.mark.parametrize(
    ("arguments", "scenario", "says"),
    [
        (["--until", "now", "--as-dated"], SMALL, "choose one"),
        ([], SMALL.replace("period:", "x-period:"), "has no `period`"),
        (["--with", "nonsense"], SMALL, "is no change"),
        ([], SMALL.replace("e-office", "nobody"), "the catalogue does not have"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tmp_path: Path, arguments: list[str], scenario: str, says: str) -> None:
    done = run(tmp_path, *arguments, scenario=scenario)
    assert isinstance(done.exception, SettingsError)
    assert says in str(done.exception)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = CliRunner().invoke(history, ["--scenario", str(tmp_path / "none.yaml"), "--state", str(tmp_path)])
    assert "there is no scenario" in str(done.exception)
