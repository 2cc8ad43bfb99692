"""Users of a server, as far as measurements need them beside the load: their tokens, their chats, a session."""

import base64
import hashlib
import http.client
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.sync.client import ClientConnection, connect

from rig.programs import Failed, run

# How long a frame or an answer may take, on a machine that may sleep meanwhile.
PATIENCE_SECONDS = 300


def token(binary: Path, user: str) -> str:
    """A token of the user's, signed with the built-in key."""
    return run([binary, "token", "--dev", "--user", user, "--ttl", "12h"], PATIENCE_SECONDS).strip()


def chat_id(one: str, other: str) -> str:
    """The chat of two users, as the protocol's page derives it."""
    digest = hashlib.sha256(b"chasqui direct chat\0")
    for user in sorted(user.encode() for user in (one, other)):
        digest.update(len(user).to_bytes(8, "big") + user)
    return base64.urlsafe_b64encode(b"\x01" + digest.digest()[:23]).decode()


class Rest:
    """Asks for older things, over one connection."""

    def __init__(self, url: str, bearer: str) -> None:
        where = urlsplit(url)
        self._connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE_SECONDS)
        self._headers = {"Authorization": f"Bearer {bearer}"}

    def ask(self, path: str) -> tuple[int, dict[str, Any]]:
        """A question, and its answer."""
        status, body = self._answer(path)
        return status, json.loads(body)

    def took_ms(self, path: str) -> float:
        """How long an answer takes, which must be a good one."""
        began = time.perf_counter()
        status, body = self._answer(path)
        took = 1_000 * (time.perf_counter() - began)
        if status != http.client.OK:
            raise Failed(f"{path} was answered with {status}: {body[:300]!r}")
        return took

    def _answer(self, path: str) -> tuple[int, bytes]:
        try:
            self._connection.request("GET", path, headers=self._headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Failed(f"{path} was not answered: {error!r}") from error

    def last_seq(self, chat: str) -> int:
        """How many messages a chat has; none, while nobody has written."""
        status, item = self.ask(f"/v1/chats/{chat}")
        return item["last_seq"] if status == http.client.OK else 0

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


def begin_session(url: str, bearer: str, device: str, cursor: str | None = None) -> ClientConnection:
    """Connects and says hello."""
    where = urlsplit(url)
    socket = connect(f"ws://{where.netloc}/v1/socket", compression=None, max_queue=None)
    hello = {"type": "hello", "token": bearer, "device": device} | ({"cursor": cursor} if cursor else {})
    socket.send(json.dumps(hello))
    welcome = json.loads(socket.recv(PATIENCE_SECONDS))
    if welcome["type"] != "welcome" or welcome["resumed"] is (cursor is None):
        raise Failed(f"no such welcome was expected: {welcome}")
    return socket
