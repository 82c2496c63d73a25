"""What was looked at, whether it is well, and how to mend it, in words that can be said in another language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """English, with `{}` where the values go in, in their order."""

    text: str
    values: tuple[object, ...] = ()


def said(text: str, *values: object) -> Sentence:
    """The sentence."""
    return Sentence(text, values)


NOTHING = Sentence("")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `mend` is what to do where it is not well; `needed` is false where lgsp runs without it."""

    what: str
    well: bool
    says: Sentence
    mend: Sentence = NOTHING
    needed: bool = True
