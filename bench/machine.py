"""What the kernel says: which machine this is, CPU time and memory of processes, what strangers use."""

from __future__ import annotations

import os
import platform
import resource
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic

_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def describe() -> str:
    """The machine in one line."""
    models = [line for line in _lines(_PROC / "cpuinfo") if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    total = next((line for line in _lines(_PROC / "meminfo") if line.startswith("MemTotal")), "MemTotal: 0 kB")
    gib = int(total.split()[1]) / 1024**2
    return f"{os.cpu_count()} cores ({model}), {gib:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, all threads; 0 when it is gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def busy_seconds() -> float:
    """CPU time of the whole machine so far, waiting left out, what the hypervisor took included."""
    user, nice, system, _idle, _wait, irq, soft, steal, *_ = map(int, _lines(_PROC / "stat")[0].split()[1:])
    return (user + nice + system + irq + soft + steal) / _TICK


def memory_mib(pid: int) -> Mapping[str, float]:
    """Resident memory of a process: `now` and its `peak`; empty when it is gone."""
    try:
        lines = _lines(_PROC / str(pid) / "status")
    except (FileNotFoundError, ProcessLookupError):
        return {}
    values = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return {"now": values["VmRSS"], "peak": values["VmHWM"]} if len(values) == 2 else {}


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8", errors="replace").splitlines()


class Meter:
    """CPU time of the parties of a round, by party, and of everybody else on the machine, from its making on."""

    def __init__(self, parties: Mapping[str, Sequence[int]]) -> None:
        self._parties = parties
        self._began = monotonic()
        self._busy = busy_seconds()
        self._before = {party: _sum(pids) for party, pids in parties.items()}
        self._children = _of_children()

    def read(self) -> tuple[Mapping[str, float], float]:
        """CPU seconds by party (`wrk`, or whatever was started and ended meanwhile, as `caller`), and others' cores."""
        used = {party: _sum(pids) - self._before[party] for party, pids in self._parties.items()}
        children = _of_children() - self._children
        if children > 0:
            used["caller"] = children
        wall = monotonic() - self._began
        return used, max(0.0, busy_seconds() - self._busy - sum(used.values())) / wall


def _sum(pids: Sequence[int]) -> float:
    return sum(cpu_seconds(pid) for pid in pids)


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
