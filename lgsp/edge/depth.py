"""How deep JSON is nested, before anybody builds something of it: no parser, a few passes over the bytes.

{"a": ["]", {"b": []}]}   strings out -->   {[{[]}]}   one sign for both -->   [[[[]]]]   a level a pass -->   nothing
"""

from __future__ import annotations

import re

DEEPEST = 32
_JSON = re.compile(rb"\s*[\[{]")
_STRING = re.compile(rb'"[^"]*"')
_OTHERS = bytes(set(range(256)) - set(b'"[]{}'))
_ONE_SIGN = bytes.maketrans(b"{}", b"[]")


def is_too_deep(body: bytes, deepest: int = DEEPEST) -> bool:
    """Whether a body is JSON, by its first sign, that nests deeper, or whose brackets do not even match.

    A body with no more brackets than that is not looked at; the work is bounded by its length, whatever it is.
    """
    if not _JSON.match(body) or body.count(b"[") + body.count(b"{") <= deepest:
        return False
    # An escaped backslash first: the quote after it ends its string. Two quotes side by side enclose nothing.
    left = body.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _OTHERS).replace(b'""', b"")
    left = _STRING.sub(b"", left).translate(_ONE_SIGN)
    for _ in range(deepest):
        if not left:
            return False
        left = left.replace(b"[]", b"")
    return bool(left)
