"""Time until all are back against the number of sessions that are cut at once."""

from rig.bench import Bench
from rig.plots import Curve, Panel
from rig.programs import sessions_max

STEPS = (1_000, 2_000, 5_000, 10_000)
QUICK_STEPS = (50, 100)
CALM_SECONDS = 5.0
# Log-ins have the bound that they have everywhere; the few writers open a chat with everybody.
LOGINS_PER_SECOND = 500
OPTIONS: dict[str, object] = {"limits.logins_per_second": LOGINS_PER_SECOND, "limits.chats_opened_per_hour": 0}


def measure(bench: Bench) -> Curve:
    """A new server for each step."""
    steps = QUICK_STEPS if bench.quick else STEPS
    most = sessions_max(steps[-1])
    points = []
    for sessions in sorted({min(step, most) for step in steps}):
        points.append(
            bench.alone(
                f"a storm of {sessions:,} sessions",
                lambda url, sessions=sessions: bench.load.storm(url, sessions, 1.0 if bench.quick else CALM_SECONDS),
                OPTIONS,
            )
        )

    def after(name: str) -> list[float | None]:
        times = [point["caught_up_after"] for point in points]
        return [time and time[name] / 1_000 for time in times]

    def sent(when: str) -> list[float | None]:
        times = [point[f"sent_after_in_{when}"] for point in points]
        return [time and time["p99_ms"] for time in times]

    def resident(when: str) -> list[float | None]:
        return [point["resident_kib"] and point["resident_kib"][when] / 1_024 for point in points]

    x = [float(point["sessions"]) for point in points]
    return Curve(
        name="storm",
        title="Sessions that are cut all at once, and come back at once",
        caption=(
            f"The server admits {LOGINS_PER_SECOND} log-ins a second and tells everybody else when to come, so the "
            "time until all are back is their number through that rate; each has what it missed a moment after it was "
            "admitted. What is told and refused takes processor time from those who write meanwhile. Memory is "
            "bounded by the sessions that there were before."
        ),
        panels=[
            Panel("sessions", "seconds until caught up", x, {"half of them": after("p50_ms"), "all": after("max_ms")}),
            Panel(
                "sessions",
                "MiB resident",
                x,
                {"before": resident("before"), "at most": resident("peak"), "after": resident("after")},
            ),
            Panel(
                "sessions",
                "ms from sending to sent, 99 of 100",
                x,
                {"in calm": sent("calm"), "in the storm": sent("storm")},
            ),
        ],
        points=points,
    )
