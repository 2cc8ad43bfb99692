"""Programs that are started for a measurement: each is stopped by its id, and nothing waits for ever."""

import contextlib
import os
import resource
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[3]
# A server takes what begins so as options; measurements run with what they say themselves.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("CHASQUI_")}
# What has not begun by then never will. A log of gigabytes is read in it.
READY_SECONDS = 300
# Sessions are told to come back, and everything is flushed.
STOP_SECONDS = 60
# The load asks for more than the server allows a user.
WITHOUT_LIMITS = {
    "limits.sends_per_second": 0,
    "limits.frames_per_second": 0,
    "limits.requests_per_second": 0,
    "limits.logins_per_second": 0,
}
# Beside its sessions a server has files of its own, and keeps room for connections that are none.
FILES_BESIDE = 2_000


class Failed(Exception):
    """Something that a person has to look at, in words for them."""


def settings(options: dict[str, object]) -> list[str]:
    """Options, as the command line has them."""
    return [word for name, value in options.items() for word in ("--set", f"{name}={value}")]


def run(command: Sequence[str | Path], seconds: float, environment: dict[str, str] | None = None) -> str:
    """Runs a program to its end, and gives what it prints."""
    words = [str(word) for word in command]
    try:
        ran = subprocess.run(
            words, check=False, text=True, capture_output=True, timeout=seconds, env=environment or ENVIRONMENT
        )
    except subprocess.TimeoutExpired as late:
        raise Failed(f"not done within {seconds:.0f} s: {' '.join(words)}") from late
    if ran.returncode != 0:
        raise Failed(f"failed with {ran.returncode}: {' '.join(words)}\n{(ran.stdout + ran.stderr)[-4000:]}")
    return ran.stdout


class Program:
    """A role of Chasqui, or all of them: a process that says when it is ready."""

    def __init__(
        self, binary: Path, command: str, options: dict[str, object], folder: Path, name: str | None = None
    ) -> None:
        self.name = name or command
        self.url = ""
        self._words = [str(binary), command, "--dev", *settings({"listen": "127.0.0.1:0", **options})]
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """Its id, while it runs."""
        assert self._process is not None, "it was started"
        return self._process.pid

    def cpu_seconds(self) -> float | None:
        """The processor time that it has used so far, where the system tells."""
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return None

    def start(self) -> float:
        """Starts it, and tells how many seconds it took until it took sessions, or began its role."""
        began = time.monotonic()
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{self.name}.log").open("a") as log:
            self._process = subprocess.Popen(
                self._words, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=ENVIRONMENT
            )
        try:
            self._become_ready(self._process)
        except BaseException:
            self.kill()
            raise
        return time.monotonic() - began

    def _become_ready(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        # Whoever waits for a line can't be told to give up: the end of the process is what ends it.
        patience = threading.Timer(READY_SECONDS, process.kill)
        patience.start()
        try:
            line = next((line for line in process.stdout if line.startswith("ready on ")), "")
        finally:
            patience.cancel()
        if not line:
            raise Failed(f"{self.name} did not become ready within {READY_SECONDS} s:\n{self.log_tail()}")
        self.url = line.split()[2]
        self._await_answer()

    def _await_answer(self) -> None:
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/ready", timeout=5):
                return
            time.sleep(0.01)
        raise Failed(f"{self.url}/ready did not say yes within {READY_SECONDS} s:\n{self.log_tail()}")

    def stop(self) -> float:
        """Asks it to go, and tells how many seconds that took."""
        began = time.monotonic()
        if self._process is not None:
            self._process.terminate()
            try:
                code = self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired as late:
                self.kill()
                raise Failed(f"{self.name} did not stop within {STOP_SECONDS} s:\n{self.log_tail()}") from late
            self._forget()
            if code != 0:
                raise Failed(f"{self.name} ended with {code}:\n{self.log_tail()}")
        return time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL, and waits for the end."""
        if self._process is not None:
            # One that a debugger has stopped is woken, to end.
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(STOP_SECONDS)
            self._forget()

    def _forget(self) -> None:
        assert self._process is not None
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None

    def log_tail(self) -> str:
        """The last that it has logged."""
        with contextlib.suppress(OSError):
            return "\n".join((self._folder / f"{self.name}.log").read_text().splitlines()[-10:])
        return ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.stop()
        else:
            self.kill()


def embedded(binary: Path, folder: Path, options: dict[str, object] | None = None) -> Program:
    """`chasqui serve`, with its data in a folder."""
    return Program(binary, "serve", {"data": folder / "data", **WITHOUT_LIMITS, **(options or {})}, folder)


def sessions_max(wanted: int) -> int:
    """Lets this process and those that it starts open files for so many sessions, and tells for how many it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = wanted + FILES_BESIDE
    for limits in ((max(files, soft), max(files, hard)), (hard, hard)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        except (ValueError, OSError):
            continue
        break
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    # Where few files may be open, the server keeps less beside.
    return min(wanted, max(files - FILES_BESIDE, files // 2))
