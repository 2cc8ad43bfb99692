"""One device's connection: keeps what comes before it acknowledges it, and sends until it knows the outcome."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import NamedTuple

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from chasqui_client.state import Frame, State

# Frames that are stored at once, and how long an acknowledgement may wait for more of them.
BATCH_MAX = 256
ACK_SECONDS = 0.2
# Chats that one `receipts` frame may ask for.
RECEIPTS_MAX = 100
# Pauses before connecting or sending again double from the first up to the last.
PAUSE_FIRST = 0.25
PAUSE_LAST = 30.0
# How long before its end a token is renewed.
RENEW_SECONDS = 60.0


def pause(failures: int) -> float:
    """How long to wait after that many failures in a row, with chance in it."""
    return min(PAUSE_LAST, PAUSE_FIRST * 2 ** min(failures, 10)) * random.uniform(0.5, 1)


class Ended(Exception):
    """A client must not come back by itself."""


class Lost(NamedTuple):
    """The session is over, for now: how it was closed, and why."""

    number: int | None
    code: str


class Client:
    """Stays connected while `run` runs, and tells `on` each frame once what it says is stored.

    `trace` sees everything that comes, as it comes: frames and the answers over HTTP.
    """

    def __init__(
        self,
        url: str,
        token: Callable[[], str],
        state: State,
        on: Callable[[Frame], None],
        trace: Callable[[Frame | httpx.Response], None] = lambda _: None,
    ) -> None:
        self.state = state
        self._url = url.rstrip("/")
        self._http = httpx.AsyncClient()
        self._token = token
        self._on = on
        self._trace = trace
        # `None` only wakes the session up, and `Lost` is its last.
        self._incoming: asyncio.Queue[Frame | Lost | None] = asyncio.Queue(BATCH_MAX)
        # What is taken into the state, but not saved and told yet.
        self._untold: list[Frame] = []
        self._bearer = token()
        self._begin()

    # What a user does, at any time, connected or not.

    def send(self, to: str, text: str, **more: object) -> str:
        """Keeps a message and sends it until it has an outcome; returns its id."""
        frame = self.state.add_outgoing(to, {"text": text, **more})
        self._wake()
        return str(frame["id"])

    def read(self, chat: str, seq: int) -> None:
        """Says that the user has opened everything up to a message."""
        known = self.state.chat(chat)
        if seq > known.opened:
            known.opened = seq
            self.state.save()
            self._wake()

    def renew(self) -> None:
        """Brings a new token at once, rather than when the old one is about to end."""
        self._renew_at = time.monotonic()
        self._wake()

    async def get(self, path: str, **parameters: str | int) -> Frame:
        """Asks over HTTP for something below `/v1/`."""
        headers = {"Authorization": f"Bearer {self._bearer}"}
        answer = await self._http.get(f"{self._url}/v1/{path}", params=parameters, headers=headers)
        self._trace(answer)
        answer.raise_for_status()
        return dict(answer.json())

    async def history(self, chat: str, **where: int) -> AsyncIterator[Frame]:
        """Messages of a chat: all from the oldest up with `after=0`, from the newest down without anything."""
        upwards = "after" in where or "since" in where
        while True:
            page = await self.get(f"chats/{chat}/messages", **where)
            for message in page["messages"]:
                yield message
            if "next" not in page:
                return
            # A time leads to the first page only.
            where = {"limit": where["limit"]} if "limit" in where else {}
            where["after" if upwards else "before"] = page["next"]

    # The connection.

    async def run(self) -> None:
        """Connects and comes back until it is cancelled; raises `Ended` when it must not come back."""
        async with self._http:
            await self._stay()

    async def _stay(self) -> None:
        failures = 0
        while True:
            self._begin()
            try:
                async with connect(self._url.replace("http", "ws", 1) + "/v1/socket") as socket:
                    lost = await self._session(socket)
            except (OSError, InvalidHandshake, httpx.HTTPError) as error:
                lost = Lost(None, str(error))
            if lost.number is not None and 4500 <= lost.number <= 4999:
                raise Ended(lost.code)
            self._on({"type": "disconnected", "code": lost.code})
            failures = 0 if self._was_caught_up else failures
            await asyncio.sleep(self._retry_in + pause(failures))
            failures += 1
            token = self._token()
            if lost.code == "token_expired" and token == self._bearer:
                raise Ended(lost.code)
            self._bearer = token

    def _begin(self) -> None:
        """Forgets what belongs to the session before."""
        self._welcome: Frame = {}
        self._was_caught_up = False
        self._retry_in = 0.0
        # Messages under way, one a user so that none overtakes another; when those held back may go.
        self._under_way: set[str] = set()
        self._held: dict[str, float] = {}
        # Chats whose marks to ask for, what to say of them, and what was said.
        self._ask: list[str] = []
        self._delivered: dict[str, int] = {}
        self._said_read: dict[str, int] = {}
        self._unacked = 0
        self._ack_at: float | None = None
        self._expires = 0.0
        self._renew_at: float | None = None
        self._offered = ""

    async def _session(self, socket: ClientConnection) -> Lost:
        self._incoming = asyncio.Queue(BATCH_MAX)
        hello = {"type": "hello", "token": self._bearer, "device": self.state.device}
        if self.state.cursor is not None:
            hello["cursor"] = self.state.cursor
        reader = asyncio.create_task(self._read(socket))
        lost: Lost | None = None
        try:
            outgoing: list[Frame] = [hello]
            while lost is None:
                try:
                    for frame in outgoing:
                        await socket.send(json.dumps(frame))
                except ConnectionClosed:
                    # The reader brings what came before, and how it was closed.
                    pass
                for incoming in await self._next_batch():
                    if isinstance(incoming, Lost):
                        lost = incoming
                    elif incoming is not None:
                        await self._take(incoming)
                self._keep()
                outgoing = self._due() if self._welcome else []
            return lost
        finally:
            reader.cancel()

    async def _read(self, socket: ClientConnection) -> None:
        """Hands over what arrives, so that many frames can be stored at once."""
        try:
            while True:
                frame = json.loads(await socket.recv())
                self._trace(frame)
                await self._incoming.put(frame)
        except ConnectionClosed as closed:
            close = closed.rcvd
            await self._incoming.put(Lost(close.code, close.reason) if close else Lost(None, "connection lost"))

    async def _next_batch(self) -> list[Frame | Lost | None]:
        """Waits until something comes, somebody wakes us, or something is due."""
        ack_at = self._ack_at if self.state.cursor is not None else None
        dues = [due for due in (ack_at, self._renew_at, *self._held.values()) if due is not None]
        batch: list[Frame | Lost | None] = []
        if self._incoming.empty():
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(dues, default=None)):
                    batch.append(await self._incoming.get())
        while not self._incoming.empty():
            batch.append(self._incoming.get_nowait())
        return batch

    def _wake(self) -> None:
        # A full queue keeps the session awake anyhow.
        if not self._incoming.full():
            self._incoming.put_nowait(None)

    # What comes.

    async def _take(self, frame: Frame) -> None:
        """Takes into the state what a frame says, and its cursor."""
        match frame["type"]:
            case "welcome":
                await self._welcomed(frame)
            case "caught_up":
                self._was_caught_up = True
                self._ask = list(self.state.chats)
            case "message":
                if not self.state.add_message(frame):
                    frame = {**frame, "type": "repeat"}
                elif frame["from"] != self.state.user:
                    self._delivered[frame["chat"]] = frame["seq"]
            case "sent" | "failed" if "id" in frame:
                self._outcome(frame)
            case "receipt":
                self.state.chat(frame["chat"]).mark(frame["user"], frame)
            case "receipts":
                for chat in frame["chats"]:
                    self._marks(chat)
            case "renewed":
                self._bearer = self._offered
                self._expires = frame["expires"] / 1000 - self._clock
                self._plan_renewal()
            case "error":
                self._retry_in = frame.get("retry_in_ms", 0) / 1000
        if "cursor" in frame:
            self.state.cursor = frame["cursor"]
            self._unacked += 1
            self._ack_at = self._ack_at or time.monotonic() + ACK_SECONDS
        self._untold.append(frame)

    def _keep(self) -> None:
        """Stores first, then tells."""
        if self._untold:
            self.state.save()
        while self._untold:
            self._on(self._untold.pop(0))

    async def _welcomed(self, welcome: Frame) -> None:
        if self.state.user not in (None, welcome["user"]):
            raise Ended("the state belongs to another user")
        self.state.user = welcome["user"]
        self._welcome = welcome
        self._clock = welcome["time"] / 1000 - time.monotonic()
        self._expires = welcome["expires"] / 1000 - self._clock
        self._plan_renewal()
        if not welcome["resumed"]:
            self.state.cursor = None
            await self._fetch()

    async def _fetch(self) -> None:
        """Reads what the stream won't bring, before anything live: repeats are then known by their seq."""
        where: dict[str, str | int] = {}
        while True:
            page = await self.get("chats", **where)
            for chat in page["chats"]:
                async for message in self.history(chat["chat"], after=self.state.chat(chat["chat"]).seq):
                    own = message["from"] == self.state.user and message["device"] == self.state.device
                    if own and (accepted := self.state.outgoing(message)):
                        self.state.outbox.remove(accepted)
                    if self.state.add_message(message):
                        self._untold.append({"type": "message", **message})
                self._keep()
                self._marks(chat)
            if "next" not in page:
                return
            where["after"] = page["next"]

    def _outcome(self, frame: Frame) -> None:
        message = self.state.outgoing(frame)
        if message is None:
            return
        # For whoever listens: not every outcome says to whom.
        to = frame["to"] = message["to"]
        self._under_way.discard(to)
        if frame["type"] == "failed" and frame["retry"]:
            self._held[to] = time.monotonic() + frame.get("retry_in_ms", 0) / 1000 + pause(2)
            return
        self.state.outbox.remove(message)
        if frame["type"] == "sent":
            own = {"from": self.state.user, "device": self.state.device}
            place = {key: frame[key] for key in ("chat", "seq", "time")}
            content = {key: value for key, value in message.items() if key not in ("type", "to")}
            self.state.add_message({**place, **own, **content})

    def _marks(self, chat: Frame) -> None:
        """Takes over the watermarks of a chat, and notes when our own is too low there."""
        known = self.state.chat(chat["chat"])
        for member in chat["members"]:
            known.mark(member["user"], member)
        if known.marked(self.state.user, "delivered") < known.theirs:
            self._delivered[chat["chat"]] = known.theirs
            self._ack_at = self._ack_at or time.monotonic()

    def _plan_renewal(self) -> None:
        left = self._expires - time.monotonic()
        self._renew_at = time.monotonic() + max(left - RENEW_SECONDS, left / 2) if left > 1 else None

    # What goes.

    def _due(self) -> list[Frame]:
        """What to say now: questions, marks, acknowledgements, messages, a new token."""
        now = time.monotonic()
        frames: list[Frame] = []
        while self._ask:
            frames.append({"type": "receipts", "chats": self._ask[:RECEIPTS_MAX]})
            self._ask = self._ask[RECEIPTS_MAX:]
        for chat, known in self.state.chats.items():
            if known.opened > max(known.marked(self.state.user, "read"), self._said_read.get(chat, 0)):
                self._said_read[chat] = known.opened
                frames.append({"type": "read", "chat": chat, "seq": known.opened})
        many = self._unacked >= self._welcome["unacked_max"] // 4
        if self.state.cursor is not None and self._ack_at is not None and (many or now >= self._ack_at):
            frames.append({"type": "ack", "cursor": self.state.cursor, "delivered": self._delivered})
            self._delivered, self._unacked, self._ack_at = {}, 0, None
        self._held = {to: until for to, until in self._held.items() if until > now}
        for message in self.state.outbox:
            to = message["to"]
            if len(self._under_way) < self._welcome["outstanding_max"] and to not in {*self._under_way, *self._held}:
                self._under_way.add(to)
                frames.append(message)
        if self._renew_at is not None and now >= self._renew_at:
            self._plan_renewal()
            token = self._token()
            if token not in (self._bearer, self._offered):
                self._offered = token
                frames.append({"type": "renew", "token": token})
        return frames
