"""The roles of a cluster, each a process of its own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rig.infra import Infra
from rig.programs import WITHOUT_LIMITS, Program, run, settings

NAME = "load"
COMMAND_SECONDS = 300


@dataclass(frozen=True)
class Cluster:
    """Where its gateways are, and all its processes by name, those of the servers included."""

    urls: list[str]
    pids: dict[str, int]

    def processes(self) -> list[str]:
        """As `chasqui load` is told them."""
        return [word for name, pid in self.pids.items() for word in ("--process", f"{pid}={name}")]


@contextmanager
def cluster(binary: Path, infra: Infra, folder: Path, each: int) -> Iterator[Cluster]:
    """Topics and tables, and so many gateways, sequencers and routers; they are stopped in the order of messages."""
    options: dict[str, object] = {
        "kafka.bootstrap": infra.bootstrap,
        "kafka.prefix": NAME,
        "kafka.replication": 1,
        "kafka.min_insync_replicas": 1,
        "kafka.gateways": each,
        "cql.contact_points": infra.contact_points,
        "cql.keyspace": NAME,
        "cql.replication": 1,
    }
    run([binary, "topics", "apply", *settings(options)], COMMAND_SECONDS)
    run([binary, "schema", "migrate", *settings(options)], COMMAND_SECONDS)
    with ExitStack() as ends:
        programs = []
        for role in ("router", "sequencer", "gateway"):
            for number in range(each):
                name = f"{role}-{number}"
                own = {"gateway.id": name, **WITHOUT_LIMITS} if role == "gateway" else {}
                program = Program(binary, role, {"data": folder / name, **options, **own}, folder, name)
                programs.append(ends.enter_context(program))
        urls = [program.url for program in programs if program.name.startswith("gateway")]
        yield Cluster(urls, {program.name: program.pid for program in programs} | infra.pids)
