"""Rows of a CSV file beside the YAML, by key."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, SkipValidation

LARGEST = 16 * 1024 * 1024


class Table(BaseModel):
    """The rows of a file by the value of one column; every value is text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    key: str
    rows: SkipValidation[Mapping[str, Mapping[str, str]]]


@lru_cache(maxsize=16)
def parse_rows(data: bytes, key: str) -> Mapping[str, Mapping[str, str]]:
    """Rows by the column `key`, from CSV in UTF-8 with a line of names. Raises `ValueError` in words.

    What was read before is not read again: a reload of the catalogue costs nothing for its tables.
    """
    if len(data) > LARGEST:
        raise ValueError(f"the file is larger than {LARGEST} bytes")
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        names = list(reader.fieldnames or [])
        if key not in names:
            raise ValueError(f"there is no column {key!r}, only {', '.join(names) or 'none'}")
        rows: dict[str, Mapping[str, str]] = {}
        for row in reader:
            if None in row or None in row.values():
                raise ValueError(f"line {reader.line_num} has not as many values as the first line has names")
            if row[key] in rows:
                raise ValueError(f"line {reader.line_num} has the {key} {row[key]!r} a second time")
            rows[row[key]] = row
    except UnicodeDecodeError:
        raise ValueError("the file is not UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"this is no CSV: {error}") from error
    return rows
