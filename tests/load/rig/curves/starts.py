"""Time to start, after a clean stop and after SIGKILL, against the size of the log."""

import time
from pathlib import Path

from rig.bench import Bench
from rig.plots import Curve, Panel
from rig.programs import Program

MIB = 1024 * 1024
STEPS = (0, 64 * MIB, 256 * MIB, 1024 * MIB)
QUICK_STEPS = (0, 4 * MIB)
# Messages are under way when it is killed.
FLOWING_SECONDS = 3.0
# What was written last is flushed by then, as it is whenever nobody writes.
REST_SECONDS = 3.0
GROW_SECONDS = 600


def measure(bench: Bench) -> Curve:
    """One server, which is stopped and killed again and again while its log grows."""
    points = []
    with bench.server("starts") as server:
        data = bench.folder / "starts/data"
        for step in QUICK_STEPS if bench.quick else STEPS:
            if step:
                name = f"starts-{step}"
                is_grown = lambda step=step: _bytes(data / "log") >= step  # noqa: E731
                bench.load.until(server.url, bench.load.pairs, 16, name, is_grown, GROW_SECONDS)
            points.append(bench.steadily(f"a log of {step // MIB:,} MiB", lambda: _starts(bench, server, data)))
    x = [round(point["log_bytes"] / MIB, 1) for point in points]
    return Curve(
        name="starts",
        title="Starting against the size of the log",
        caption=(
            "Of the log only the last segment is read, 64 MiB at most, and of those before it their headers; "
            "after SIGKILL the store goes back to its last flush, and the roles do again what came since, a "
            "second of messages. A server that has rested has little to flush when it stops. So nothing here may "
            "grow with what is kept. The files were in the system's memory."
        ),
        panels=[
            Panel(
                "MiB of log",
                "seconds until it takes sessions",
                x,
                {
                    "after a clean stop": [point["start_seconds"] for point in points],
                    "after SIGKILL under load": [point["recovery_seconds"] for point in points],
                },
            ),
            Panel("MiB of log", "seconds to stop", x, {"clean stop": [point["stop_seconds"] for point in points]}),
        ],
        points=points,
    )


def _starts(bench: Bench, server: Program, data: Path) -> dict[str, float]:
    time.sleep(REST_SECONDS)
    stop_seconds = server.stop()
    log, store = _bytes(data / "log"), _bytes(data / "store")
    start_seconds = server.start()
    flowing = bench.load.beginning(server.url)
    try:
        time.sleep(1.0 if bench.quick else FLOWING_SECONDS)
        server.kill()
    finally:
        flowing.kill()
        flowing.communicate()
    recovery_seconds = server.start()
    return {
        "log_bytes": log,
        "store_bytes": store,
        "stop_seconds": stop_seconds,
        "start_seconds": start_seconds,
        "recovery_seconds": recovery_seconds,
    }


def _bytes(folder: Path) -> int:
    """What the files of a folder hold, without room that was only reserved."""
    return sum(path.stat().st_blocks * 512 for path in folder.iterdir())
