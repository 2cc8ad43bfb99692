"""Latency against the rate, up to where the server no longer keeps up."""

from rig.bench import Bench
from rig.load import Report, cpu_per_1000
from rig.plots import Curve, Panel
from rig.steady import in_words

STEPS = (100, 200, 500, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 8_000, 10_000, 12_000, 16_000)
QUICK_STEPS = (50, 200)
# From here on it is no rate any more, but a queue.
KEPT_UP = 0.97
P99_MS_MAX = 1_000


def is_late(report: Report, rate: float) -> bool:
    """Whether the server no longer keeps up."""
    receipts = report["delivered_after"]
    is_slow = receipts is None or receipts["p99_ms"] > P99_MS_MAX
    return is_slow or report["receipted"]["per_second"] < KEPT_UP * rate


def measure(bench: Bench) -> Curve:
    """One server for all of it, with chats of their own at each step."""
    points = []
    with bench.server("rate") as server:
        for rate in QUICK_STEPS if bench.quick else STEPS:
            report = bench.steadily(f"{rate:,}/s", lambda rate=rate: bench.load.rate([server.url], rate))
            points.append(report)
            if not bench.quick and is_late(report, rate):
                break

    def times(which: str) -> dict[str, list[float | None]]:
        of = [point[which] or {} for point in points]
        return {name: [at.get(f"{name}_ms") for at in of] for name in ("p50", "p99")}

    x = [point["per_second"] for point in points]
    last = points[-1]
    receipts = {f"receipt {name}": line for name, line in times("delivered_after").items()}
    received = {f"received {name}": line for name, line in times("received_after").items()}
    return Curve(
        name="rate",
        title="Latency against the rate (50 pairs, texts of 100 bytes)",
        caption=(
            "A message waits for the disk, which syncs it before it is accepted and its receipt before that is "
            "told, and for its turn of the processors. The more messages there are, the more share a sync and a "
            "batch: each costs less. It bends where the processors are full, since from there on messages wait "
            "for each other. "
            f"At {last['per_second']:,.0f}/s, of which {last['receipted']['per_second']:,.0f}/s were receipted, their "
            f"time went to: {in_words(last['processors'])}."
        ),
        panels=[
            Panel("messages a second", "ms", x, receipts | received, log_x=True, log_y=True),
            Panel(
                "messages a second",
                "ms of the server's processor time",
                x,
                {"a message": [cpu_per_1000(point) for point in points]},
                log_x=True,
            ),
        ],
        points=points,
    )
