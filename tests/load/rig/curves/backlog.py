"""How long a device that comes back takes to have all that was sent to it meanwhile."""

import json
import time

from rig.bench import Bench
from rig.plots import Curve, Panel
from rig.programs import Failed, Program
from rig.users import PATIENCE_SECONDS, Rest, begin_session, chat_id, token

STEPS = (10, 100, 1_000, 10_000, 100_000)
QUICK_STEPS = (10, 500)
NAME = "backlog"
READER = f"{NAME}-0-reader"
# A quarter of what a session may have unacknowledged, as the protocol's page advises.
ACK_EVERY = 256
GROW_SECONDS = 600


def measure(bench: Bench) -> Curve:
    """One user is written to, on another device; the device that was away comes back with older and older cursors."""
    steps = QUICK_STEPS if bench.quick else STEPS
    chat = chat_id(f"{NAME}-0-writer", READER)
    with bench.server("backlog") as server:
        bearer = token(bench.loader, READER)
        beginning = _present(server, bearer)
        rest = Rest(server.url, bearer)
        bench.load.until(server.url, 1, 64, NAME, lambda: rest.last_seq(chat) >= steps[-1], GROW_SECONDS)
        total = rest.last_seq(chat)
        rest.close()
        cursors = {total: beginning}
        _catch_up(server, bearer, beginning, total, cursors, {total - step for step in steps})
        points = [
            bench.steadily(
                f"a backlog of {step:,}",
                lambda step=step: _catch_up(server, bearer, cursors[step], step, {}, set()),
            )
            for step in sorted(set(cursors))
        ]
    x = [float(point["messages"]) for point in points]
    return Curve(
        name="backlog",
        title="Coming back to a backlog",
        caption=(
            "The inbox is read from the cursor on, in pages: what lies before it, and what others have, costs "
            "nothing. Of few messages it is the session that takes the time: hello, attaching at the router, the "
            "first page. From about a thousand on, each message takes the same, in the server and in this client "
            "(client_cpu_seconds in the report), which is written in Python."
        ),
        panels=[
            Panel(
                "messages missed",
                "ms until caught up",
                x,
                {"caught up": [1_000 * point["seconds"] for point in points]},
                log_x=True,
                log_y=True,
            ),
            Panel(
                "messages missed", "messages a second", x, {"": [point["per_second"] for point in points]}, log_x=True
            ),
        ],
        points=points,
    )


def _present(server: Program, bearer: str) -> str:
    """The cursor of a device that has nothing yet, and goes."""
    with begin_session(server.url, bearer, "late") as socket:
        return json.loads(socket.recv(PATIENCE_SECONDS))["cursor"]


def _catch_up(
    server: Program, bearer: str, cursor: str, expected: int, kept: dict[int, str], wanted: set[int]
) -> dict[str, float]:
    """Comes back and takes all; keeps the cursors of wanted messages, by how many come behind them."""
    client = time.process_time()
    began = time.perf_counter()
    came = 0
    with begin_session(server.url, bearer, "late", cursor) as socket:
        while True:
            text = socket.recv(PATIENCE_SECONDS)
            if not text.startswith('{"type":"message"'):
                if json.loads(text)["type"] == "caught_up":
                    break
                continue
            came += 1
            if came in wanted or came % ACK_EVERY == 0:
                at = json.loads(text)["cursor"]
                if came in wanted:
                    kept[expected - came] = at
                if came % ACK_EVERY == 0:
                    socket.send(json.dumps({"type": "ack", "cursor": at}))
        seconds = time.perf_counter() - began
    if came != expected:
        raise Failed(f"{came:,} messages came and not {expected:,}")
    client_seconds = time.process_time() - client
    return {"messages": came, "seconds": seconds, "per_second": came / seconds, "client_cpu_seconds": client_seconds}
