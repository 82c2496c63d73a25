from pathlib import Path

import pytest

from lgsp.catalogue.consumer import Consumer, read_consumers
from lgsp.errors import CatalogueError


def test_the_shipped_consumers_are_one_lifelike_and_one_calm() -> None:
    consumers = read_consumers(Path(__file__).parents[2] / "config")
    assert {name: consumer.behaviour for name, consumer in consumers.items()} == {"demo": "field", "tester": "calm"}
    assert consumers["tester"].organisation == "000.00.01.H47"


def test_drop_in_files_add_consumers(tmp_path: Path) -> None:
    (tmp_path / "consumers.d").mkdir()
    (tmp_path / "consumers.yaml").write_text("a: {}\n")
    (tmp_path / "consumers.d" / "b.yaml").write_text("b: {behaviour: calm}\n")
    assert read_consumers(tmp_path) == {
        "a": Consumer(id="a", title="a"),
        "b": Consumer(id="b", title="b", behaviour="calm"),
    }


def test_every_mistake_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "consumers.yaml").write_text("a: {behavior: calm}\nb:\n  organisation: 049\n")
    with pytest.raises(CatalogueError) as caught:
        read_consumers(tmp_path)
    assert [problem.partition(": ")[0] for problem in caught.value.problems] == [
        "consumers.yaml:1:5",
        "consumers.yaml:3:17",
    ]
    assert "did you mean 'behaviour'?" in caught.value.problems[0]
