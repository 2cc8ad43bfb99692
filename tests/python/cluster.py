"""The roles as processes of their own, on the servers that `make test` or `make infra-up` has started."""

import asyncio
import os
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from talk import BINARY, ENVIRONMENT, HERE, Party, Program

INFRA = Path(os.environ.get("CHASQUI_TEST_INFRA", HERE.parents[1] / "target/infra/run"))


def address(name: str, file: str) -> str:
    """Where a server is, as starting it has left in a file."""
    path = INFRA / file
    if not path.exists():
        pytest.fail(f"{path}: start the servers with `make infra-up`")
    lines = (line.partition("=") for line in path.read_text().splitlines())
    return {key: value for key, _, value in lines}[name]


class Cluster(Party):
    """A gateway, a sequencer and a router, with topics and tables of their own, and their guests."""

    def __init__(self, folder: Path, ends: AsyncExitStack) -> None:
        super().__init__(folder, ends)
        self.bootstrap = address("KAFKA_BOOTSTRAP", "kafka.env")
        self.registry = address("REGISTRY_URL", "registry.env")
        self.name = f"python_{os.getpid()}_{folder.name}".lower().replace("-", "_")[:48]
        self._workers: list[Program] = []
        self._options = {
            "kafka.bootstrap": self.bootstrap,
            "kafka.prefix": self.name,
            "kafka.replication": 1,
            "kafka.min_insync_replicas": 1,
            "kafka.gateways": 1,
            "cql.contact_points": address("CQL_CONTACT_POINTS", "cassandra.env"),
            "cql.keyspace": self.name,
            "cql.replication": 1,
            "registry.url": self.registry,
        }

    def run(self, *command: str) -> list[str]:
        """Runs a command of the binary to its end, and gives the lines that it prints."""
        ran = subprocess.run(
            [BINARY, *command, *self._settings()], check=False, text=True, capture_output=True, env=ENVIRONMENT
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout.splitlines()

    async def start_server(self, data: str = "data") -> None:
        """Starts the roles; the gateway where it was before if it was."""
        listen = self.url.removeprefix("http://") or "127.0.0.1:0"
        commands = {role: (role, "--dev", *self._settings(listen="127.0.0.1:0")) for role in ("sequencer", "router")}
        gateway = ("gateway", "--dev", *self._settings(listen=listen))
        self._workers = [await self.program(BINARY, *command) for command in commands.values()]
        self._server = await self.program(BINARY, *gateway)
        *_, ready = await asyncio.gather(*(self._ready(program) for program in [*self._workers, self._server]))
        self.url = ready.removeprefix("ready on ")

    async def stop_server(self) -> None:
        """Asks the roles to go away, in the order in which messages go."""
        await super().stop_server()
        for worker in self._workers:
            worker.process.terminate()
            assert await worker.ended() == 0, str(worker)

    async def _ready(self, program: Program) -> str:
        return await program.lines.until(lambda line: line.startswith("ready on "))

    def _settings(self, **more: str) -> list[str]:
        options = {**self._options, "data": self.folder / "data", **more}
        return [word for name, value in options.items() for word in ("--set", f"{name}={value}")]
