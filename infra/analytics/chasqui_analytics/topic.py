"""Reads a topic."""

from collections.abc import Iterator
from pathlib import Path

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

PATIENCE_SECONDS = 10


def properties(file: Path) -> dict[str, str]:
    """Settings of librdkafka, one `key=value` a line: the file that `kafka.properties_file` names."""
    lines = (line.strip() for line in file.read_text("utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, _, value in pairs}


class Topic:
    """All partitions of a topic. It joins no group and commits nothing, so nobody notices."""

    def __init__(self, bootstrap: str, name: str, settings: dict[str, str]) -> None:
        self.name = name
        required = {
            "bootstrap.servers": bootstrap,
            "group.id": "chasqui-analytics",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            # What it would say again and again is raised here.
            "log_level": 2,
        }
        self._consumer = Consumer({**settings, **required})
        partitions = self._consumer.list_topics(name, PATIENCE_SECONDS).topics[name].partitions
        self._partitions = [TopicPartition(name, number, OFFSET_BEGINNING) for number in partitions]
        if not partitions:
            raise KafkaException(
                KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, f"there is no topic {name}: is --prefix right?")
            )

    def __enter__(self) -> "Topic":
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def until_now(self) -> Iterator[bytes]:
        """What is there by now."""
        bounds = {each.partition: self._consumer.get_watermark_offsets(each) for each in self._partitions}
        left = {number: end for number, (start, end) in bounds.items() if start < end}
        self._consumer.assign([each for each in self._partitions if each.partition in left])
        while left:
            message = self._consumer.poll(PATIENCE_SECONDS)
            if message is None:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"nothing more comes of {self.name}"))
            partition = message.partition()
            ended = self._is_end(message)
            if not ended and message.offset() < left.get(partition, 0):
                yield message.value() or b""
                ended = message.offset() + 1 == left[partition]
            if ended:
                left.pop(partition, None)

    def on_and_on(self, pause: float) -> Iterator[bytes | None]:
        """What is there and all that comes; none when nothing came for a while."""
        self._consumer.assign(self._partitions)
        while True:
            message = self._consumer.poll(pause)
            if message is None:
                yield None
            elif not self._is_end(message):
                yield message.value() or b""

    def _is_end(self, message: Message) -> bool:
        """Whether this only says that a partition has no more."""
        error = message.error()
        if error is None or error.code() == KafkaError._PARTITION_EOF:
            return error is not None
        raise KafkaException(error)
