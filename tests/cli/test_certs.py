from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from lgsp.cli import lgsp
from lgsp.errors import SettingsError


def run(*arguments: str) -> Result:
    return CliRunner().invoke(lgsp, ["certs", "dev", *arguments])


def shown(file: str) -> tuple[list[str], x509.ObjectIdentifier]:
    made = x509.load_pem_x509_certificate(Path(file).read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    [purpose] = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return names.get_values_for_type(x509.DNSName), purpose


def test_an_authority_servers_and_clients_are_made_and_are_nobody_elses(tmp_path: Path) -> None:
    place = tmp_path / "tls"
    done = run(str(place), "--server", "broker=mq.example.org,mq2.example.org", "--client", "one-stop", "--json")
    made = json.loads(done.stdout)
    assert list(made) == ["authority", "broker", "one-stop"]
    assert shown(made["broker"]) == (
        ["localhost", "mq.example.org", "mq2.example.org"],
        ExtendedKeyUsageOID.SERVER_AUTH,
    )
    assert shown(made["one-stop"]) == (["one-stop"], ExtendedKeyUsageOID.CLIENT_AUTH)
    authority = x509.load_pem_x509_certificate(Path(made["authority"]).read_bytes())
    for name in ("broker", "one-stop"):
        x509.load_pem_x509_certificate(Path(made[name]).read_bytes()).verify_directly_issued_by(authority)
    assert {file.name for file in place.iterdir()} == {"authority.crt", "authority.pem", "broker.pem", "one-stop.pem"}
    assert {file.stat().st_mode & 0o777 for file in place.iterdir()} == {0o600}
    assert "PRIVATE" not in Path(made["authority"]).read_text()


def test_once_more_they_come_from_the_same_authority(tmp_path: Path) -> None:
    before = run(str(tmp_path / "tls")).exit_code, (tmp_path / "tls" / "authority.crt").read_bytes()
    first = (tmp_path / "tls" / "client.pem").read_bytes()
    assert (run(str(tmp_path / "tls")).exit_code, (tmp_path / "tls" / "authority.crt").read_bytes()) == before
    assert (tmp_path / "tls" / "client.pem").read_bytes() != first


@pytest.mark.parametrize("name", ["authority", "../out", "", "Upper"])
def test_no_name_leads_out_of_the_directory(tmp_path: Path, name: str) -> None:
    assert isinstance(run(str(tmp_path), "--client", name).exception, SettingsError)
    assert list(tmp_path.iterdir()) == []
