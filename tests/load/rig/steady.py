"""Notices that the machine stood still, or was busy with something else, while something was measured."""

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from rig.programs import Failed

T = TypeVar("T")

# How often it is looked, and from what gap on nobody can have been at work.
EVERY_SECONDS = 0.1
GAP_SECONDS = 1.0
# How often something is measured again because of that.
TRIES = 3
# A share of the processors that went to others, above which a figure says little.
OTHERS_MAX = 0.1


class Pulse:
    """A thread that sees when it was not let run, as on a machine that sleeps, or a process that it watches was not: of
    those that this one has started, and others that it is told."""

    def __init__(self) -> None:
        self.gaps = 0
        self.watched: set[int] = set()
        threading.Thread(target=self._beat, name="pulse", daemon=True).start()

    def _beat(self) -> None:
        last = time.monotonic()
        while True:
            time.sleep(EVERY_SECONDS)
            now = time.monotonic()
            if now - last > GAP_SECONDS or any(is_stopped(pid) for pid in self.watched | children()):
                self.gaps += 1
            last = now

    def steadily(self, measure: Callable[[], T]) -> T:
        """Measures, and again when the machine stood still meanwhile."""
        for tried in range(1, TRIES + 1):
            before = self.gaps
            try:
                found = measure()
            except Failed:
                if not self._stood_still(before) or tried == TRIES:
                    raise
                continue
            if not self._stood_still(before):
                return found
        raise Failed(f"the machine stood still for more than {GAP_SECONDS:.0f} s in each of {TRIES} tries")

    def _stood_still(self, before: int) -> bool:
        # The gap is seen a moment after it is over.
        time.sleep(2 * EVERY_SECONDS)
        return self.gaps > before


def children() -> set[int]:
    """The processes that this one has started, where the system tells."""
    tasks = Path("/proc/self/task").glob("*/children")
    found: set[int] = set()
    for task in tasks:
        with contextlib.suppress(OSError):
            found.update(int(pid) for pid in task.read_text().split())
    return found


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped by a signal, to go on later."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    return False


def others_share(processors: dict[str, Any] | None) -> float | None:
    """What share of the machine's processors went to neither the server nor the load."""
    return None if processors is None else shares_of(processors)["others"]


def disturbed(reports: list[dict[str, Any]]) -> str:
    """What is to be said of figures that were taken on a busy machine; nothing of others."""
    most = max((others_share(report.get("processors")) or 0.0 for report in reports), default=0.0)
    return f"the machine was busy with other things, at most {most:.0%} of it" if most > OTHERS_MAX else ""


def shares_of(processors: dict[str, Any]) -> dict[str, float]:
    """How the processors' time was shared out."""
    times = {
        "server": sum(process["cpu_seconds"] for process in processors["servers"]),
        "load": processors["load_seconds"],
        "others": processors["others_seconds"],
        "nothing": processors["idle_seconds"],
    }
    total = sum(times.values()) or 1.0
    return {name: seconds / total for name, seconds in times.items()}


def in_words(processors: dict[str, Any] | None) -> str:
    """The same, for captions."""
    if processors is None:
        return "where the processors' time went is not known"
    shares = shares_of(processors)
    return ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
