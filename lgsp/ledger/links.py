"""The chain read back: each row's bytes from its fields, each link from the one before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from struct import Struct
from struct import error as StructError  # noqa: N812 - struct calls its exception `error`
from typing import Any

from lgsp.ledger.journal import Head
from lgsp.ledger.row import ENDED, OPENED, OUTCOME_CODE, SEGMENT_CODE, SEQUENCE

Fields = tuple[Any, ...]
_LINE = Struct(f">32s{SEQUENCE.format[1:]}{OPENED.format[1:]}{ENDED.format[1:]}16s")
"""What a link is made of: the link before, the row's number, its two halves, and what its kind stands for."""
_PACK = _LINE.pack
_CALLERS = frozenset({8, 16, 24})
_BODY = slice(40, 40 + OPENED.size + ENDED.size)


def line_of(fields: Fields, root: bytes, digest: bytes) -> bytes:
    """The bytes of a row's link, from the row's fields as the table has them. Raises `ValueError` for what is no row."""
    # fmt: off
    (seq, id_, accepted, kind, flags, callers, asked, took, outcome, fault,
     status, attempts, answered, times, reason, _) = fields
    # fmt: on
    try:
        # A packed field is padded and cut to its width: one of another width must not pass for it.
        if (
            len(id_) != 16
            or (callers and len(callers) not in _CALLERS)
            or (times and len(times) != 20)
            or (reason and (len(reason) > 32 or "\0" in reason))
        ):
            raise StructError("a field has another width")  # noqa: TRY301 - as pack itself says of other misfits
        return _LINE.pack(
            root, seq, id_, accepted, kind, flags, callers, asked,
            took, OUTCOME_CODE[outcome], SEGMENT_CODE[fault], status, attempts, answered,
            times != b"", times, reason.encode(), digest,
        )  # fmt: skip
    except (StructError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a field cannot be one: {error}") from error


def body_of(fields: Fields) -> bytes:
    """The two halves of a row. Raises `ValueError` for what is no row."""
    return line_of(fields, b"", b"")[_BODY]


def follow(rows: Iterable[Fields], head: Head, digests: Mapping[int, bytes]) -> tuple[Head, str]:
    """Check row after row from `head` on: where the chain stands in the end, and what is wrong with the row after it.

    The second is empty when every row is well.
    """
    sequence, root = head.sequence, head.root
    # Written out, for it is done a million times: what is not as it should be is looked at again, in words.
    # fmt: off
    for fields in rows:
        sequence += 1
        (seq, id_, accepted, kind, flags, callers, asked, took, outcome, fault,
         status, attempts, answered, times, reason, link) = fields
        try:
            is_well = (
                seq == sequence
                and len(id_) == 16
                and (not callers or len(callers) in _CALLERS)
                and (not times or len(times) == 20)
                and (not reason or (len(reason) <= 32 and "\0" not in reason))
                and link == sha256(_PACK(
                    root, seq, id_, accepted, kind, flags, callers, asked,
                    took, OUTCOME_CODE[outcome], SEGMENT_CODE[fault], status, attempts, answered,
                    times != b"", times, reason.encode(), digests[kind],
                )).digest()
            )
        except (StructError, KeyError, TypeError, AttributeError):
            is_well = False
        if not is_well:
            return Head(sequence - 1, root), _wrong(fields, sequence, root, digests)
        root = link
    # fmt: on
    return Head(sequence, root), ""


def _wrong(fields: Fields, sequence: int, root: bytes, digests: Mapping[int, bytes]) -> str:
    """What is wrong with a row, in words."""
    try:
        line_of(fields, root, digests[fields[3]])
    except ValueError as error:
        return f"row {sequence} cannot be read: {error}"
    except KeyError:
        return f"row {sequence} names a kind {fields[3]!r} that is not there"
    if fields[0] != sequence:
        return f"row {sequence} is missing: row {fields[0]} stands in its place"
    return f"row {sequence} was changed: its fields do not give its link of the chain"
