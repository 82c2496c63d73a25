"""Reading a scrape: the account that it makes, and what cannot be."""

from __future__ import annotations

from scrape import Scrape


def exposition(accepted: int, ok: int, failed: int, still_open: int) -> str:
    return (
        f'lgsp_transactions_total{{outcome="ok",service="s"}} {ok}.0\n'
        f'lgsp_transactions_total{{outcome="timeout",service="s"}} {failed}.0\n'
        f'lgsp_transactions_accepted_total{{service="s"}} {accepted}.0\n'
        f'lgsp_open_transactions{{service="s"}} {still_open}.0\n'
    )


def test_an_account_that_holds_has_no_complaint() -> None:
    made = Scrape.of(exposition(6, 3, 2, 1))
    assert (made.ended["s", "ok"], made.ended["s", "timeout"], made.accepted["s"], made.still_open["s"]) == (3, 2, 6, 1)
    assert list(made.complaints(None)) == []
    assert list(made.complaints(Scrape.of(exposition(5, 3, 2, 0)))) == []


def test_an_account_that_does_not_hold_says_where() -> None:
    assert list(Scrape.of(exposition(6, 3, 2, 0)).complaints(None)) == ["s: accepted 6, ended 5, open 0"]


def test_a_counter_that_goes_back_is_seen() -> None:
    later = Scrape.of(exposition(4, 2, 2, 0))
    assert list(later.complaints(Scrape.of(exposition(5, 3, 2, 0)))) == ["s ok went back from 3 to 2"]
