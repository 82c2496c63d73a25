from __future__ import annotations

import pytest

from lgsp.catalogue.table import LARGEST, parse_rows


def test_rows_are_found_by_their_key_and_every_value_is_text() -> None:
    rows = parse_rows('\ufeffid,ten\r\n049001,"Đỗ, An"\r\n7,Lê\r\n'.encode(), "id")
    assert rows == {"049001": {"id": "049001", "ten": "Đỗ, An"}, "7": {"id": "7", "ten": "Lê"}}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no column 'id', only none"),
        (b"a,b\n1,2\n", "no column 'id', only a, b"),
        (b"id,b\n1\n", "line 2 has not as many values"),
        (b"id,b\n1,2,3\n", "line 2 has not as many values"),
        (b"id,b\n1,2\n1,3\n", "line 3 has the id '1' a second time"),
        (b"id\n\xff\n", "not UTF-8"),
        (b'id\n"a', "this is no CSV"),
        (b"x" * (LARGEST + 1), "larger than"),
    ],
)
def test_a_wrong_table_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_rows(data, "id")


def test_a_table_without_rows_is_one() -> None:
    assert parse_rows(b"id,b\n", "id") == {}
