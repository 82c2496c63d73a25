"""Rights, limits, and who is met."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest
from builders import a_service
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from lgsp.catalogue.consumer import CONSUMER_FILES, Consumer, Limit, read_consumers
from lgsp.catalogue.watch import EVERY, Reload, Watcher
from lgsp.clock import ManualClock
from lgsp.edge.access import Access, Buckets, Met, Rights, Stranger, refilled, seconds_until_one, throttled
from lgsp.edge.peers import Look, Peer
from lgsp.edge.tokens import Tokens, make_key

KEY = make_key()


def an_access(*consumers: Consumer) -> tuple[Access, ManualClock]:
    clock, numbers = ManualClock(), count(1)
    made = Access(Tokens(KEY, lambda: str(next(numbers))), clock)
    made.replace(consumers)
    return made, clock


def bearer(access: Access, consumer: str = "a") -> CIMultiDict[str]:
    return CIMultiDict({"Authorization": f"Bearer {access.tokens.issue(consumer, access.clock.now())}"})


def everything(consumer: str = "a", **fields: object) -> Consumer:
    return Consumer.model_validate({"id": consumer, "subscriptions": ("*",)} | fields)


@pytest.mark.parametrize(
    ("subscriptions", "service", "operation", "refusal"),
    [
        ((), "gis", "GET /x", "not_subscribed"),
        (("*",), "gis", "GET /x", ""),
        (("gis",), "gis", "GET /x", ""),
        (("gis",), "health", "GET /x", "not_subscribed"),
        (("gis GET /x",), "gis", "GET /x", ""),
        (("gis GET /x",), "gis", "POST /x", "operation_not_subscribed"),
        (("gis GET /x",), "gis", "GET /x/{id}", "operation_not_subscribed"),
        (("gis GET /x",), "health", "GET /x", "not_subscribed"),
        (("gis GET /x", "gis"), "gis", "POST /x", ""),
        (("gis GET /x", "health"), "health", "POST /x", ""),
        (("gis-more",), "gis", "GET /x", "not_subscribed"),
    ],
)
def test_what_is_not_subscribed_is_refused(
    subscriptions: tuple[str, ...], service: str, operation: str, refusal: str
) -> None:
    assert Rights.of(Consumer(id="a", subscriptions=subscriptions)).refusal(service, operation) == refusal


@pytest.mark.parametrize(
    ("blocked", "pending", "service", "operation", "refusal"),
    [
        ((), (), "gis", "GET /x", ""),
        (("*",), (), "gis", "GET /x", "blocked"),
        (("*", "gis"), ("*",), "gis", "GET /x", "blocked"),
        (("gis",), (), "gis", "GET /x", "subscription_blocked"),
        (("gis",), (), "gis-more", "GET /x", ""),
        (("gis GET /x",), (), "gis", "GET /x", "subscription_blocked"),
        (("gis GET /x",), (), "gis", "POST /x", ""),
        ((), ("gis",), "gis", "GET /x", "subscription_inactive"),
        ((), ("gis GET /x",), "gis", "GET /x", "subscription_inactive"),
        ((), ("gis GET /x",), "gis", "POST /x", ""),
        (("gis",), ("gis",), "gis", "GET /x", "subscription_blocked"),
        (("gis GET /x",), ("gis",), "gis", "GET /x", "subscription_inactive"),
    ],
)
def test_what_is_blocked_or_not_approved_is_refused_also_where_it_is_subscribed(
    blocked: tuple[str, ...], pending: tuple[str, ...], service: str, operation: str, refusal: str
) -> None:
    rights = Rights.of(Consumer(id="a", subscriptions=("*",), blocked=blocked, pending=pending))
    assert rights.refusal(service, operation) == refusal


def test_who_waits_for_a_service_is_told_so_and_not_that_it_never_asked() -> None:
    rights = Rights.of(Consumer(id="a", pending=("gis",)))
    assert [rights.refusal(service, "GET /x") for service in ("gis", "health")] == [
        "subscription_inactive",
        "not_subscribed",
    ]


def test_a_known_consumer_is_met_with_its_entry() -> None:
    access, _ = an_access(everything("a", behaviour="calm"), everything("b"))
    assert access.meet(bearer(access, "b"), "gis", "GET /x") == Met(everything("b"))
    assert access.meet(bearer(access, "a"), "gis", "GET /x").consumer.behaviour == "calm"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ([], 900902),
        (["Basic dTpw"], 900902),
        (["Bearer"], 900901),
        (["Bearer "], 900901),
        (["Bearer abc"], 900901),
        (["bearer abc"], 900901),
        (["Bearerabc"], 900902),
        ([""], 900902),
        (["Basic dTpw", "Bearer abc"], 900901),
    ],
)
def test_nobody_is_told_what_to_bring(sent: list[str], code: int) -> None:
    access, _ = an_access(everything())
    with pytest.raises(Stranger) as caught:
        access.meet(CIMultiDict([("Authorization", value) for value in sent]), "gis", "GET /x")
    assert (caught.value.fault.status, caught.value.fault.code) == (401, code)


def test_a_token_of_somebody_who_is_no_more_is_a_strangers() -> None:
    access, _ = an_access(everything("a"))
    headers = bearer(access)
    access.replace([everything("b")])
    with pytest.raises(Stranger) as caught:
        access.meet(headers, "gis", "GET /x")
    assert caught.value.fault.code == 900901


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_contracts_own_credentials_may_stand_before_the_token(scheme: str) -> None:
    access, _ = an_access(everything())
    token = access.tokens.issue("a", access.clock.now())
    headers = CIMultiDict([("Authorization", "Basic dTpw"), ("Authorization", f"{scheme}  {token} ")])
    assert access.meet(headers, "gis", "GET /x").refusal == ""


async def test_a_token_is_over_after_an_hour_to_the_second() -> None:
    access, clock = an_access(everything())
    headers = bearer(access)
    await clock.advance(3_599)
    assert access.meet(headers, "gis", "GET /x").refusal == ""
    await clock.advance(1)
    assert access.meet(headers, "gis", "GET /x") == Met(everything(), "token_expired")


def test_a_disabled_consumer_s_tokens_are_revoked_and_work_again_when_it_is_not() -> None:
    access, _ = an_access(everything())
    headers = bearer(access)
    access.replace([everything(disabled=True)])
    assert access.meet(headers, "gis", "GET /x").refusal == "token_revoked"
    access.replace([everything()])
    assert access.meet(headers, "gis", "GET /x").refusal == ""


async def test_one_token_is_revoked_and_the_others_are_not() -> None:
    access, clock = an_access(everything())
    first, second = bearer(access), bearer(access)
    grant = access.tokens.read(first["Authorization"].removeprefix("Bearer "))
    assert grant
    access.revoke(grant)
    assert access.meet(first, "gis", "GET /x").refusal == "token_revoked"
    assert access.meet(second, "gis", "GET /x").refusal == ""
    await clock.advance(3_600)
    other = access.tokens.read(access.tokens.issue("a", clock.now()))
    assert other
    access.revoke(other)
    assert set(access.revoked) == {other.token}  # the first is over by itself


def test_what_another_gateway_took_back_is_revoked_here_too() -> None:
    access, clock = an_access(everything())
    first, second = bearer(access), bearer(access)
    access.heed({"1": clock.now() + 10, "of another": clock.now() + 10})
    assert access.meet(first, "gis", "GET /x").refusal == "token_revoked"
    assert access.meet(second, "gis", "GET /x").refusal == ""


def limit(text: str, scope: str = "*") -> Limit:
    number, _, unit = text.partition("/")
    return Limit(scope=scope, count=int(number), seconds={"s": 1.0, "m": 60.0}[unit])


@pytest.mark.parametrize(
    ("level", "passed", "now_holds"), [(0, 0, 0), (0, 6, 1), (0, 60, 10), (0, 600, 10), (9.5, 6, 10), (3, -5, 3)]
)
def test_a_bucket_fills_evenly_and_never_over(level: float, passed: float, now_holds: float) -> None:
    assert refilled(level, 1_000.0, 1_000.0 + passed, limit("10/m")) == pytest.approx(now_holds)


@pytest.mark.parametrize(("level", "wait"), [(0, 6), (0.5, 3), (1, 0), (9, 0)])
def test_how_long_until_one_more(level: float, wait: float) -> None:
    assert seconds_until_one(level, limit("10/m")) == pytest.approx(wait)


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (limit("10/s"), "throttled"),
        (limit("10/m"), "throttled"),
        (limit("10/s", "gis"), "throttled_burst"),
        (limit("10/m", "gis"), "throttled_service"),
        (limit("10/s", "gis GET /x"), "throttled_operation"),
    ],
)
def test_which_limit_refused_has_its_own_reason(of: Limit, reason: str) -> None:
    assert throttled(of) == reason


@given(
    st.lists(st.floats(0, 5), max_size=60),
    st.integers(1, 5),
    st.sampled_from([1.0, 60.0]),
)
def test_no_window_lets_through_more_than_twice_the_limit_and_a_quiet_one_all(
    gaps: list[float], count_: int, seconds: float
) -> None:
    """A bucket holds `count` at most and fills by `count` each `seconds`: never more than that much in any window."""
    buckets, of = Buckets(), Limit(scope="*", count=count_, seconds=seconds)
    now, passed = 1_000.0, []
    for gap in gaps:
        now += gap
        if buckets.take([("a", of)], now) is None:
            passed.append(now)
    for start in passed:
        assert sum(start <= at <= start + seconds for at in passed) <= 2 * count_
    assert buckets.take([("a", of)], now + seconds) is None


def test_who_is_refused_by_one_limit_spends_nothing_of_another() -> None:
    buckets, wide, narrow = Buckets(), limit("3/s"), limit("1/m", "gis")
    assert buckets.take([("a", wide), ("a", narrow)], 0.0) is None
    refused = buckets.take([("a", wide), ("a", narrow)], 0.0)
    assert refused == (narrow, pytest.approx(60))
    assert [buckets.take([("a", wide)], 0.0) for _ in range(2)] == [None, None]
    assert buckets.take([("a", wide)], 0.0) == (wide, pytest.approx(1 / 3))
    assert buckets.take([("b", wide), ("b", narrow)], 0.0) is None


def test_there_are_never_more_buckets_than_allowed() -> None:
    buckets = Buckets(at_most=3)
    for name in "abcd":
        assert buckets.take([(name, limit("1/m"))], 0.0) is None
    assert len(buckets) == 3
    assert buckets.take([("d", limit("1/m"))], 0.0) is not None
    assert buckets.take([("a", limit("1/m"))], 0.0) is None  # asked the longest ago, forgotten


async def test_limits_hold_across_a_reload_and_refill_by_the_clock() -> None:
    limits = (limit("1/s"), limit("2/m", "gis"))
    access, clock = an_access(everything(limits=limits))
    headers = bearer(access)
    assert access.meet(headers, "gis", "GET /x").refusal == ""
    assert access.meet(headers, "health", "GET /x") == Met(everything(limits=limits), "throttled", 1.0)
    access.replace([everything(limits=limits)])
    assert access.meet(headers, "gis", "GET /x").refusal == "throttled"
    await clock.advance(1)
    assert access.meet(headers, "gis", "GET /x").refusal == ""
    await clock.advance(1)
    met = access.meet(headers, "gis", "GET /x")
    assert (met.refusal, met.wait) == ("throttled_service", pytest.approx(28))
    assert access.meet(headers, "health", "GET /x").refusal == ""
    access.replace([everything()])
    assert [access.meet(headers, "gis", "GET /x").refusal for _ in range(9)] == [""] * 9
    access.replace([everything(limits=limits)])
    assert access.meet(headers, "gis", "GET /x").refusal == ""


def test_who_may_not_ask_spends_nothing() -> None:
    consumer = Consumer(id="a", subscriptions=("gis",), limits=(limit("1/m"),))
    access, _ = an_access(consumer)
    headers = bearer(access)
    assert [access.meet(headers, "health", "GET /x").refusal for _ in range(3)] == ["not_subscribed"] * 3
    assert access.meet(headers, "gis", "GET /x").refusal == ""


async def test_a_consumer_disabled_in_its_file_is_refused_within_5_seconds_and_a_bad_file_changes_nothing(
    tmp_path: Path,
) -> None:
    file = tmp_path / "consumers.d" / "a.yaml"
    file.parent.mkdir()
    file.write_text('a: {subscriptions: ["*"]}\n')
    access, clock = an_access()
    reloads: list[Reload] = []
    watcher = Watcher(
        "consumers", tmp_path, CONSUMER_FILES, lambda d: list(read_consumers(d).values()), clock, reloads.append
    )
    access.replace(watcher.first())
    headers = bearer(access)

    async def take(consumers: list[Consumer]) -> None:
        access.replace(consumers)

    async def looked() -> float:
        """Look as `run` does, on the test's own clock; how long until the file was read."""
        begun = clock.now()
        while True:
            await clock.advance(EVERY)
            if await watcher.look(take):
                return clock.now() - begun

    assert access.meet(headers, "gis", "GET /x").refusal == ""
    file.write_text('a: {subscriptions: ["*"], disabled: yes}\n')
    await looked()
    assert [problem.partition(": ")[0] for problem in reloads[-1].problems] == ["consumers.d/a.yaml:1:37"]
    assert access.meet(headers, "gis", "GET /x").refusal == ""
    file.write_text('a: {subscriptions: ["*"], disabled: true}\n')
    assert await looked() < 5
    assert access.meet(headers, "gis", "GET /x").refusal == "token_revoked"
    file.unlink()
    await looked()
    with pytest.raises(Stranger):
        access.meet(headers, "gis", "GET /x")


