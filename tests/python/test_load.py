"""The measurements of tests/load still work: their quick form reports all, and nothing wrong. Not how fast it was."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from talk import BINARY, ENVIRONMENT, HERE

LOAD = HERE.parent / "load"
CURVES = {
    "sessions": {"sessions", "cpu_ms_per_log_in", "resident_kib_per_session"},
    "rate": {"per_second", "received_after", "delivered_after", "processors", "faults"},
    "partitions": {"partitions", "window", "receipted", "processors", "faults"},
    "starts": {"log_bytes", "stop_seconds", "start_seconds", "recovery_seconds"},
    "history": {"messages", "newest", "middle", "oldest"},
    "backlog": {"messages", "seconds", "client_cpu_seconds"},
    "storm": {"sessions", "caught_up_after", "told_to_come_back", "resident_kib", "faults"},
}
# Nothing passes by waiting: this only ends a test that would never end.
HANGS_SECONDS = 900


def measure(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs the measurements of `chasqui serve`."""
    command = [sys.executable, "-B", LOAD / "embedded.py", *arguments]
    return subprocess.run(command, check=False, text=True, capture_output=True, timeout=HANGS_SECONDS, env=ENVIRONMENT)


def without_faults(report: dict[str, Any]) -> bool:
    """Whether all that came from the server was right."""
    return not any(report["faults"].values())


def test_the_quick_form_reports_all_and_finds_nothing_wrong(tmp_path: Path) -> None:
    ran = measure("--quick", "--chasqui", BINARY, "--into", tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = {path.stem: json.loads(path.read_text()) for path in tmp_path.glob("*.json")}
    assert found.keys() == {f"embedded-{name}" for name in ("table", *CURVES)}
    for report in found.values():
        assert report["quick"] and report["date"] and report["machine"]["cores"] > 0
        assert "embedded.py --quick" in report["command"]

    table = {row["name"]: row for row in found["embedded-table"]["table"]}
    assert table.keys() == {"window 1", "window 1, read", "rate 100/s", "idle 100"}
    assert all(without_faults(row["report"]) for name, row in table.items() if name != "idle 100")
    for name, fields in CURVES.items():
        curve = found[f"embedded-{name}"]["curve"]
        assert curve["caption"] and curve["points"]
        assert all(fields <= point.keys() for point in curve["points"]), name
        assert all(without_faults(point) for point in curve["points"] if "faults" in point)
        drawn = (tmp_path / f"{name}.svg").read_text()
        assert drawn.rstrip().endswith("</svg>")
        assert curve["title"] in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--chasqui", "/nowhere/chasqui"), "error: there is no /nowhere/chasqui: build it with `cargo build"),
        (("--only", "table,weather"), "there is no weather to measure"),
    ],
)
def test_what_is_missing_is_named(arguments: tuple[str, ...], words: str) -> None:
    ran = measure(*arguments)
    assert ran.returncode != 0
    assert words in ran.stderr
