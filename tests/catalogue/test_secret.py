import hashlib
from base64 import b64encode

import pytest

from lgsp.catalogue.secret import fits, hashed, is_hashed

SALT = b"0123456789abcdef"


def test_a_secret_fits_its_own_line_and_no_other() -> None:
    line = hashed("bí mật", SALT)
    assert is_hashed(line)
    assert "bí mật" not in line
    assert fits("bí mật", line)
    assert not fits("bí mật ", line)
    assert not fits("", line)
    assert hashed("bí mật", SALT) == line
    assert hashed("bí mật", SALT[::-1]) != line


def test_the_line_is_scrypt_as_others_compute_it() -> None:
    own = hashlib.scrypt(b"s", salt=SALT, n=2**10, r=8, p=1, dklen=32)
    salt, digest = (b64encode(part).decode().rstrip("=") for part in (SALT, own))
    assert fits("s", f"$scrypt$ln=10,r=8,p=1${salt}${digest}")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "secret",
        "$scrypt$ln=14,r=8,p=1$$",
        "$scrypt$ln=17,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + 43 * "A",
        "$scrypt$ln=14,r=9,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + 43 * "A",
        "$scrypt$ln=14,r=8,p=2$MDEyMzQ1Njc4OWFiY2RlZg$" + 43 * "A",
        "$scrypt$ln=0,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + 43 * "A",
        "$scrypt$ln=14,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + 42 * "A",
        "$scrypt$ln=14,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + 43 * "A" + "\n",
    ],
)
def test_what_is_no_line_or_costs_too_much_is_none(line: str) -> None:
    assert not is_hashed(line)
