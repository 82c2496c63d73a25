"""English stands in the code, Vietnamese in one file: nothing is missing there, and nothing is left over."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from lgsp.cli import words
from lgsp.cli.words import language, say, speak, translated, vietnamese

PACKAGE = Path(words.__file__).parents[1]
PROBLEMS = "calendar capacity consumer examples expression follow latency limits parse pattern profile reader replies source table units upstream validator"
UNSAID = {"; did you mean {}?", "{}:{}:{}: {}{}{}", "{}: {}", "{}: ", "{} / {}", "{}: {}: {}", "{}"}
"""Pieces of sentences, and what is built around them."""


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    speak("en")


def sentence(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return ""


def said() -> Iterator[str]:
    """What the command line asks `say` for, at once or by a finding."""
    files = (
        PACKAGE / name
        for name in (
            "cli/explain.py",
            "cli/__init__.py",
            "cli/doctor.py",
            "cli/tour.py",
            "monitoring/checkup.py",
            "monitoring/tour.py",
        )
    )
    for file in (*PACKAGE.glob("cli/services/*.py"), *files):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                if node.func.id in {"say", "said"}:
                    yield from filter(None, [sentence(node.args[0])])
                elif node.func.id in {"_asked", "_sample"}:
                    yield sentence(node.args[1])


def problems() -> Iterator[str]:
    """What the catalogue notes, raises or returns in words."""
    for name in PROBLEMS.split():
        for node in ast.walk(ast.parse((PACKAGE / "catalogue" / f"{name}.py").read_text())):
            found: list[ast.AST] = []
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called in {"note", "_note", "ValueError"}:
                    found = list(node.args)
            elif isinstance(node, ast.Return) and isinstance(node.value, ast.IfExp):
                found = [node.value.body, node.value.orelse]
            elif isinstance(node, ast.Return) and node.value is not None:
                found = [node.value]
            yield from (text for text in map(sentence, found) if " " in text and not text.startswith(("#", "<")))


def test_every_sentence_has_its_translation() -> None:
    missing = {text for text in (*said(), *problems()) if text not in vietnamese()} - UNSAID
    assert missing == set()


def test_both_have_as_much_put_in() -> None:
    assert [text for text, other in vietnamese().items() if text.count("{}") != other.count("{}")] == []


@pytest.mark.parametrize(
    ("line", "vi"),
    [
        (
            "a.yaml:2:3: svc: unknown key 'titel'; did you mean 'title'?",
            "a.yaml:2:3: svc: khóa không được biết 'titel'; ý là 'title' chăng?",
        ),
        ("a.yaml:1:1: this is no YAML: found: x", "a.yaml:1:1: đây không phải YAML: found: x"),
        ("    write: title: x", "    hãy viết: title: x"),
        ("nobody ever said this: so", "nobody ever said this: so"),
        ("a: a list belongs here\nb: a text belongs here", "a: ở đây cần một danh sách\nb: ở đây cần một chuỗi"),
    ],
)
def test_a_finished_line_is_translated_where_it_is_known(line: str, vi: str) -> None:
    assert translated(line) == line
    speak("vi")
    assert translated(line) == vi


def test_what_is_said_is_filled_in_either_language() -> None:
    assert say("{} examples, {} do not hold", 3, 1) == "3 examples, 1 do not hold"
    speak("vi")
    assert say("{} examples, {} do not hold", 3, 1) == "3 ví dụ, 1 không đúng"


@pytest.mark.parametrize(
    ("environment", "spoken"),
    [
        ({}, "en"),
        ({"LANG": "vi_VN.UTF-8"}, "vi"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "vi_VN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "vi"}, "vi"),
        ({"LANG": "vi_VN", "LC_ALL": ""}, "vi"),
    ],
)
def test_the_environment_says_which_language(environment: dict[str, str], spoken: str) -> None:
    assert language(environment) == spoken
