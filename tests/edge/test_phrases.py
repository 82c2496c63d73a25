from __future__ import annotations

import re
from importlib.resources import files

import pytest

from lgsp.edge.glance import State
from lgsp.edge.phrases import phrases, speaks
from lgsp.ledger.row import SEGMENT_CODE
from lgsp.model import Outcome

SHIPPED = files("lgsp.edge") / "console"


@pytest.mark.parametrize(
    ("wanted", "accept", "language"),
    [
        ("", "", "vi"),
        ("en", "vi", "en"),
        ("vi", "en", "vi"),
        ("fr", "en-GB,en;q=0.9", "en"),
        ("", "fr, en;q=0.5, vi;q=0.9", "vi"),
        ("", "fr;q=1, en;q=0.5", "en"),
        ("", "en;q=nonsense", "vi"),
        ("", "EN-us", "en"),
    ],
)
def test_the_language_is_the_wanted_one_or_the_browser_s(wanted: str, accept: str, language: str) -> None:
    assert speaks(wanted, accept) == language


def test_both_languages_have_the_same_places_to_fill() -> None:
    vietnamese, english = phrases("vi"), phrases("en")
    assert all(
        set(re.findall(r"\{\d\}", vietnamese[name])) == set(re.findall(r"\{\d\}", english[name])) for name in english
    )
    assert all(vietnamese.values())
    assert all(english.values())


def test_every_state_outcome_and_segment_has_words() -> None:
    needed = {*State, *Outcome, *(f"segment-{name}" for name in SEGMENT_CODE), *(f"part-{n}" for n in range(5))}
    assert needed <= phrases("vi").keys()


def test_everything_that_pages_and_scripts_say_is_a_phrase_and_every_phrase_is_said() -> None:
    texts = [each.read_text() for each in SHIPPED.iterdir() if each.name.endswith((".js", ".html"))]
    spoken = {
        name
        for text in texts
        for name in re.findall(r'say\("([^"]+)"|\{\{([^}*]+)\}\}|\["([a-z-]+)", [a-z]', text)
        for name in name
        if name
    }
    assert spoken <= phrases("vi").keys()
    source = "".join(texts) + "".join((files("lgsp.edge") / name).read_text() for name in ("search.py", "exchanged.py"))
    computed = {*State, *Outcome, *(f"segment-{name}" for name in SEGMENT_CODE), *(f"part-{n}" for n in range(5))}
    computed |= {"bus-memory", "bus-rabbitmq", "central", "provincial"}
    marks = ('"{}"', "'{}'", "{{{{{}}}}}")
    unsaid = [name for name in phrases("vi") if not any(mark.format(name) in source for mark in marks)]
    assert set(unsaid) <= computed