@pytest.mark.parametrize(
    ("scope", "service", "operation", "counts"),
    [
        ("gis * /layers*", "gis", "GET /layers/7", True),
        ("gis * /layers*", "gis", "GET /geocode", False),
        ("gis * /layers*", "other", "GET /layers/7", False),
        ("*-registry", "land-registry", "POST /x", True),
        ("*-registry", "gis", "POST /x", False),
        ("* POST *", "gis", "POST /x", True),
        ("* POST *", "gis", "GET /x", False),
    ],
)
def test_a_policy_counts_what_fits_its_pattern(scope: str, service: str, operation: str, counts: bool) -> None:  # noqa: FBT001 - a table
    policy = limit("1/m", scope)
    rights = Rights.of(Consumer(id="a", subscriptions=("*",), limits=(policy,)))
    assert list(rights.limits_on(service, operation)) == ([policy] if counts else [])
    assert throttled(policy) == "throttled_policy"


@pytest.mark.parametrize(
    ("fields", "refusal"), [({"limit": (2, 60.0)}, "throttled_tier"), ({"hard_limit": (2, 60.0)}, "hard_limit")]
)
def test_a_service_s_own_limit_counts_all_its_consumers_together(fields: dict[str, Any], refusal: str) -> None:
    clock = ManualClock()
    access = Access(Tokens(make_key(), lambda: "t"), clock)
    access.replace([Consumer(id=name, key=name, subscriptions=("*",)) for name in ("a", "b")])
    access.serve([a_service("gis", **fields), a_service("free")])
    headers = {n: CIMultiDict({"Authorization": f"Bearer {access.tokens.issue(n, clock.now())}"}) for n in ("a", "b")}
    met = [access.meet(headers[name], "gis", "GET /x") for name in ("a", "b", "a", "b")]
    assert [each.refusal for each in met] == ["", "", refusal, refusal]
    assert met[2].wait == pytest.approx(30)
    assert access.meet(headers["a"], "free", "GET /x").refusal == ""
    access.serve([a_service("gis")])
    assert access.meet(headers["a"], "gis", "GET /x").refusal == ""


