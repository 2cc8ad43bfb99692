"""Line mode: every line of the input is sent; what comes is printed, and the ticks of what was sent."""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import httpx

from chasqui_client import Client, Ended, Frame, State, chat_id


class Lines:
    """Prints a chat, and says that what was printed is read."""

    def __init__(self, other: str) -> None:
        self.other = other
        self.client: Client
        self.caught_up = asyncio.Event()
        self.settled = asyncio.Event()
        self._ticked: dict[str, int] = {}

    def send(self, text: str) -> None:
        """Sends a line, and prints its number once it is kept."""
        print(f"… {self.client.send(self.other, text)}", flush=True)

    def on(self, frame: Frame) -> None:
        """Prints what a frame means to the user."""
        match frame["type"]:
            case "caught_up":
                self.caught_up.set()
            case "sent" if frame.get("to") == self.other:
                print(f"✓ {frame['id']}", flush=True)
            case "failed" if frame.get("to") == self.other and not frame["retry"]:
                print(f"✗ {frame['id']} {frame['code']}", flush=True)
        self.show()
        if not self.client.state.outbox:
            self.settled.set()

    def show(self) -> None:
        """Prints the messages that the user has not seen, and the ticks that rose."""
        state = self.client.state
        if state.user is None:
            return
        chat = chat_id(state.user, self.other)
        known = state.chat(chat)
        for message in known.messages:
            if message["seq"] > known.opened and message["from"] == self.other:
                print(f"{message['from']}: {message.get('text', message['content_type'])}", flush=True)
        self.client.read(chat, known.theirs)
        for name in ("delivered", "read"):
            mark = known.marked(self.other, name)
            for message in known.messages:
                if message["device"] == state.device and self._ticked.get(name, mark) < message["seq"] <= mark:
                    print(f"✓✓ {message['id']} {name}", flush=True)
            self._ticked[name] = mark

    def trace(self, what: Frame | httpx.Response) -> None:
        """Prints what comes as it comes: `< FRAME` or `GET PATH STATUS TYPE ANSWER`."""
        if isinstance(what, dict):
            print("<", json.dumps(what), file=sys.stderr, flush=True)
        else:
            kind = what.headers.get("content-type")
            print(
                what.request.method,
                what.request.url.path,
                what.status_code,
                kind,
                what.text,
                file=sys.stderr,
                flush=True,
            )


def feed(lines: Lines, ended: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    """Sends the lines of the input; in a thread, since reading it waits."""
    for line in sys.stdin:
        loop.call_soon_threadsafe(lines.send, line.rstrip("\n"))
    loop.call_soon_threadsafe(ended.set)


async def chat(arguments: argparse.Namespace) -> None:
    """Chats until the input ends and all that was sent has an outcome."""

    def token() -> str:
        if arguments.token_command is None:
            return str(arguments.token)
        return subprocess.run(
            arguments.token_command, shell=True, check=True, text=True, capture_output=True
        ).stdout.strip()

    lines = Lines(arguments.other)
    trace = lines.trace if arguments.trace else lambda _: None
    client = lines.client = Client(arguments.url, token, State.load(arguments.state), lines.on, trace)
    lines.show()
    ended = asyncio.Event()
    threading.Thread(target=feed, args=(lines, ended, asyncio.get_running_loop()), daemon=True).start()

    async def leave() -> None:
        await ended.wait()
        await lines.caught_up.wait()
        while client.state.outbox:
            lines.settled.clear()
            await lines.settled.wait()

    running = asyncio.create_task(client.run())
    leaving = asyncio.create_task(leave())
    await asyncio.wait({running, leaving}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    running.cancel()


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="chasqui_client", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:7600", help="the server")
    parser.add_argument("--token", default=os.environ.get("CHASQUI_TOKEN"), help="or in CHASQUI_TOKEN")
    parser.add_argument("--token-command", help="prints a token; run again when the last one ends")
    parser.add_argument("--with", dest="other", required=True, help="the user to chat with")
    parser.add_argument("--state", type=Path, required=True, help="the file that makes this a device")
    parser.add_argument("--trace", action="store_true", help="print what the server says to the error output")
    arguments = parser.parse_args()
    if arguments.token is None and arguments.token_command is None:
        parser.error("a token is needed: --token or --token-command")
    try:
        asyncio.run(chat(arguments))
    except Ended as ended:
        sys.exit(f"the server ended this: {ended}")


if __name__ == "__main__":
    main()
