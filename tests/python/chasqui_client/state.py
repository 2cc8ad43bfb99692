"""What a device must not forget, in one file that is replaced as a whole."""

import base64
import hashlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Frame = dict[str, Any]

# How many messages of a chat the file keeps; older ones are read from the server.
KEPT_MESSAGES_MAX = 1000


def chat_id(one: str, other: str) -> str:
    """The chat of two users, which both sides can compute before the first message."""
    users = sorted(user.encode() for user in (one, other))
    digest = hashlib.sha256(b"chasqui direct chat\0")
    for user in users:
        digest.update(len(user).to_bytes(8, "big") + user)
    return base64.urlsafe_b64encode(b"\x01" + digest.digest()[:23]).decode()


@dataclass
class Chat:
    """A chat as this device knows it."""

    # The highest seq stored, the highest by somebody else, and the highest that our user has read.
    seq: int = 0
    theirs: int = 0
    opened: int = 0
    marks: dict[str, dict[str, int]] = field(default_factory=dict)
    messages: list[Frame] = field(default_factory=list)

    def mark(self, user: str, marks: Frame) -> None:
        """Raises a member's watermarks, which never go back."""
        self.marks[user] = {name: max(self.marked(user, name), marks[name]) for name in ("delivered", "read")}

    def marked(self, user: str | None, name: str) -> int:
        """A member's watermark."""
        return self.marks.get(user or "", {}).get(name, 0)


@dataclass
class State:
    """All that has to outlive the process. A change counts once `save` has returned."""

    path: Path
    user: str | None = None
    device: str = ""
    cursor: str | None = None
    counters: dict[str, int] = field(default_factory=dict)
    outbox: list[Frame] = field(default_factory=list)
    chats: dict[str, Chat] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "State":
        """The state in the file, or that of a new device."""
        if not path.exists():
            state = cls(path, device=f"python-{secrets.token_hex(8)}")
            state.save()
            return state
        kept = json.loads(path.read_text("utf-8"))
        kept["chats"] = {chat: Chat(**fields) for chat, fields in kept["chats"].items()}
        return cls(path, **kept)

    def save(self) -> None:
        """Replaces the file, so that after a crash either the old or the new state is there."""
        fields = asdict(self)
        del fields["path"]
        new = self.path.with_name(self.path.name + ".new")
        new.parent.mkdir(parents=True, exist_ok=True)
        with open(new, "w", encoding="utf-8", opener=_private) as file:
            json.dump(fields, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def chat(self, chat: str) -> Chat:
        """The chat, which is new if it has not been heard of."""
        return self.chats.setdefault(chat, Chat())

    def add_outgoing(self, to: str, content: Frame) -> Frame:
        """Gives a message the device's next number for this user, and puts it into the outbox."""
        number = self.counters.get(to, 0) + 1
        self.counters[to] = number
        frame = {"type": "send", "id": str(number), "to": to, **content}
        self.outbox.append(frame)
        self.save()
        return frame

    def outgoing(self, frame: Frame) -> Frame | None:
        """The message in the outbox that a frame with an id is about."""
        for message in self.outbox:
            chat = chat_id(self.user or "", message["to"])
            if message["id"] == frame["id"] and (frame.get("to") == message["to"] or frame.get("chat") == chat):
                return message
        return None

    def add_message(self, message: Frame) -> bool:
        """Adds a message; tells whether it was missing."""
        chat = self.chat(message["chat"])
        if message["seq"] <= chat.seq:
            return False
        chat.seq = message["seq"]
        if message["from"] != self.user:
            chat.theirs = message["seq"]
        chat.messages.append(message)
        del chat.messages[:-KEPT_MESSAGES_MAX]
        return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
