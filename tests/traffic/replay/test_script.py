from __future__ import annotations

import re
from pathlib import Path

import pytest

from lgsp.errors import CatalogueError
from lgsp.traffic.replay.bind import Binding, Put, Which
from lgsp.traffic.replay.place import Said, parse_place
from lgsp.traffic.replay.script import Variable, read_script, written
from lgsp.traffic.replay.sign import signed

NOBODY: Variable = {}.get
BINDINGS = (
    Binding("token", Which("POST /token"), parse_place("$.access_token"), (Put(parse_place("header:Authorization")),)),
    Binding(
        "id", Which("svc POST /a/{id}"), parse_place("$[0].Mã"), (Put(parse_place("path")), Put(parse_place("$.a[].b")))
    ),
)


@pytest.mark.parametrize("bindings", [(), BINDINGS[:1], BINDINGS])
def test_what_is_written_is_read_again(bindings: tuple[Binding, ...], tmp_path: Path) -> None:
    (tmp_path / "bind.yaml").write_text(written(bindings))
    assert read_script([tmp_path / "bind.yaml"], NOBODY).bindings == bindings


def test_several_files_are_one_and_a_form_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text('bind:\n  t: {from: POST /t, take: $.t, put: {"header:A": "Bearer {}"}}\n')
    (tmp_path / "b.yaml").write_text(written(BINDINGS))
    read = read_script([tmp_path / "a.yaml", tmp_path / "b.yaml"], NOBODY).bindings
    assert read[0].puts == (Put(parse_place("header:A"), "Bearer {}"),)
    assert read[1:] == BINDINGS
    assert read_script([], NOBODY).bindings == ()


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        'bind:\n  t: {from: POST /t, tkae: $.t, put: ["header:Cookie"]}\n  u: {from: x, take: z, put: {"header:A": "B"}}\nbend: {}\n'
    )
    with pytest.raises(CatalogueError) as told:
        read_script([tmp_path / "a.yaml"], NOBODY)
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


SIGN = """
sign:
  hash:
    for: [svc, POST /a]
    values:
      secret: "${SECRET:-none}"
      hash: {hmac-sha256: "{$.a}|{stamp}", key: "{secret}", as: base64}
      stamp: {now: unix, zone: "+07:00"}
    put: {"$.hash": "{hash}", "header:X": "${SECRET}"}
  other: {values: {a: {sha256: "{path}", base64: "b"}, b: {now: today}, c: "${GONE}", d: {key: "x"}, f: {hmac-sha256: "x"}}, put: {"$.a": "{e}"}}
"""


def test_mistakes_of_signatures_are_told_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SIGN)
    with pytest.raises(CatalogueError) as told:
        read_script([tmp_path / "a.yaml"], NOBODY)
    problems = [problem.partition("\n")[0].removeprefix(f"{tmp_path}/a.yaml:") for problem in told.value.problems]
    wanted = [
        "7: sign / hash / hash: {stamp} is nothing that stands above it, and no place; there are secret, method, path, query, body",
        '9: sign / hash: a variable of the environment has a value of its own in `values`: secret: "${SECRET}"',
        "10: sign / other: `for` is missing",
        "10: sign / other / a: a value is computed in one way: sha256 or base64?",
        '10: sign / other / b: a time is written as unix, unix-ms, or a form such as "%Y%m%d%H%M%S"',
        "10: sign / other / c: the environment has no GONE: set it, or GONE_FILE to a file that holds it",
        "10: sign / other / d: says no way to compute it: one of now, sha256, hmac-sha256, base64",
        "10: sign / other / f: `key` belongs to hmac-sha256, and it has one",
        "10: sign / other: {e} is nothing that stands above it, and no place; there are a, b, c, d, f, method, path, query, body",
    ]
    assert [re.sub(r"^(\d+):\d+", r"\1", problem) for problem in problems] == wanted


def test_a_secret_of_the_environment_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text('sign:\n  s: {for: x, values: {k: "${SECRET}"}, put: {"header:K": "{k}"}}\n')
    [signature] = read_script([tmp_path / "a.yaml"], {"SECRET": "a{path}b${x}"}.get).signatures
    assert signed(Said(target="/p"), "GET", signature, 0).headers == (("k", "a{path}b${x}"),)
