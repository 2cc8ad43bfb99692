"""Measures `chasqui serve`, all roles in one process on the embedded log and store: a table, and curves.

Each figure is taken from servers that are started for it, in folders and on ports of their own, and gone afterwards.
Reports are left as JSON in target/load, the plots beside them; what `chasqui load` finds wrong makes the command fail.
"""

import argparse
import sys

from rig import report, standard
from rig.bench import add_options, bench, say
from rig.curves import backlog, history, partitions, rate, sessions, starts, storm
from rig.plots import KEPT, draw
from rig.programs import Failed
from rig.steady import disturbed

CURVES = {
    "sessions": sessions,
    "rate": rate,
    "partitions": partitions,
    "starts": starts,
    "history": history,
    "backlog": backlog,
    "storm": storm,
}

EXAMPLES = """\
examples:
  make load                                    all of it, with a release build: about 16 minutes
  make load LOAD=--quick                       a minute
  tests/load/embedded.py --only table          the table alone
  tests/load/embedded.py --only rate,history   two curves
  tests/load/embedded.py --keep                also leaves the plots in tests/load/plots, to be committed
(with target/python/bin/python, which `make load` makes)
"""


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    parser.add_argument(
        "--only",
        type=lambda names: names.split(","),
        default=["table", *CURVES],
        metavar="NAMES",
        help=f"some of table, {', '.join(CURVES)}, with commas between",
    )
    parser.add_argument("--keep", action="store_true", help="leave the plots in tests/load/plots")
    chosen = parser.parse_args()
    if unknown := set(chosen.only) - {"table", *CURVES}:
        parser.error(f"there is no {', '.join(sorted(unknown))} to measure")
    return chosen


def measure(chosen: argparse.Namespace) -> None:
    """All that was asked for, each with a report of its own."""
    command = ["tests/load/embedded.py", *sys.argv[1:]]
    with bench(chosen) as given:
        if "table" in chosen.only:
            found = report.stamp(command, chosen.quick) | {"table": standard.measure(given)}
            say(f"the report is {report.write(given.into, 'embedded-table', found)}")
            print(standard.as_table(found["table"]), flush=True)
            warn(disturbed([row["report"] for row in found["table"]]))
        for name, module in CURVES.items():
            if name not in chosen.only:
                continue
            stamp = report.stamp(command, chosen.quick)
            curve = module.measure(given)
            say(f"the report is {report.write(given.into, f'embedded-{name}', stamp | {'curve': curve.record()})}")
            busy = disturbed(curve.points)
            warn(busy)
            below = "\n".join(filter(None, (report.below(stamp), busy)))
            for folder in (given.into, KEPT) if chosen.keep else (given.into,):
                say(f"drew {draw(curve, folder, below)}")
            print(f"\n{curve.title}\n\n{curve.table()}", flush=True)


def warn(busy: str) -> None:
    """Says when figures say little."""
    if busy:
        say(f"{busy}: take it again when it is quiet")


def main() -> int:
    """Measures, or says why not."""
    try:
        measure(arguments())
    except Failed as why:
        say(f"error: {why}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
