from __future__ import annotations

import re

from lgsp.model import Outcome
from lgsp.monitoring.report.words import _WORDS, outcome_in, say


def test_both_languages_are_told_the_same_values() -> None:
    for key, (vi, en) in _WORDS.items():
        assert set(re.findall(r"\{(\w+)\}", vi)) == set(re.findall(r"\{(\w+)\}", en)), key


def test_every_outcome_has_its_words() -> None:
    for outcome in Outcome:
        assert outcome_in("vi", outcome) != outcome_in("en", outcome)
    assert say("vi", "total") == "Tổng số"
