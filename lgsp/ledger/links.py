"""The chain read back: each row's bytes from its fields, each link from the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from struct import error as StructError  # noqa: N812 - struct calls its exception `error`
from typing import Any

from lgsp.ledger.journal import Head
from lgsp.ledger.row import ENDED, OPENED, OUTCOME_CODE, SEGMENT_CODE, SEQUENCE

Fields = tuple[Any, ...]


def body_of(fields: Fields) -> bytes:
    """The two halves of a row, from its fields as the table has them. Raises `ValueError` for fields that are none."""
    try:
        (
            _,
            id_,
            accepted,
            kind,
            flags,
            callers,
            asked,
            took,
            outcome,
            fault,
            status,
            attempts,
            answered,
            times,
            reason,
        ) = fields[:15]
        if len(id_) != 16 or len(callers) > 24 or len(times) not in {0, 20} or len(reason) > 32:
            raise ValueError("a field has another width")
        return OPENED.pack(id_, accepted, kind, flags, callers, asked) + ENDED.pack(
            took,
            OUTCOME_CODE[outcome],
            SEGMENT_CODE[fault],
            status,
            attempts,
            answered,
            times != b"",
            times,
            reason.encode(),
        )
    except (StructError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a field cannot be one: {error}") from error


def follow(
    rows: Iterable[Fields], head: Head, digests: Mapping[int, bytes], seen: Callable[[Fields], None] | None = None
) -> tuple[Head, str]:
    """Check row after row from `head` on: where the chain stands in the end, and what is wrong with the row after it.

    The second is empty when every row is well.
    """
    sequence, root = head.sequence, head.root
    for fields in rows:
        try:
            body = body_of(fields)
            digest = digests[fields[3]]
        except (ValueError, KeyError) as error:
            return Head(sequence, root), f"row {sequence + 1} cannot be read: {error}"
        if fields[0] != sequence + 1:
            return Head(sequence, root), f"row {sequence + 1} is missing: row {fields[0]} stands in its place"
        link = sha256(root + SEQUENCE.pack(fields[0]) + body + digest).digest()
        if link != fields[15]:
            return Head(sequence, root), f"row {fields[0]} was changed: its bytes do not give its link of the chain"
        sequence, root = fields[0], link
        if seen is not None:
            seen(fields)
    return Head(sequence, root), ""
