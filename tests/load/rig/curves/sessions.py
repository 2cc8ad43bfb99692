"""Memory and processor time against the number of sessions that do nothing."""

from rig.bench import Bench, say
from rig.plots import Curve, Panel
from rig.programs import sessions_max

STEPS = (1_000, 2_000, 5_000, 10_000, 20_000)
SETTLE_SECONDS = 5.0
# Pings come about every 25 s, and signs of life every minute.
WATCH_SECONDS = 60.0
QUICK_STEPS = (50, 100)


def measure(bench: Bench) -> Curve:
    """A new server for each step."""
    points = []
    steps = QUICK_STEPS if bench.quick else STEPS
    most = sessions_max(steps[-1])
    if most < steps[-1]:
        say(f"there are {most:,} sessions at most: a process may open no more files here (`ulimit -Hn`)")
    for sessions in sorted({min(step, most) for step in steps}):
        times = (1.0, 1.0) if bench.quick else (SETTLE_SECONDS, WATCH_SECONDS)
        points.append(
            bench.alone(
                f"{sessions:,} sessions",
                lambda url, sessions=sessions, times=times: bench.load.idle([url], sessions, *times),
            )
        )

    def each(key: str) -> list[float | None]:
        return [point[key] for point in points]

    x = [float(point["sessions"]) for point in points]
    rest = [point["processors"] and point["processors"]["servers"][0]["resident_kib"] / 1024 for point in points]
    return Curve(
        name="sessions",
        title="Sessions that do nothing",
        caption=(
            "Nothing bends it: memory grows by the same for every session (its buffers and tasks, its entries in "
            "the tables of gateway and router), and a log-in costs what it costs, whoever is there already. What "
            "idle sessions cost grows with their number: a ping about every 25 seconds and a sign of life every "
            "minute, for each."
        ),
        panels=[
            Panel("sessions", "MiB resident", x, {"server": rest}),
            Panel("sessions", "KiB a session", x, {"grown by, for each": each("resident_kib_per_session")}),
            Panel(
                "sessions",
                "ms of processor time",
                x,
                {"a log-in": each("cpu_ms_per_log_in"), "a second of idleness, all": each("idle_cpu_ms_per_second")},
            ),
        ],
        points=points,
    )
