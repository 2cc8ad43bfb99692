"""Who talks in the tests: the server, programs and clients, all seen from the outside."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Generic, TypeVar

import httpx
import pytest

from chasqui_client import Client, Frame, State
from judge import Judge

HERE = Path(__file__).parent
ADMIN = "an operator's token of the tests, long enough"
BINARY = Path(os.environ.get("CHASQUI_BINARY", HERE.parents[1] / "target/debug/chasqui")).absolute()
# The server takes what begins so as options; these tests run with its defaults.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("CHASQUI_")}
# Nothing passes by waiting: this only ends a test that would never end.
HANGS_SECONDS = 60

T = TypeVar("T")
R = TypeVar("R")


class Seen(Generic[T]):
    """What has come so far, for those who wait for more."""

    def __init__(self) -> None:
        self.all: list[T] = []
        self._changed = asyncio.Event()
        self._end: object = None

    def add(self, what: T) -> None:
        self.all.append(what)
        self._changed.set()

    def end(self, why: object) -> None:
        """Nothing more will come, so waiting is over as well."""
        self._end = why
        self._changed.set()

    async def when(self, condition: Callable[[], R]) -> R:
        """Waits until a condition holds, which is looked at whenever something comes."""
        try:
            async with asyncio.timeout(HANGS_SECONDS):
                while not (result := condition()):
                    assert self._end is None, f"ended: {self._end}\n{self}"
                    self._changed.clear()
                    await self._changed.wait()
                return result
        except TimeoutError:
            pytest.fail(f"waited in vain: {self}")

    async def until(self, wanted: Callable[[T], bool]) -> T:
        """Waits for one that is wanted."""
        [found] = await self.when(lambda: [what for what in self.all if wanted(what)][:1])
        return found

    def __str__(self) -> str:
        return "\n".join(str(what) for what in self.all[-50:])


class Program:
    """A process that is fed lines, and whose lines are awaited."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: Seen[str] = Seen()
        self.errors: Seen[str] = Seen()
        self._readers = asyncio.gather(
            self._read(process.stdout, self.lines),
            self._read(process.stderr, self.errors),
        )

    async def _read(self, stream: asyncio.StreamReader | None, into: Seen[str]) -> None:
        assert stream is not None
        async for line in stream:
            into.add(line.decode().rstrip("\n"))
        into.end(self)

    def say(self, *lines: str) -> None:
        """Types lines."""
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())

    async def until(self, end: str) -> str:
        """Waits for a line that ends so, since some begin with the time."""
        return await self.lines.until(lambda line: line.endswith(end))

    async def ticked(self, count: int) -> None:
        """Waits for the first tick of that many messages."""
        await self.lines.when(lambda: sum(line.startswith("✓ ") for line in self.lines.all) >= count)

    async def leave(self) -> None:
        """Ends the input, after which the program is to end well."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert await self.ended() == 0, str(self)

    async def kill(self) -> None:
        """SIGKILL: nothing of it gets to say a word."""
        if self.process.returncode is None:
            self.process.kill()
        await self.ended()

    async def ended(self, within: float = HANGS_SECONDS) -> int:
        """Waits for the end, and for all that was said before it."""
        async with asyncio.timeout(within):
            await self._readers
            return await self.process.wait()

    def __str__(self) -> str:
        return f"{self.lines}\n--- errors\n{self.errors}"


class Peer:
    """A client in this process: what it is told, and what it has kept."""

    def __init__(self, url: str, token: Callable[[], str], state: State) -> None:
        self.told: Seen[Frame] = Seen()
        # What came over the wire: frames and answers, not yet taken in.
        self.received: Seen[Frame | httpx.Response] = Seen()
        self.client = Client(url, token, state, self.told.add, self.received.add)
        self.state = state
        self._running = asyncio.create_task(self.client.run())
        self._running.add_done_callback(
            lambda task: self.told.end("cancelled" if task.cancelled() else task.exception())
        )

    async def until(self, kind: str, **fields: object) -> Frame:
        """Waits to be told a frame of a type with these values in it."""
        wanted = {"type": kind, **fields}
        return await self.told.until(lambda frame: wanted.items() <= {k: frame.get(k) for k in wanted}.items())

    def was_told(self, kind: str) -> int:
        """How many frames of a type it was told."""
        return sum(frame["type"] == kind for frame in self.told.all)

    async def settled(self) -> None:
        """Waits until all that was sent has its outcome."""
        await self.told.when(lambda: not self.state.outbox)

    async def ended(self) -> Exception:
        """Waits until the client has given up, and tells why."""
        with pytest.raises(Exception) as ended:
            await asyncio.wait_for(asyncio.shield(self._running), HANGS_SECONDS)
        return ended.value

    async def stop(self) -> None:
        """Ends the connection, as if the process had ended."""
        self._running.cancel()
        await asyncio.wait({self._running})

    def texts(self, chat: str) -> list[str]:
        """What it has kept of a chat."""
        return [message["text"] for message in self.state.chat(chat).messages]


class Party:
    """A server and its guests."""

    def __init__(self, folder: Path, ends: AsyncExitStack) -> None:
        self.folder = folder
        self.url = ""
        self._ends = ends
        self._server: Program
        self._peers: list[Peer] = []
        self._traced: list[Program] = []

    async def start_server(self, data: str = "data") -> None:
        """Starts the server, where it was before if it was."""
        listen = self.url.removeprefix("http://") or "127.0.0.1:0"
        options = {
            "listen": listen,
            "data": self.folder / data,
            "admin.token": ADMIN,
            # Tools ask faster than people.
            "limits.requests_per_second": 0,
        }
        settings = (word for name, value in options.items() for word in ("--set", f"{name}={value}"))
        self._server = await self.program(BINARY, "serve", "--dev", *settings)
        ready = await self._server.lines.until(lambda line: line.startswith("ready on "))
        self.url = ready.removeprefix("ready on ")

    def judge(self, judge: Judge) -> None:
        """Holds all that was said to the Python clients against the server's own documents."""
        received = [what for peer in self._peers for what in peer.received.all]
        for what in received:
            if isinstance(what, dict):
                judge.frame(what)
            else:
                request = what.request
                judge.answer(
                    request.method, request.url.path, what.status_code, what.headers["content-type"], what.text
                )
        for line in (line for program in self._traced for line in program.errors.all):
            mark, _, rest = line.partition(" ")
            if mark == "<":
                judge.frame(json.loads(rest))
            elif mark == "GET":
                path, status, kind, text = rest.split(" ", 3)
                judge.answer(mark, path, int(status), kind, text)
        assert judge.judged > 0, "nothing was said"

    async def kill_server(self) -> None:
        """Ends the server with SIGKILL."""
        await self._server.kill()

    async def stop_server(self) -> None:
        """Asks the server to go away."""
        self._server.process.terminate()
        assert await self._server.ended() == 0, str(self._server)

    def token(self, user: str, ttl: str = "1h") -> str:
        """A token of the user's."""
        command = [BINARY, "token", "--dev", "--user", user, "--ttl", ttl]
        return subprocess.run(command, check=True, text=True, capture_output=True, env=ENVIRONMENT).stdout.strip()

    def state(self, name: str) -> State:
        """What the device of this name has kept."""
        return State.load(self.folder / f"{name}.json")

    def peer(self, user: str, name: str | None = None, token: Callable[[], str] | None = None) -> Peer:
        """A client of a user, on the device of this name."""
        bearer = self.token(user)
        peer = Peer(self.url, token or (lambda: bearer), self.state(name or user))
        self._ends.push_async_callback(peer.stop)
        self._peers.append(peer)
        return peer

    async def program(self, *command: str | Path, **environment: str) -> Program:
        """Any program."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            limit=2**24,
            # Some leave files where they run.
            cwd=self.folder,
            env={**ENVIRONMENT, **environment},
        )
        program = Program(process)
        self._ends.push_async_callback(program.kill)
        return program

    async def python(self, user: str, other: str, token: str | None = None) -> Program:
        """The Python client as a program, on the device that has the user's name."""
        options = ("--url", self.url, "--with", other, "--state", self.folder / f"{user}.json", "--trace")
        environment = {"CHASQUI_TOKEN": token or self.token(user), "PYTHONPATH": str(HERE)}
        program = await self.program(sys.executable, "-m", "chasqui_client", *options, **environment)
        self._traced.append(program)
        return program

    async def terminal(self, user: str, other: str) -> Program:
        """The terminal client, line by line."""
        options = ("--url", self.url, "--as", user, "--with", other, "--state", self.folder / f"{user}.terminal")
        return await self.program(BINARY, "chat", "--dev", "--plain", *options)
