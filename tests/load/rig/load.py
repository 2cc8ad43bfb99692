"""Runs `chasqui load`, which makes the load, checks all that comes of it, and counts."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rig.programs import ENVIRONMENT, Failed, run

Report = dict[str, Any]

# Beyond what was asked for: logging in, and waiting for what is under way.
PATIENCE_SECONDS = 600


class Load:
    """The load generator, and what all runs of it are told."""

    def __init__(self, binary: Path, pairs: int, warm_up: float, seconds: float, patience: float) -> None:
        self.pairs = pairs
        self.warm_up = warm_up
        self.seconds = seconds
        self.patience = patience
        self._binary = binary

    def chat(self, urls: Sequence[str], window: int, *more: str) -> Report:
        """As fast as it goes, with so many messages of a pair under way."""
        return self._exchange("chat", urls, "--window", str(window), *more)

    def rate(self, urls: Sequence[str], per_second: float, *more: str) -> Report:
        """So many messages a second."""
        return self._exchange("rate", urls, "--per-second", str(per_second), *more)

    def idle(self, urls: Sequence[str], sessions: int, settle: float, watch: float) -> Report:
        """Sessions that do nothing: memory is read when they have settled, and it is watched what they cost."""
        command = ["idle", "--sessions", str(sessions), "--settle", f"{settle}s", "--watch", f"{watch}s"]
        return self._report(command, urls, settle + watch + sessions / 100)

    def storm(self, url: str, sessions: int, calm: float) -> Report:
        """Sessions that are cut all at once and come back at once, each with messages that it has missed."""
        command = ["storm", "--sessions", str(sessions), "--calm", f"{calm}s"]
        return self._report(command, [url], sessions / 100)

    def _exchange(self, kind: str, urls: Sequence[str], *more: str) -> Report:
        times = ("--warm-up", f"{self.warm_up}s", "--time", f"{self.seconds}s", "--patience", f"{self.patience}s")
        return self._report([kind, "--pairs", str(self.pairs), *times, *more], urls, self.warm_up + self.seconds)

    def _report(self, command: list[str], urls: Sequence[str], seconds: float) -> Report:
        return json.loads(run(self._words(command, urls), seconds + PATIENCE_SECONDS))

    def _words(self, command: list[str], urls: Sequence[str]) -> list[str]:
        return [str(self._binary), "load", *command, "--json", *(word for url in urls for word in ("--url", url))]

    def until(
        self, url: str, pairs: int, window: int, name: str, is_enough: Callable[[], bool], seconds: float
    ) -> None:
        """Lets NAME-0-writer write to NAME-0-reader, and so on, until it is enough, at most so many seconds."""
        if is_enough():
            return
        long = ("--warm-up", "0s", "--time", f"{seconds}s")
        command = ["chat", "--pairs", str(pairs), "--window", str(window), "--run", name, *long]
        process = self._begin(command, url)
        try:
            late = time.monotonic() + seconds
            while not is_enough():
                if process.poll() is not None or time.monotonic() > late:
                    raise Failed(f"the load ended early, or did not get so far in {seconds:.0f} s")
                time.sleep(0.05)
            # It stops sending, waits for what is under way, and reports.
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired as stuck:
            raise Failed("the load did not end when it was asked to") from stuck
        finally:
            process.kill()
            process.communicate()
        if process.returncode != 0:
            raise Failed(f"something was wrong with what came from the server: {said[-2000:]}")

    def beginning(self, url: str) -> subprocess.Popen[str]:
        """A load that goes on until it is killed."""
        return self._begin(["chat", "--pairs", str(self.pairs), "--window", "16", "--time", "600s"], url)

    def _begin(self, command: list[str], url: str) -> subprocess.Popen[str]:
        words = self._words(command, [url])
        return subprocess.Popen(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)


def cpu_per_1000(report: Report) -> float | None:
    """Processor seconds of the server for 1,000 receipted messages."""
    usage, count = report["processors"], report["receipted"]["count"]
    if usage is None or count == 0:
        return None
    return 1_000 * sum(process["cpu_seconds"] for process in usage["servers"]) / count


def faults(report: Report) -> int:
    """How much was wrong."""
    return sum(report["faults"].values())
