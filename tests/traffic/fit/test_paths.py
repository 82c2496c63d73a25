from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.catalogue.parse import wrong_name
from lgsp.traffic.fit.paths import is_value, split, templates, values


def named(*paths: str) -> list[str]:
    found = templates(map(split, paths))
    return [found[split(path)] for path in paths]


@pytest.mark.parametrize(
    ("segment", "is_thing"),
    [
        ("vehicles", False),
        ("v1", False),
        ("1.0.0", False),
        ("v2.1.0", False),
        ("oauth2", False),
        ("apiCSDLDKDN", False),
        ("7", True),
        ("049085001234", True),
        ("30A-12345", True),
        ("550e8400-e29b-41d4-a716-446655440000", True),
        ("000.00.00.H47-240501-0001", True),
        ("deadbeef1", True),
        ("Nguy%E1%BB%85n", True),
    ],
)
def test_a_thing_is_told_from_a_word(segment: str, *, is_thing: bool) -> None:
    assert is_value(segment) is is_thing


def test_ids_become_parameters_named_after_the_word_before() -> None:
    assert named("/vehicles/30A-12345", "/vehicles/43B-00001", "/vehicles") == [
        "/vehicles/{vehicle}",
        "/vehicles/{vehicle}",
        "/vehicles",
    ]


def test_words_versions_and_several_parameters_keep_apart() -> None:
    assert named("/api/v1/people/049085001234/cards/77", "/api/v1/people/search") == [
        "/api/v1/people/{people}/cards/{card}",
        "/api/v1/people/search",
    ]


def test_two_parameters_in_a_row_have_two_names() -> None:
    assert named("/12/34/56") == ["/{id}/{id_2}/{id_3}"]


@pytest.mark.parametrize("words", [12, 13])
def test_very_many_words_at_one_place_are_values(words: int) -> None:
    letters = [chr(ord("a") + number) for number in range(words)]
    found = named(*(f"/dm/w{letter}" for letter in letters))
    assert found[0] == ("/dm/wa" if words == 12 else "/dm/{dm}")
    assert len(set(found)) == (12 if words == 12 else 1)


def test_the_values_of_a_template() -> None:
    assert values("/a/{x}/b/{y}", split("/a/1/b/2")) == {"x": "1", "y": "2"}
    assert values("/a", split("/a")) == {}


SEGMENT = st.text("ab1-. %é", min_size=1, max_size=6)


@given(st.lists(st.lists(SEGMENT, min_size=1, max_size=4).map("/".join), min_size=1, max_size=20))
def test_every_path_has_one_template_that_takes_it(paths: list[str]) -> None:
    found = templates(map(split, paths))
    for path in map(split, paths):
        template = split(found[path])
        assert len(template) == len(path)
        assert all(one == other or one.startswith("{") for one, other in zip(template, path, strict=True))
        assert "uses a parameter's name twice" not in wrong_name(f"GET {found[path]}")
