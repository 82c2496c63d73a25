"""What brings the environment: the locks, and `scripts/setup` on machines that lack something."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
TOOLS = ("sh", "dirname", "ls", "cat", "cksum", "tr", "rm", "touch", "env", "tee", "chmod")
LOCKS = ("run", "dev")


def pinned(lock: str) -> dict[str, str]:
    text = (REPOSITORY / "requirements" / f"{lock}.txt").read_text()
    return dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", text))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_everything_with_hashes_and_names_no_place(lock: str) -> None:
    text = (REPOSITORY / "requirements" / f"{lock}.txt").read_text()
    entries = re.split(r"(?m)^(?=[\w.-]+==)", text)[1:]
    # One name may stand there twice, for two versions of Python.
    assert {entry.partition("==")[0] for entry in entries} == pinned(lock).keys()
    assert len(entries) > 20
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"://|--index-url|--find-links|(?m:^)[/-]", text)


def test_both_locks_agree_so_that_one_environment_serves_both() -> None:
    assert pinned("run").items() <= pinned("dev").items()


def test_the_locks_carry_what_builds_without_isolation() -> None:
    assert {"hatchling", "editables"} <= set(pinned("run"))


def made_of(project: Path) -> bytes:
    """What `make sbom` writes there. The command is read from the Makefile, which is what is promised."""
    [line] = re.findall(r"(?m)^\t\.venv/bin/(cyclonedx-py .*)$", (REPOSITORY / "Makefile").read_text())
    (project / "dist").mkdir()
    program = Path(sys.executable).parent / "cyclonedx-py"
    subprocess.run([program, *line.split()[1:]], cwd=project, check=True, capture_output=True)
    return (project / "dist" / "lgsp.cdx.json").read_bytes()


@pytest.mark.timeout(90)
def test_the_bill_of_materials_is_the_lock_and_the_same_twice(tmp_path: Path) -> None:
    bills = []
    for name in ("one", "two"):
        shutil.copytree(REPOSITORY / "requirements", tmp_path / name / "requirements")
        for file in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(REPOSITORY / file, tmp_path / name / file)
        bills.append(made_of(tmp_path / name))
    assert bills[0] == bills[1]
    bill = json.loads(bills[0])
    assert bill["bomFormat"] == "CycloneDX"
    assert (bill["metadata"]["component"]["name"], bill["metadata"]["component"]["version"]) == ("lgsp", "0.1.0")
    assert {part["name"]: part["version"] for part in bill["components"]} == pinned("run")
    digests = {
        digest["content"]
        for part in bill["components"]
        for place in part["externalReferences"]
        for digest in place.get("hashes", [])
    }
    assert digests == set(re.findall(r"--hash=sha256:(\w+)", (REPOSITORY / "requirements" / "run.txt").read_text()))


Machine = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `scripts/setup` needs of us, under a path with spaces."""
    here = tmp_path / "a path with spaces"
    (here / "scripts").mkdir(parents=True)
    shutil.copytree(REPOSITORY / "requirements", here / "requirements")
    for name in ("scripts/setup", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, here / name)
    return here


