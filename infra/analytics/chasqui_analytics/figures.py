"""What events add up to."""

from array import array
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from datetime import datetime
from statistics import median
from typing import Any, NamedTuple

Event = Mapping[str, Any]


class Message(NamedTuple):
    """A message that nobody has read yet."""

    seq: int
    time: datetime


class Chat:
    """What has to be known of a chat to take its next event."""

    def __init__(self) -> None:
        self.version = 0
        # By sender, in order of seq.
        self.unread: defaultdict[str, deque[Message]] = defaultdict(deque)


class Figures:
    """Counts messages by hour, and how long each waited until somebody else had read it."""

    def __init__(self) -> None:
        self.events = 0
        self.messages: Counter[datetime] = Counter()
        self._chats: defaultdict[str, Chat] = defaultdict(Chat)
        # Milliseconds; a median needs all of them.
        self._waited = array("q")

    def add(self, event: Event) -> None:
        """Takes an event. Those of a chat come in order, and some again: when a sequencer takes over from another."""
        chat = self._chats[event["chat"]]
        if event["version"] <= chat.version:
            return
        chat.version = event["version"]
        self.events += 1
        time: datetime = event["time"]
        # Exactly one of the nullable records is set: it says what happened.
        if message := event["message"]:
            self.messages[time.replace(minute=0, second=0, microsecond=0)] += 1
            chat.unread[message["sender"]].append(Message(message["seq"], time))
        elif read := event["read"]:
            for sender, unread in chat.unread.items():
                while sender != read["member"] and unread and unread[0].seq <= read["seq"]:
                    waited = time - unread.popleft().time
                    self._waited.append(round(waited.total_seconds() * 1000))

    def summary(self) -> dict[str, Any]:
        """All figures, as JSON takes them."""
        hours = [
            {"hour": f"{hour:%Y-%m-%dT%H:%MZ}", "messages": count} for hour, count in sorted(self.messages.items())
        ]
        return {
            "events": self.events,
            "messages": self.messages.total(),
            "messages_per_hour": hours,
            "read": len(self._waited),
            "median_seconds_to_read": median(self._waited) / 1000 if self._waited else None,
        }
