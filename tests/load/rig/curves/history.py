"""Time of a page of history against the length of its chat."""

from rig.bench import Bench
from rig.plots import Curve, Panel
from rig.programs import Program
from rig.users import Rest, chat_id, token

STEPS = (1_000, 10_000, 100_000, 1_000_000)
QUICK_STEPS = (100, 1_000)
# As many messages as a session may have under way; a chat of one pair is written no faster.
WINDOW = 64
ASKED = 500
GROW_SECONDS = 1_200


def measure(bench: Bench) -> Curve:
    """A chat of each length in one server, so that long ones also lie beside each other."""
    points = []
    with bench.server("history") as server:
        for length in QUICK_STEPS if bench.quick else STEPS:
            points.append(_point(bench, server, length))
    x = [float(point["messages"]) for point in points]
    return Curve(
        name="history",
        title=f"A page of 50 messages against the length of the chat (median of {ASKED})",
        caption=(
            "Nothing bends it: the newest page needs no search, and where any other begins is guessed from seqs, "
            "which are nearly even among versions, in a read or two however long the chat is. The rest is the page "
            "itself: 50 rows, 50 seals, JSON."
        ),
        panels=[
            Panel(
                "messages in the chat",
                "ms",
                x,
                {page: [point[page]["p50_ms"] for point in points] for page in ("newest", "middle", "oldest")},
                log_x=True,
            ),
            Panel(
                "messages in the chat",
                "ms of the server's processor time",
                x,
                {page: [point[page]["cpu_ms"] for point in points] for page in ("newest", "middle", "oldest")},
                log_x=True,
            ),
        ],
        points=points,
    )


def _point(bench: Bench, server: Program, length: int) -> dict:
    name = f"history-{length}"
    writer, reader = f"{name}-0-writer", f"{name}-0-reader"
    chat = chat_id(writer, reader)
    rest = Rest(server.url, token(bench.loader, reader))
    bench.load.until(server.url, 1, WINDOW, name, lambda: rest.last_seq(chat) >= length, GROW_SECONDS)
    messages = rest.last_seq(chat)
    pages = {"newest": "", "middle": f"?before={messages // 2}", "oldest": "?after=0"}
    times = bench.steadily(
        f"pages of a chat of {messages:,}",
        lambda: {page: _times(server, rest, f"/v1/chats/{chat}/messages{query}") for page, query in pages.items()},
    )
    rest.close()
    return {"messages": messages, **times}


def _times(server: Program, rest: Rest, path: str) -> dict[str, float | None]:
    first = rest.took_ms(path)
    before = server.cpu_seconds()
    took = sorted(rest.took_ms(path) for _ in range(ASKED))
    after = server.cpu_seconds()
    cpu = None if before is None or after is None else 1_000 * (after - before) / ASKED
    return {"first_ms": first, "p50_ms": took[len(took) // 2], "p99_ms": took[len(took) * 99 // 100], "cpu_ms": cpu}