@pytest.fixture
def machine(checkout: Path, tmp_path: Path) -> Machine:
    """Runs `scripts/setup` where only a few tools and the given programs exist; each notes how it was called."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in TOOLS:
        (programs / tool).symlink_to(shutil.which(tool) or tool)

    def run(word: str, variables: dict[str, str] | None = None, **scripts: str) -> subprocess.CompletedProcess[str]:
        for name, script in scripts.items():
            program = programs / name.replace("_", "-")
            program.write_text(f'#!/bin/sh\necho "{program.name} $*" >>"{tmp_path}/calls"\n{script}\n')
            program.chmod(0o755)
        return subprocess.run(
            ["sh", "scripts/setup", word],
            cwd=checkout,
            env={"PATH": str(programs)} | (variables or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_an_old_python_is_one_sentence(machine: Machine) -> None:
    done = machine("run", python3="exit 1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "lgsp: Python 3.11 or newer is needed, and none is on the path.\n"


def test_without_a_terminal_a_person_is_told_the_exact_command(machine: Machine, tmp_path: Path) -> None:
    done = machine("system", apt_get="", id="echo 1000")
    assert done.returncode == 2
    assert re.search(
        r"Install them with: sudo apt-get install .*prometheus prometheus-alertmanager docker-compose ", done.stderr
    )
    assert "apt-get" not in (tmp_path / "calls").read_text()


def test_without_apt_it_says_what_is_missing(machine: Machine) -> None:
    done = machine("system")
    assert done.returncode == 2
    assert "missing:" in done.stderr
    assert "prometheus" in done.stderr


@pytest.mark.parametrize("word", ["LGSP_YES", "CI"])
def test_told_to_go_on_it_installs_and_asks_nothing_of_the_person(word: str, machine: Machine, tmp_path: Path) -> None:
    done = machine("system", {word: "1" if word == "LGSP_YES" else "true"}, apt_get="", id="echo 1000", sudo="")
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text()
    assert "sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends" in calls


def test_what_cannot_be_installed_is_a_failure_with_a_sentence(machine: Machine) -> None:
    done = machine(
        "system", {"LGSP_YES": "1"}, apt_get="exit 100", id="echo 1000", sudo='case "$1" in apt-get) "$@" ;; esac'
    )
    assert done.returncode == 2
    assert "the tests with real parts cannot run" in done.stderr


@pytest.mark.parametrize("end", ["exit 0", "exit 100", "kill -TERM $PPID; exit 1"])
def test_services_are_held_back_during_the_installation_and_never_after(
    end: str, machine: Machine, checkout: Path, tmp_path: Path
) -> None:
    policy = with_policy_in(checkout, tmp_path)
    seen = tmp_path / "seen"
    machine("system", AS_TOLD, id="echo 1000", apt_get="", sudo=sudo(f'cat "{policy}" >"{seen}"; {end}'))
    assert seen.read_text() == "#!/bin/sh\nexit 101\n"
    assert not policy.exists()


def test_a_policy_of_the_machine_s_own_stays(machine: Machine, checkout: Path, tmp_path: Path) -> None:
    policy = with_policy_in(checkout, tmp_path)
    policy.write_text("its own")
    machine("system", AS_TOLD, id="echo 1000", apt_get="", sudo=sudo("exit 0"))
    assert policy.read_text() == "its own"


AS_TOLD = {"LGSP_YES": "1"}


def with_policy_in(checkout: Path, directory: Path) -> Path:
    """`scripts/setup` with the machine's policy file mapped into a directory of the test."""
    script, policy = checkout / "scripts" / "setup", directory / "policy-rc.d"
    text = script.read_text()
    assert text.count("/usr/sbin/policy-rc.d") == 1
    script.write_text(text.replace("/usr/sbin/policy-rc.d", str(policy)))
    return policy


def sudo(installing: str) -> str:
    """Does what it is asked, but for the installation, which it plays."""
    return f'case "$1" in env) {installing} ;; apt-get) ;; *) "$@" ;; esac'


def test_an_unchanged_lock_reinstalls_nothing_and_a_changed_one_does_each_time(
    machine: Machine, checkout: Path, tmp_path: Path
) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    for name in ("python", "pip"):
        program = checkout / ".venv" / "bin" / name
        program.write_text(f'#!/bin/sh\necho "pip $*" >>"{tmp_path}/calls"\n')
        program.chmod(0o755)
    lock = checkout / "requirements" / "run.txt"
    old, new = lock.read_text(), lock.read_text() + "# newer\n"
    counts = []
    for text in (old, old, new, old):
        lock.write_text(text)
        assert machine("run", python3="exit 0").returncode == 0
        counts.append((tmp_path / "calls").read_text().count("--require-hashes"))
    assert counts == [1, 1, 2, 3]
