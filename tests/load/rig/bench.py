"""What every measurement is given."""

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from rig.load import Load
from rig.programs import ROOT, Failed, Program, embedded
from rig.report import PLACE
from rig.steady import Pulse

T = TypeVar("T")

RELEASE = ROOT / "target/release/chasqui"


@dataclass(frozen=True)
class Bench:
    """The programs, a folder that goes when it is over, and how much is to be done."""

    chasqui: Path
    loader: Path
    folder: Path
    into: Path
    quick: bool
    load: Load
    pulse: Pulse

    def steadily(self, what: str, measure: Callable[[], T]) -> T:
        """Measures, and again when the machine stood still; small figures say nothing anyway."""
        began = time.monotonic()
        found = measure() if self.quick else self.pulse.steadily(measure)
        say(f"{what} ({time.monotonic() - began:.0f} s)")
        return found

    def alone(self, what: str, measure: Callable[[str], T], options: dict[str, object] | None = None) -> T:
        """Measures a new server, at its URL, and a newer one again when the machine stood still."""

        def once() -> T:
            with self.server("alone", options) as server:
                return measure(server.url)

        return self.steadily(what, once)

    @contextmanager
    def server(self, name: str, options: dict[str, object] | None = None) -> Iterator[Program]:
        """A new server of all roles; it and what it kept are gone afterwards."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        try:
            with embedded(self.chasqui, folder, options) as server:
                yield server
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def say(line: str) -> None:
    """Tells whoever waits how far it is."""
    print(line, file=sys.stderr, flush=True)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options that all measurements have."""
    parser.add_argument(
        "--quick", action="store_true", help="small figures in a minute or two, to see that all of it works"
    )
    parser.add_argument(
        "--chasqui", type=Path, default=RELEASE, metavar="FILE", help="the server (default: target/release/chasqui)"
    )
    parser.add_argument(
        "--loader", type=Path, metavar="FILE", help="the binary that makes the load, if it is another than the server"
    )
    parser.add_argument(
        "--into", type=Path, metavar="FOLDER", help="where reports are left (default: target/load; quick ones below it)"
    )


@contextmanager
def bench(arguments: argparse.Namespace) -> Iterator[Bench]:
    """Sees that everything is there, and makes room."""
    # Whoever is asked to end stops what runs, as with Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    loader = arguments.loader or arguments.chasqui
    for binary in (arguments.chasqui, loader):
        if not binary.exists():
            raise Failed(f"there is no {binary}: build it with `cargo build --locked --release -p chasqui`")
    PLACE.mkdir(parents=True, exist_ok=True)
    quick = arguments.quick
    load = Load(loader.absolute(), *((10, 0.5, 2.0, 120.0) if quick else (50, 2.0, 10.0, 10.0)))
    into = arguments.into or (PLACE / "quick" if quick else PLACE)
    # On the disk of the working tree: what is in memory elsewhere would sync for nothing.
    with TemporaryDirectory(prefix="run-", dir=PLACE) as folder:
        yield Bench(arguments.chasqui.absolute(), loader.absolute(), Path(folder), into, quick, load, Pulse())
