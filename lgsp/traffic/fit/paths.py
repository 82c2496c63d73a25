"""Which operations were asked: paths as called, with what names a thing in place of the thing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

Path = tuple[str, ...]
"""The segments of a path, without the slashes."""
_MANY = 12
"""So many different words at one place are values, not words."""
_VERSION = re.compile(r"v?\d+(\.\d+)+|v\d+")
_WORD = re.compile(r"[A-Za-z0-9._~-]+")
_HEX = re.compile(r"[0-9a-fA-F-]{8,}")


def split(path: str) -> Path:
    """The segments of a path."""
    return tuple(path.strip("/").split("/"))


def templates(paths: Iterable[Path]) -> dict[Path, str]:
    """The template of each path of one method: `/vehicles/{vehicle}/owners`. Names that a template has are its own."""
    by_length: dict[int, set[Path]] = defaultdict(set)
    for path in paths:
        by_length[len(path)].add(path)
    found: dict[Path, str] = {}
    for same in by_length.values():
        _descend(sorted(same), 0, (), found)
    return found


def is_value(segment: str) -> bool:
    """Whether a segment names a thing by itself: digits, a UUID, letters with digits; not a word, not a version."""
    if not _WORD.fullmatch(segment):
        return bool(segment)
    if _VERSION.fullmatch(segment):
        return False
    digits = sum(sign.isdigit() for sign in segment)
    return digits == len(segment) > 0 or digits >= 2 or (digits > 0 and _HEX.fullmatch(segment) is not None)


def values(template: str, path: Path) -> dict[str, str]:
    """What stands at the template's parameters."""
    return {
        name[1:-1]: segment
        for name, segment in zip(split(template), path, strict=True)
        if name.startswith("{") and name.endswith("}")
    }


def _descend(paths: Sequence[Path], place: int, before: Path, found: dict[Path, str]) -> None:
    if place == len(paths[0]):
        for path in paths:
            found[path] = "/" + "/".join(before)
        return
    by_word: Mapping[str, list[Path]] = _grouped(paths, place)
    words = [word for word in by_word if not is_value(word)]
    if len(words) > _MANY:
        words = []
    things = [path for word, group in by_word.items() if word not in words for path in group]
    for word in words:
        _descend(by_word[word], place + 1, (*before, word), found)
    if things:
        _descend(things, place + 1, (*before, f"{{{_name(before)}}}"), found)


def _grouped(paths: Sequence[Path], place: int) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        groups[path[place]].append(path)
    return groups


def _name(before: Path) -> str:
    """A parameter's name: what stands before it, as one of it; told apart from those that are there already."""
    last = before[-1] if before and not before[-1].startswith("{") else ""
    name = re.sub(r"\W", "_", last)
    name = name[:-1] if len(name) > 3 and name.endswith("s") and not name.endswith("ss") else name
    name = name if re.match(r"[A-Za-z_]", name) else "id"
    taken = {segment[1:-1] for segment in before if segment.startswith("{")}
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free
