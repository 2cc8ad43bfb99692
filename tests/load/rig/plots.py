"""Draws curves."""

import textwrap
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from rig.programs import ROOT
from rig.report import table

# In the repository only when asked.
KEPT = ROOT / "tests/load/plots"
# The same curve is the same file.
mpl.rcParams["svg.hashsalt"] = "chasqui"
# Words stay words: smaller, and a change of a figure is a line.
mpl.rcParams["svg.fonttype"] = "none"
COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#8a5a9e")
CAPTION_CHARACTERS = 130


@dataclass(frozen=True)
class Panel:
    """Some lines over one axis."""

    x_label: str
    y_label: str
    x: list[float]
    lines: dict[str, list[float | None]]
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Curve:
    """What is drawn, what bends it, and the raw figures."""

    name: str
    title: str
    caption: str
    panels: list[Panel]
    points: list[dict[str, Any]] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """As it is kept in a report."""
        return asdict(self)

    def table(self) -> str:
        """All lines of all panels as one table."""
        head, columns = [self.panels[0].x_label], [[f"{x:,.10g}" for x in self.panels[0].x]]
        for panel in self.panels:
            for name, line in panel.lines.items():
                head.append(f"{panel.y_label}: {name}" if name else panel.y_label)
                columns.append(line)
        return table(head, list(zip(*columns, strict=True)))


def draw(curve: Curve, folder: Path, below: str) -> Path:
    """Draws a curve into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    caption = textwrap.fill(curve.caption, CAPTION_CHARACTERS)
    lines = caption.count("\n") + below.count("\n") + 2
    height = 3.6 + 0.17 * lines
    figure = Figure(figsize=(5.2 * max(2, len(curve.panels)), height), layout=None)
    axes = figure.subplots(1, len(curve.panels), squeeze=False)[0]
    for axis, panel in zip(axes, curve.panels, strict=True):
        for colour, (name, line) in zip(COLOURS, panel.lines.items(), strict=False):
            known = [(x, y) for x, y in zip(panel.x, line, strict=True) if y is not None]
            axis.plot([x for x, _ in known], [y for _, y in known], marker="o", markersize=4, color=colour, label=name)
        if panel.log_x:
            axis.set_xscale("log")
        if panel.log_y:
            axis.set_yscale("log")
        else:
            axis.set_ylim(bottom=0)
        axis.set_xlabel(panel.x_label)
        [*others, name] = panel.lines
        axis.set_ylabel(panel.y_label if others or not name else f"{panel.y_label}: {name}")
        for scale in (axis.xaxis, axis.yaxis):
            scale.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        axis.grid(visible=True, alpha=0.25)
        if len(panel.lines) > 1:
            axis.legend(frameon=False, fontsize=8)
    figure.suptitle(curve.title, fontsize=12)
    figure.text(0.02, 0.02, f"{caption}\n{below}", fontsize=8, va="bottom")
    figure.subplots_adjust(left=0.07, right=0.98, top=0.9, bottom=(0.55 + 0.17 * lines) / height, wspace=0.22)
    path = folder / f"{curve.name}.svg"
    figure.savefig(path, metadata={"Date": None})
    return path
