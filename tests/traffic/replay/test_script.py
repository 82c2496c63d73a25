from __future__ import annotations

from pathlib import Path

import pytest

from lgsp.errors import CatalogueError
from lgsp.traffic.replay.bind import Binding, Put, Which
from lgsp.traffic.replay.place import parse_place
from lgsp.traffic.replay.script import read_script, written

BINDINGS = (
    Binding("token", Which("POST /token"), parse_place("$.access_token"), (Put(parse_place("header:Authorization")),)),
    Binding(
        "id", Which("svc POST /a/{id}"), parse_place("$[0].Mã"), (Put(parse_place("path")), Put(parse_place("$.a[].b")))
    ),
)


@pytest.mark.parametrize("bindings", [(), BINDINGS[:1], BINDINGS])
def test_what_is_written_is_read_again(bindings: tuple[Binding, ...], tmp_path: Path) -> None:
    (tmp_path / "bind.yaml").write_text(written(bindings))
    assert read_script([tmp_path / "bind.yaml"]).bindings == bindings


def test_several_files_are_one_and_a_form_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text('bind:\n  t: {from: POST /t, take: $.t, put: {"header:A": "Bearer {}"}}\n')
    (tmp_path / "b.yaml").write_text(written(BINDINGS))
    read = read_script([tmp_path / "a.yaml", tmp_path / "b.yaml"]).bindings
    assert read[0].puts == (Put(parse_place("header:A"), "Bearer {}"),)
    assert read[1:] == BINDINGS
    assert read_script([]).bindings == ()


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        'bind:\n  t: {from: POST /t, tkae: $.t, put: ["header:Cookie"]}\n  u: {from: x, take: z, put: {"header:A": "B"}}\nbend: {}\n'
    )
    with pytest.raises(CatalogueError) as told:
        read_script([tmp_path / "a.yaml"])
    problems = [problem.partition("\n")[0].removeprefix(str(tmp_path)) for problem in told.value.problems]
    assert problems == [
        "/a.yaml:2:3: bind / t: `take` is missing",
        "/a.yaml:2:22: bind / t: unknown key 'tkae'; did you mean 'take'?",
        "/a.yaml:2:39: bind / t: a cookie is named: write cookie:NAME",
        problems[3],
        '/a.yaml:3:43: bind / u: a form has {} where the value goes, as in "Bearer {}"',
        "/a.yaml:4:1: unknown key 'bend'; did you mean 'bind'?",
    ]
    assert problems[3].startswith("/a.yaml:3:22: bind / u: 'z' is no place: write path")
