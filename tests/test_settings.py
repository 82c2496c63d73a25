from pathlib import Path

import pytest

from lgsp.errors import SettingsError
from lgsp.settings import (
    SHORTEST_RETENTION,
    Address,
    Settings,
    find_config,
    find_state,
    make_state,
    parse_address,
    parse_count,
    parse_days,
    parse_size,
    read_secret,
    refuse_open_by_accident,
)


@pytest.mark.parametrize(
    ("text", "address", "loopback"),
    [
        ("127.0.0.1:8280", Address("127.0.0.1", 8280), True),
        (":8280", Address("127.0.0.1", 8280), True),
        ("8280", Address("127.0.0.1", 8280), True),
        ("localhost:0", Address("localhost", 0), True),
        ("[::1]:8280", Address("::1", 8280), True),
        ("127.8.8.8:1", Address("127.8.8.8", 1), True),
        ("0.0.0.0:8280", Address("0.0.0.0", 8280), False),
        ("[::]:8280", Address("::", 8280), False),
        ("gateway:8280", Address("gateway", 8280), False),
    ],
)
def test_an_address_is_read_and_knows_whether_it_is_loopback(text: str, address: Address, loopback: bool) -> None:  # noqa: FBT001 - a row of the table
    assert parse_address(text) == address
    assert parse_address(text).is_loopback is loopback
    assert parse_address(str(address)) == address


@pytest.mark.parametrize("text", ["", "host", "host:", "host:x", "host:70000", "host:-1"])
def test_what_is_no_address_is_refused_in_words(text: str) -> None:
    with pytest.raises(SettingsError, match=r"address|port"):
        parse_address(text)


def test_the_configuration_is_flag_then_environment_then_here(tmp_path: Path) -> None:
    flag, named, here = (tmp_path / name for name in ("flag", "named", "here"))
    for directory in (flag, named, here / "config"):
        directory.mkdir(parents=True)
        (directory / "services.yaml").touch()
    environment = {"LGSP_CONFIG": str(named)}
    assert find_config(str(flag), environment, here) == flag
    assert find_config(None, environment, here) == named
    assert find_config(None, {}, here) == here / "config"
    assert (find_config(None, {}, tmp_path) / "services.yaml").is_file()


def test_a_named_directory_without_services_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"has no services\.yaml"):
        find_config(str(tmp_path), {}, tmp_path)


def test_the_state_is_flag_then_environment_then_xdg_then_home(tmp_path: Path) -> None:
    home = Path("/h")
    both = {"LGSP_STATE_DIR": "/e", "XDG_STATE_HOME": "/x"}
    assert find_state("/f", both, home) == Path("/f")
    assert find_state(None, both, home) == Path("/e")
    assert find_state(None, {"XDG_STATE_HOME": "/x"}, home) == Path("/x/lgsp")
    assert find_state(None, {}, home) == Path("/h/.local/state/lgsp")
    made = make_state(tmp_path / "deep" / "state")
    assert made.stat().st_mode & 0o777 == 0o700


def test_a_state_directory_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="name another with --state"):
        make_state(tmp_path / "file" / "below")


def test_a_secret_comes_from_its_file_first(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    environment = {"S_FILE": str(tmp_path / "secret"), "S": "from the environment"}
    assert read_secret("S", environment) == "from the file"
    assert read_secret("S", {"S": "from the environment"}) == "from the environment"
    assert read_secret("S", {}) is None
    with pytest.raises(SettingsError, match="S_FILE names"):
        read_secret("S", {"S_FILE": str(tmp_path / "absent")})


def test_listening_beyond_loopback_needs_the_word() -> None:
    addresses = {"gateway": Address("127.0.0.1", 1), "admin": Address("0.0.0.0", 2)}
    with pytest.raises(SettingsError, match=r"admin would listen on 0\.0\.0\.0:2.*--open"):
        refuse_open_by_accident(addresses, is_open=False)
    refuse_open_by_accident(addresses, is_open=True)
    refuse_open_by_accident({"gateway": Address("::1", 1)}, is_open=False)


def test_days_sizes_and_counts_are_read() -> None:
    assert (parse_days("31d"), parse_days("365d")) == (31, 365)
    assert [parse_size(text) for text in ("1KiB", "256MiB", "2GiB")] == [1_024, 268_435_456, 2_147_483_648]
    assert (parse_count("1"), parse_count("64", 64)) == (1, 64)


@pytest.mark.parametrize("text", ["30d", "0d", "90", "d", "3 d", "-90d", "90h", "9999999d"])
def test_the_ledger_keeps_a_whole_month(text: str) -> None:
    with pytest.raises(SettingsError, match=r"31d at least|write it as 90d"):
        parse_days(text, SHORTEST_RETENTION)


def test_captures_stay_a_day_at_least() -> None:
    assert (parse_days("1d"), Settings(Path(), Path()).capture_days) == (1, 30)
    with pytest.raises(SettingsError, match="0d is too short: 1d at least"):
        parse_days("0d")


@pytest.mark.parametrize("text", ["", "256", "0MiB", "1.5GiB", "MiB", "-1MiB"])
def test_a_size_has_its_unit(text: str) -> None:
    with pytest.raises(SettingsError, match="write it as 64KiB"):
        parse_size(text)


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "x"])
def test_a_count_is_whole(text: str) -> None:
    with pytest.raises(SettingsError, match="1 or more"):
        parse_count(text)
