from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.edge.depth import DEEPEST, is_too_deep


def nested(levels: int, inside: str = "1") -> bytes:
    """Lists and objects in turn."""
    opened = "".join('{"a\\"[": ' if level % 2 else "[" for level in range(levels))
    return (opened + inside + "".join("}" if level % 2 else "]" for level in reversed(range(levels)))).encode()


def depth(value: object) -> int:
    """As a parser sees it."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@pytest.mark.parametrize(
    ("body", "deep"),
    [
        (b"", False),
        (nested(DEEPEST), False),
        (nested(DEEPEST + 1), True),
        (b" \r\n\t" + nested(DEEPEST + 1), True),
        (nested(1_000_000), True),
        (b"[" * 1_000_000, True),
        (b'{"a":' * 200_000, True),
        (b"[" + b"[]," * 100_000 + b"[]]", False),
        (b'{"text": "' + b"[" * 1_000 + b'"}', False),
        (b'{"text": "\\\\", "more": ' + nested(40) + b"}", True),
        (b'{"text": "\\"' + b"[{" * 100 + b'"}', False),
        (b"<a>" + b"[" * 1_000 + b"</a>", False),
        (b'"' + b"[" * 1_000, False),
    ],
    ids=lambda value: value[:12] if isinstance(value, bytes) else "",
)
def test_what_is_too_deep(body: bytes, deep: bool) -> None:  # noqa: FBT001 - a table
    assert is_too_deep(body) is deep


_TEXTS = st.text(st.sampled_from('[]{}"\\ax,:é'), max_size=6)
_JSON = st.recursive(
    st.none() | st.integers() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=12,
)


@given(_JSON, st.integers(0, 6), st.booleans())
def test_it_is_as_a_parser_sees_it(value: object, deepest: int, ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert is_too_deep(body, deepest) is (depth(value) > deepest)
