from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.traffic.diff.values import moment_of

AT = 1772330400.0


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-03-01T02:00:00Z", AT),
        ("2026-03-01T09:00:00.5+07:00", AT + 0.5),
        ("Sun, 01 Mar 2026 02:00:00 GMT", AT),
        ("01/03/2026 02:00:00", AT),
        ("01/03/2026 02:00", AT),
        ("20260301020000", AT),
        ("2026-03-01", AT - 7_200),
        ("01/03/2026", AT - 7_200),
        ("20260301", AT - 7_200),
        ("1772330400", AT),
        ("1772330400123", AT + 0.123),
        (1772330400, AT),
        (1772330400123, AT + 0.123),
        (1772330400123456, AT + 0.123456),
        ("", None),
        ("H47-0001", None),
        ("31/02/2026", None),
        ("123456789012", None),
        (True, None),
        (None, None),
        (-1, None),
        (float("inf"), None),
        (float("nan"), None),
    ],
)
def test_moments_are_read_as_they_are_written_here(written: object, moment: float | None) -> None:
    assert moment_of(written) == (None if moment is None else pytest.approx(moment, abs=1e-5))


@given(st.none() | st.text() | st.floats() | st.integers() | st.binary())
def test_whatever_it_is_it_is_a_moment_or_none(value: object) -> None:
    found = moment_of(value)
    assert found is None or found > 0 or isinstance(value, str)
