"""What people read on the command line: English stands in the code, Vietnamese beside it in `words.vi.json`.

The file maps each English sentence, with `{}` where something is put in, to its translation with as many `{}`. What is
not in it stays English.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import cache, wraps
from importlib import resources
from typing import Any, ParamSpec, TypeVar

import click

P = ParamSpec("P")
R = TypeVar("R")
LANGUAGES = ("en", "vi")
_spoken: ContextVar[str] = ContextVar("spoken", default="en")


def language(environment: Mapping[str, str]) -> str:
    """`vi` where `LC_ALL`, `LC_MESSAGES` or `LANG`, the first that is set, says so; else `en`."""
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "vi" if locale.lower().startswith("vi") else "en"


def speak(spoken: str) -> None:
    """From now on this command line speaks `spoken`."""
    _spoken.set(spoken)


def say(text: str, *values: object) -> str:
    """A sentence of the code in the language spoken, with its `{}` filled in their order."""
    if _spoken.get() == "vi":
        text = vietnamese().get(text, text)
    return _filled(text, values)


def _filled(text: str, values: Sequence[object]) -> str:
    # Not `format`: sentences show braces of the format that they are about.
    pieces = text.split("{}")
    return "".join(f"{piece}{value}" for piece, value in zip(pieces, [*values, ""], strict=True))


def translated(text: str) -> str:
    """A finished sentence, or lines of them, in the language spoken: what was put in is found again and put in."""
    if _spoken.get() != "vi":
        return text
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    # file:line:column: way: sentence; either may be missing, and a sentence may have a colon of its own.
    parts = line.split(": ")
    for number in range(len(parts)):
        found = _sentence(": ".join(parts[number:]))
        if found is not None:
            return ": ".join([*parts[:number], found])
    return line


def _sentence(text: str) -> str | None:
    exact = vietnamese().get(text)
    if exact is not None:
        return exact
    for pattern, translation in _patterns():
        match = pattern.fullmatch(text)
        if match:
            return _filled(translation, match.groups())
    return None


@cache
def vietnamese() -> dict[str, str]:
    """The sentences with their translations."""
    text = resources.files("lgsp.cli").joinpath("words.vi.json").read_text("utf-8")
    words: dict[str, str] = json.loads(text)
    return words


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """The sentences into which something is put, the most definite first."""
    with_holes = sorted((text for text in vietnamese() if "{}" in text), key=lambda text: -len(text.replace("{}", "")))
    return [(re.compile("(.*)".join(map(re.escape, text.split("{}")))), vietnamese()[text]) for text in with_holes]


def in_words(command: Callable[P, R]) -> Callable[..., R]:
    """Add `--lang`."""

    @click.option("--lang", "spoken", type=click.Choice(LANGUAGES), help="The language of messages [LANG].")
    @wraps(command)
    def speaking(*args: Any, spoken: str | None, **kwargs: Any) -> R:  # noqa: ANN401 - click's
        if spoken:
            speak(spoken)
        return command(*args, **kwargs)

    return speaking
