import pytest

from lgsp.capture.record import Answered, Asked, Record
from lgsp.capture.where import where
from lgsp.errors import SettingsError

ONE = Record(
    t=1, service="population", request=Asked("GET", "/p?x=1"), reply=Answered(503), times={"total": 12_500_000}
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("service=population", True),
        ("service!=population", False),
        ("service = population and status>=500", True),
        ("status>503", False),
        ("status<=503 and status<504", True),
        ("status=503", True),
        ("status=ok", False),
        ("ms>12 and ms<13", True),
        (r"url~^/p\?", True),
        ("url~^x", False),
        ("outcome=", True),
        ("service>3", False),
    ],
)
def test_a_condition_holds_or_not(text: str, holds: bool) -> None:  # noqa: FBT001
    assert where(text)(ONE) is holds


@pytest.mark.parametrize("text", ["servce=x", "service", "status>high", "url~("])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="--where"):
        where(text)
