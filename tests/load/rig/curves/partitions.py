"""Throughput against the number of partitions."""

from rig.bench import Bench
from rig.load import cpu_per_1000
from rig.plots import Curve, Panel
from rig.steady import in_words

STEPS = (1, 2, 4, 8)
QUICK_STEPS = (1, 2)
WINDOWS = (1, 16)


def measure(bench: Bench) -> Curve:
    """A new server for each number."""
    steps = QUICK_STEPS if bench.quick else STEPS
    points = []
    for partitions in steps:
        options: dict[str, object] = {"log.partitions_chats": partitions, "log.partitions_users": partitions}
        for window in WINDOWS:
            report = bench.alone(
                f"{partitions} partitions, window {window}",
                lambda url, window=window: bench.load.chat([url], window),
                options,
            )
            points.append({"partitions": partitions, **report})

    def of(window: int) -> list[dict]:
        return [point for point in points if point["window"] == window]

    words = "; ".join(
        f"{point['partitions']} at window {point['window']}: {in_words(point['processors'])}"
        for point in points
        if point["partitions"] in (steps[0], steps[-1])
    )
    x = [float(step) for step in steps]
    return Curve(
        name="partitions",
        title="Throughput against partitions (50 pairs)",
        caption=(
            "Each partition has a sequencer and a router of its own, with batches of their own. With more "
            "partitions each batch holds less, so a message costs more processor time (on the right); where the "
            "processors are full, that is throughput. More partitions are worth it only where one sequencer alone "
            "would need more than a processor. Where the time went, by partitions: "
            f"{words}."
        ),
        panels=[
            Panel(
                "partitions",
                "receipted a second",
                x,
                {f"window {window}": [point["receipted"]["per_second"] for point in of(window)] for window in WINDOWS},
            ),
            Panel(
                "partitions",
                "server's ms a message",
                x,
                {f"window {window}": [cpu_per_1000(point) for point in of(window)] for window in WINDOWS},
            ),
        ],
        points=points,
    )
