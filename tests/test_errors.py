from lgsp.errors import BusUnavailable, CatalogueError, DeliveryError, ProviderError, TimedOut, Unreachable, Unroutable
from lgsp.model import Outcome


def test_every_way_an_answer_can_fail_to_come_ends_in_an_outcome() -> None:
    leaves = {leaf: Outcome(leaf.code) for leaf in DeliveryError.__subclasses__()}
    assert leaves == {
        TimedOut: Outcome.TIMEOUT,
        ProviderError: Outcome.PROVIDER_ERROR,
        Unreachable: Outcome.UNREACHABLE,
        BusUnavailable: Outcome.BUS_ERROR,
        Unroutable: Outcome.BUS_ERROR,
    }


def test_a_delivery_error_says_its_reason() -> None:
    assert Unroutable("unroutable").reason == "unroutable"
    assert (
        str(TimedOut("budget_spent", "population did not answer within 30 s"))
        == "population did not answer within 30 s"
    )


def test_a_catalogue_error_holds_every_mistake() -> None:
    error = CatalogueError(["a.yaml:1:1: first", "a.yaml:2:1: second"])
    assert error.problems == ["a.yaml:1:1: first", "a.yaml:2:1: second"]
    assert str(error) == "a.yaml:1:1: first\na.yaml:2:1: second"
