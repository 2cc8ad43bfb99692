"""One broker of Kafka and one node of Cassandra, at full speed, for one measurement."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from rig.programs import ENVIRONMENT, ROOT, run

LOCAL = ROOT / "infra/local"
# The first time they are fetched as well.
START_SECONDS = 900
STOP_SECONDS = 120
TOOL_SECONDS = 300
# So many records of a topic say how large they are.
LOOKED_AT = 2_000
SILENCE_SECONDS = 5
# Where caches and other Javas are is for a person to say.
INFRA_ENVIRONMENT = ENVIRONMENT | {
    name: value for name, value in os.environ.items() if name.startswith(("CHASQUI_JAVA", "CHASQUI_INFRA"))
}


@dataclass(frozen=True)
class Infra:
    """Where they are, and which processes."""

    bootstrap: str
    contact_points: str
    pids: dict[str, int]

    def record_bytes(self, topics: list[str]) -> int:
        """What records of these topics have on average, of the first of each: key, value and headers."""
        sizes: list[int] = []
        properties = {"bootstrap.servers": self.bootstrap, "group.id": "sizes", "enable.auto.commit": False}
        consumer = Consumer(properties | {"auto.offset.reset": "earliest"})
        try:
            found = consumer.list_topics(timeout=SILENCE_SECONDS).topics
            for topic in topics:
                consumer.assign([TopicPartition(topic, partition, 0) for partition in found[topic].partitions])
                records = consumer.consume(LOOKED_AT, timeout=SILENCE_SECONDS)
                for record in records:
                    parts = [record.key(), record.value(), *(value for _, value in record.headers() or [])]
                    sizes.append(sum(len(part) for part in parts if part is not None))
        finally:
            consumer.close()
        return round(sum(sizes) / len(sizes))

    def tool(self, name: str, *arguments: str) -> str:
        """One of Kafka's own tools."""
        return run([LOCAL / "kafka", "tool", name, *arguments], TOOL_SECONDS, INFRA_ENVIRONMENT)

    def producer_performance(self, bytes_each: int, records: int) -> dict[str, float]:
        """Kafka's own measurement: one producer that does nothing else, with acks=all."""
        where = ("--bootstrap-server", self.bootstrap)
        topic = f"performance-{records}"
        self.tool("TopicCommand", *where, "--create", "--topic", topic, "--partitions", "4")
        sizes = ("--num-records", str(records), "--record-size", str(bytes_each), "--throughput", "-1")
        said = self.tool(
            "ProducerPerformance", *where, "--topic", topic, *sizes, "--command-property", "acks=all", "linger.ms=0"
        )
        return {"record_bytes": bytes_each, **performance(said)}


def performance(said: str) -> dict[str, float]:
    """The figures in the last line that ProducerPerformance prints."""
    [line] = [line for line in said.splitlines() if "99th" in line][-1:]
    rate = re.search(r"([\d.]+) records/sec", line)
    middle, tail = re.search(r"([\d.]+) ms 50th", line), re.search(r"([\d.]+) ms 99th", line)
    assert rate and middle and tail, line
    return {"per_second": float(rate[1]), "p50_ms": float(middle[1]), "p99_ms": float(tail[1])}


@contextmanager
def infra(folder: Path) -> Iterator[Infra]:
    """Starts them in a folder; they and what they kept are gone afterwards."""
    try:
        run([LOCAL / "kafka", "start", folder, "--full-speed"], START_SECONDS, INFRA_ENVIRONMENT)
        run([LOCAL / "cassandra", "start", folder, "--full-speed"], START_SECONDS, INFRA_ENVIRONMENT)
        pids = {name: int((folder / f"{name}-1/pid").read_text()) for name in ("kafka", "cassandra")}
        yield Infra(
            _address(folder / "kafka.env", "KAFKA_BOOTSTRAP"),
            _address(folder / "cassandra.env", "CQL_CONTACT_POINTS"),
            pids,
        )
    finally:
        run([LOCAL / "down", folder, "--wipe"], STOP_SECONDS, INFRA_ENVIRONMENT)


def _address(file: Path, name: str) -> str:
    lines = (line.partition("=") for line in file.read_text().splitlines())
    return {key: value for key, _, value in lines}[name]
