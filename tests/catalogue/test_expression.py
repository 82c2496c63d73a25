from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.catalogue.expression import wrong_template


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% if 1 %}a{% endif %}", "if is refused"),
        ("{% for a in body %}{% endfor %}", "for is refused"),
        ("{% set a = 1 %}", "assign is refused"),
        ("{% include 'x' %}", "include is refused"),
        ("{{ path.plate.upper() }}", "calls are refused"),
        ("{{ range(9) }}", "'range' is none of now, lookup"),
        ("{{ ''.__class__ }}", "'__class__'"),
        ("{{ path._secret }}", "'_secret'"),
        ("{{ 'a' * 300000000 }}", "mul is refused"),
        ("{{ 9 ** 999999999 }}", "pow is refused"),
        ("{{ 9 % 2 }}", "mod is refused"),
        ("{{ 1 / 2 }}", "div is refused"),
        ("{{ body[1:2] }}", "slice is refused"),
        ("{{ [1, 2] }}", "list is refused"),
        ("{{ body is defined }}", "test is refused"),
        ("{{ body | join }}", "'join' is none of"),
        ("{{ body | attr('x') }}", "'attr' is none of"),
        ("{{ 'a' | center(300000000) }}", "'center' is none of"),
        ("{{ nobody }}", "'nobody' is none of path, query"),
        ("{{ self }}", "'self' is none of"),
        ("{{ fake.unknown }}", "fake.unknown is none of name"),
        ("{{ }}", "is no template"),
        ("{{ body.id", "is no template"),
        ("{{ 1e999 }}", "too large"),
        ("{{ now }}", "'now' is none of"),
        ("{{ now('%Y', 1) }}", "one format"),
        ("{{ now(path.x) }}", "one format"),
        ("{{ now('%99999999d') }}", "one format"),
        ("{{ now(form='%Y') }}", "plain values only"),
        ("{{ now(*path) }}", "plain values only"),
        ("{{ lookup('people') }}", "a table's name and a key"),
        ("{{ lookup(path.x, 1) }}", "a table's name and a key"),
        ("{{ lookup('nobody', 1) }}", "no table 'nobody' under `data` (people)"),
        ("{{ lookup('people', 1).__class__ }}", "'__class__'"),
        ("{{ path.a" + " ~ path.a" * 60 + " }}", "at most 50 values"),
        ("{{ " + "'a' ~ " * 2_000 + "'a' }}", "at most 4000 letters"),
        ("{{ " + "-" * 100 + "1 }}", "nested too deeply"),
        ("{{ " + "(" * 1_900 + "1" + ")" * 1_900 + " }}", "nested too deeply"),
    ],
    ids=lambda value: value[:30],
)
def test_what_could_escape_or_explode_is_refused_in_words(template: str, words: str) -> None:
    assert words in wrong_template(template, ("people",))


@pytest.mark.parametrize(
    "template",
    [
        "{{ path.a }}",
        "a {{ body['x'][0] | default('-') | upper }} b",
        "{{ now() }}",
        "{{ now('%d/%m/%Y %H:%M:%S %%') }}",
        "{{ lookup('people', path.id).name }}",
        "{{ 1 if query.a == 'b' else -2 }}",
        "plain",
    ],
)
def test_what_is_meant_is_not_refused(template: str) -> None:
    assert wrong_template(template, ("people",)) == ""


@given(st.text("{}%#()[]'\"|~.+-*/abn _123", max_size=60))
def test_any_text_is_taken_or_refused_in_words(text: str) -> None:
    assert isinstance(wrong_template("{{ " + text + " }}"), str)
