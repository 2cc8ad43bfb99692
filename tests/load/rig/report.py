"""What was found: as JSON for programs, as tables for people."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rig.programs import ROOT

PLACE = ROOT / "target/load"


def machine() -> dict[str, Any]:
    """What it was measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = [line.partition(":")[2].strip() for line in cpu_lines() if line.startswith("model name")]
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "processor": model[0] if model else platform.processor(),
        "system": f"{platform.system()} {platform.release()}",
    }


def cpu_lines() -> list[str]:
    """What the system says of its processors."""
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def stamp(command: Sequence[str], quick: bool) -> dict[str, Any]:
    """When it was measured, where, and how to do it again."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"date": now, "machine": machine(), "command": " ".join(command), "quick": quick}


def write(folder: Path, name: str, report: dict[str, Any]) -> Path:
    """Leaves a report in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(report, indent=2) + "\n")
    return path


def below(report: dict[str, Any]) -> str:
    """What stands below a plot."""
    machine = report["machine"]
    return f"{report['date']}, {machine['cores']} cores, {machine['memory_gib']} GiB: {report['command']}"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table as Markdown has it, with aligned columns."""
    lines = [list(head), *([cell(value) for value in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    padded = [
        [
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    rule = ["-" * width if column == 0 else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [padded[0], rule, *padded[1:]])


def cell(value: object) -> str:
    """A number as people read it; what is not known is a dash."""
    if value is None:
        return "-"
    if isinstance(value, float):
        digits = 0 if abs(value) >= 1_000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
        return f"{value:,.{digits}f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
