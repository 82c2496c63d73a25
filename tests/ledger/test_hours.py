import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.ledger.hours import Hour, bucket, bucket_end, merged, pack_sketch, percentile, unpack_sketch

durations = st.integers(0, 2**40)


@given(durations)
def test_a_value_lies_in_its_bucket_and_near_its_end(value: int) -> None:
    end = bucket_end(bucket(value))
    assert value <= end <= value + value // 16
    assert bucket(end) == bucket(value)
    assert bucket(end + 1) == bucket(value) + 1


@given(st.lists(durations, max_size=50), st.lists(durations, max_size=50))
def test_merging_sketches_is_seeing_everything(some: list[int], others: list[int]) -> None:
    def sketch(values: list[int]) -> dict[int, int]:
        hour = Hour()
        for value in values:
            hour.add(value, 0, 0)
        return hour.sketch

    assert merged([sketch(some), sketch(others)]) == sketch(some + others)


@given(st.lists(durations, min_size=1, max_size=100), st.sampled_from([1, 50, 95, 99, 100]))
def test_a_percentile_is_the_end_of_the_bucket_of_the_exact_one(values: list[int], percent: int) -> None:
    hour = Hour()
    for value in values:
        hour.add(value, 0, 0)
    exact = sorted(values)[max(-(-len(values) * percent // 100), 1) - 1]
    assert percentile(hour.sketch, percent) == bucket_end(bucket(exact))


def test_nothing_has_no_percentile() -> None:
    assert percentile({}, 50) is None


def test_an_hour_adds_up() -> None:
    hour = Hour()
    for took, asked, answered in ((30, 1, 10), (10, 2, 20), (20, 3, 30)):
        hour.add(took, asked, answered)
    assert (hour.n, hour.sum_us, hour.min_us, hour.max_us, hour.request_bytes, hour.reply_bytes) == (
        3,
        60,
        10,
        30,
        6,
        60,
    )


@given(st.dictionaries(st.integers(0, 65_535), st.integers(1, 2**32 - 1)))
def test_a_packed_sketch_comes_back(sketch: dict[int, int]) -> None:
    assert unpack_sketch(pack_sketch(sketch)) == sketch


@pytest.mark.parametrize("at", range(10))
def test_a_sketch_with_one_bit_changed_is_refused(at: int) -> None:
    data = bytearray(pack_sketch({7: 3}))
    data[at] ^= 1
    with pytest.raises(ValueError, match="check"):
        unpack_sketch(bytes(data))
