from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.errors import CatalogueError, SettingsError
from lgsp.traffic.diff.rules import COMPARE, Rule, Rules, read_rules, written

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@st.composite
def a_rule(draw: st.DrawFn) -> Rule:
    compare = draw(st.sampled_from(COMPARE))
    sizes = st.integers(0, 9_999).map(lambda n: n / 8)
    of = {
        "tolerance": sizes,
        "within": st.integers(1, 999).map(float),
        "matches": st.sampled_from(["[0-9]{4}", 'a"\\d']),
    }
    return Rule(
        f"reply.{draw(NAMES)}",
        compare,
        draw(of.get(compare, st.just(""))),
        draw(st.just("*") | NAMES),
        draw(st.just("*") | NAMES),
    )


def made(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "rules.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@given(st.lists(a_rule(), max_size=4))
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, rules: list[Rule]) -> None:
    file = made(tmp_path_factory.mktemp("r"), written([(rule, "9 of 10 pairs") for rule in rules], ["head"]))
    assert read_rules(file) == rules


def test_a_file_is_a_list_of_places_and_ways(tmp_path: Path) -> None:
    file = made(
        tmp_path,
        """
diff:
  - {at: "reply.body.*.time", compare: within, of: 5s}
  - {at: reply.body.items, compare: unordered, of: id, service: population}
  - at: reply.body.amount
    compare: tolerance
    of: 0.01
    operation: "GET /a/*"
""",
    )
    assert read_rules(file) == [
        Rule("reply.body.*.time", "within", 5.0),
        Rule("reply.body.items", "unordered", "id", "population"),
        Rule("reply.body.amount", "tolerance", 0.01, "*", "GET /a/*"),
    ]


def test_a_rule_counts_in_the_operations_that_it_names() -> None:
    rules = Rules([Rule("a", "ignore", service="s*"), Rule("a", "shape", operation="GET /a/{id}")])
    way = {name: rules.of(*name).way("a") for name in [("s1", "x"), ("t", "GET /a/{id}"), ("t", "GET /a/7")]}
    assert [(each.ignore, each.shape) for each in way.values()] == [(True, False), (False, True), (False, False)]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('diff:\n  - {at: "a", compare: ignor}', 2, "did you mean 'ignore'?"),
        ('diff:\n  - {at: "a"}', 2, "`at` and `compare` belong here"),
        ('diff:\n  - {at: "a", compare: within}', 2, "`of` is missing: within wants a duration"),
        ('diff:\n  - {at: "a", compare: within, of: 5}', 2, "a duration needs its unit"),
        ('diff:\n  - {at: "a", compare: tolerance, of: x}', 2, "is no number"),
        ('diff:\n  - {at: "a", compare: matches, of: "("}', 2, "is no regular expression"),
        ('diff:\n  - {at: "a", compare: ignore, of: "x"}', 2, "ignore takes no `of`"),
        ('diff:\n  - {at: "a", compare: ignore}\n  - {ath: "a", compare: equal}', 3, "did you mean 'at'?"),
        ("diff: {}", 1, "a list belongs here"),
        ("rules: []", 1, "unknown key 'rules'"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        read_rules(made(tmp_path, text))
    assert f"rules.yaml:{line}:" in str(caught.value)
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.yaml: cannot be read"):
        read_rules(tmp_path / "none.yaml")