def from_(address: str = "10.1.2.3", *names: str) -> Look:
    return lambda: Peer(address, frozenset(names))


def met(access: Access, headers: CIMultiDict[str], look: Look) -> str:
    """Who is met, or why nobody is."""
    try:
        found = access.meet(headers, "gis", "GET /x", look)
    except Stranger as stranger:
        return str(stranger.fault.code) + " " + stranger.fault.description.rpartition(" / ")[2][:20]
    return found.consumer.id + (found.refusal and f" {found.refusal}")


NONE: CIMultiDict[str] = CIMultiDict()


@pytest.mark.parametrize(
    ("names", "disabled", "says"),
    [
        ((), False, "900902 Missing Credentials:"),
        (("a.example.org",), False, "a"),
        (("other.example.org", "spare.example.org"), False, "a"),
        (("A.example.org",), False, "900901 Invalid Credentials:"),
        (("x.a.example.org",), False, "900901 Invalid Credentials:"),
        (("a.example.org",), True, "a blocked"),
    ],
)
def test_a_certificate_is_known_by_its_names(names: tuple[str, ...], disabled: bool, says: str) -> None:  # noqa: FBT001 - a table
    access, _ = an_access(
        everything(certificates=("a.example.org", "spare.example.org"), disabled=disabled), everything("b")
    )
    assert met(access, NONE, from_("10.1.2.3", *names)) == says


