"""`multipart/form-data`, as clients of the exchange send a file."""

from __future__ import annotations

import re

_BOUNDARY = re.compile(r'boundary="?([^";,\s]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'\bname="([^"\r\n]*)"')


def fields_of(content_type: str, body: bytes) -> dict[str, bytes]:
    """The content of each field by its name, of a repeated one the last; nothing where it is no such body."""
    found = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/") or found is None:
        return {}
    line = b"\r\n" if b"\r\n" in body else b"\n"
    fields = {}
    for part in (line + body).split(line + b"--" + found[1].encode())[1:]:
        head, blank, content = part.partition(line * 2)
        name = _NAME.search(head)
        if blank and name:
            fields[name[1].decode(errors="replace")] = content
    return fields
