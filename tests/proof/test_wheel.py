"""The wheel: complete, the same twice, and working where there is nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from project import files_of

from lgsp.catalogue.parse import read_catalogue

pytestmark = [pytest.mark.proof, pytest.mark.timeout(180)]

REPOSITORY = Path(__file__).parents[2]


def build(into: Path) -> Path:
    source = into / "a source with spaces"
    for name in files_of():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, source / name)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(into / "dist")],
        cwd=source,
        check=True,
        capture_output=True,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1684886400"},
    )
    [wheel] = (into / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


def test_it_carries_code_connectors_types_and_configuration(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"lgsp/__init__.py", "lgsp/py.typed", "connectors/population.py", "lgsp/config/services.yaml"} <= names
    assert "lgsp/config/scenarios/demo.yaml" in names
    assert not any(name.startswith(("tests/", "config/", "requirements/")) for name in names)


def test_two_builds_have_one_digest_and_no_machine_s_path(wheel: Path, tmp_path: Path) -> None:
    again = build(tmp_path)
    assert sha256(wheel.read_bytes()).hexdigest() == sha256(again.read_bytes()).hexdigest()
    with zipfile.ZipFile(wheel) as archive:
        assert not any(str(REPOSITORY).encode() in archive.read(name) for name in archive.namelist())


def test_an_installed_lgsp_works_from_any_directory(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    site = Path(
        subprocess.run(
            [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    )
    zipfile.ZipFile(wheel).extractall(site)
    empty = tmp_path / "empty"
    empty.mkdir()
    # The dependencies come from where the tests run; lgsp itself from the wheel alone.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    code = "import lgsp, sys; sys.argv = ['lgsp', 'services', 'validate']; print(lgsp.__file__); from lgsp.cli import main; main()"
    done = subprocess.run([str(python), "-I", "-c", code], cwd=empty, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(site) in done.stdout
    operations = sum(len(service.operations) for service in read_catalogue(REPOSITORY / "config"))
    assert f"28 services, {operations} operations, no mistake" in done.stderr