def test_a_token_counts_only_beside_its_consumers_certificate() -> None:
    access, _ = an_access(
        everything(certificates=("a.example.org",)), everything("b", certificates=("b.example.org",)), everything("c")
    )
    headers = bearer(access)
    assert met(access, headers, from_("", "a.example.org")) == "a"
    assert met(access, headers, from_("", "b.example.org")) == "900901 Invalid Credentials:"
    assert met(access, headers, from_()) == "900901 Invalid Credentials:"
    assert met(access, bearer(access, "c"), from_("", "b.example.org")) == "c", "the token says who it is"
    with pytest.raises(Stranger):
        access.who(headers, from_())
    assert access.who(headers, from_("", "a.example.org")).id == "a"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("10.1.255.1", "a"),
        ("192.0.2.7", "a"),
        ("10.2.0.1", "900805 Message blocked: thi"),
        ("", "900805 Message blocked: thi"),
    ],
)
def test_a_consumer_comes_from_its_networks_alone(address: str, says: str) -> None:
    access, _ = an_access(everything(networks=("10.1.0.0/16", "192.0.2.7/32"), certificates=("a",)), everything("b"))
    assert met(access, bearer(access), from_(address, "a")) == says
    assert met(access, NONE, from_(address, "a")) == says
    assert met(access, bearer(access, "b"), from_(address)) == "b"


def test_what_a_certificate_may_is_what_its_consumer_may_and_counts_as_its() -> None:
    limits = (Limit(scope="*", count=2, seconds=1.0),)
    access, _ = an_access(everything(certificates=("a",), limits=limits, subscriptions=("gis",)))
    assert access.meet(NONE, "health", "GET /x", from_("", "a")).refusal == "not_subscribed"
    assert [met(access, each, from_("", "a")) for each in (bearer(access), NONE, NONE)] == ["a", "a", "a throttled"]


def test_a_certificate_that_was_taken_from_a_consumer_is_nobodys_at_once() -> None:
    access, _ = an_access(everything(certificates=("a",)))
    assert met(access, NONE, from_("", "a")) == "a"
    access.replace([everything()])
    assert met(access, NONE, from_("", "a")) == "900901 Invalid Credentials:"
