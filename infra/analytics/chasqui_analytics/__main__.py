"""Counts the messages of each hour, and how long half of them waited until somebody had read them.

Reads the topic of events from its beginning. What users wrote is sealed and not looked at.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException

from chasqui_analytics.figures import Figures
from chasqui_analytics.schemas import Schemas, Unreadable
from chasqui_analytics.topic import Topic, properties

EXAMPLES = """\
examples:
  python -m chasqui_analytics --bootstrap localhost:9092 --registry http://localhost:8081
  python -m chasqui_analytics --registry http://localhost:8080/apis/ccompat/v7 --json | jq .messages_per_hour
  python -m chasqui_analytics --follow --every 60
"""


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="chasqui_analytics",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    environment = os.environ.get
    parser.add_argument(
        "--bootstrap",
        default=environment("KAFKA_BOOTSTRAP", "localhost:9092"),
        help="some of the brokers; or in KAFKA_BOOTSTRAP (default: %(default)s)",
    )
    parser.add_argument("--prefix", default="chasqui", help="what the topics' names begin with (default: %(default)s)")
    parser.add_argument(
        "--kafka", type=Path, metavar="FILE", help="settings of librdkafka for TLS and SASL, one key=value a line"
    )
    parser.add_argument(
        "--registry",
        default=environment("REGISTRY_URL", "http://localhost:8081"),
        metavar="URL",
        help="the schema registry; or in REGISTRY_URL (default: %(default)s)",
    )
    parser.add_argument("--registry-ca", metavar="FILE", help="certificates (PEM) that the registry's must come from")
    parser.add_argument("--json", action="store_true", help="print a JSON object and not a table")
    parser.add_argument("--follow", action="store_true", help="go on with what comes, and print again and again")
    parser.add_argument(
        "--every", type=float, default=10, metavar="SECONDS", help="with --follow: how often (default: %(default)s)"
    )
    parser.add_argument_group("environment", "REGISTRY_LOGIN is USER:PASSWORD of the registry, if it wants one.")
    return parser.parse_args()


def table(summary: dict[str, Any]) -> str:
    """Figures for people."""
    rows = [f"{hour['hour']}  {hour['messages']:>10,}" for hour in summary["messages_per_hour"]]
    told = f"{summary['messages']:,} messages in {summary['events']:,} events, {summary['read']:,} of them read"
    if summary["read"]:
        told += f"; half of those within {summary['median_seconds_to_read']:,.1f} s"
    return "\n".join([f"{'hour':<17}  {'messages':>10}", *rows, told])


def follow(topic: Topic, schemas: Schemas, figures: Figures, every: float) -> Iterator[Figures]:
    """The figures, again and again."""
    due = time.monotonic() + every
    for value in topic.on_and_on(every):
        if value is not None:
            figures.add(schemas.read(value))
        if time.monotonic() >= due:
            due = time.monotonic() + every
            yield figures


def run(chosen: argparse.Namespace) -> None:
    """Reads, counts and prints."""
    schemas = Schemas(chosen.registry, "chasqui.Event", os.environ.get("REGISTRY_LOGIN"), chosen.registry_ca)
    settings = properties(chosen.kafka) if chosen.kafka else {}
    show = json.dumps if chosen.json else table
    figures = Figures()
    with Topic(chosen.bootstrap, f"{chosen.prefix}.events", settings) as topic:
        if chosen.follow:
            for now in follow(topic, schemas, figures, chosen.every):
                print(show(now.summary()), flush=True)
        for value in topic.until_now():
            figures.add(schemas.read(value))
    print(show(figures.summary()))


def main() -> None:
    """Runs until it has read everything, or is interrupted."""
    chosen = arguments()
    try:
        run(chosen)
    except KeyboardInterrupt:
        sys.exit(130)
    except KafkaException as error:
        sys.exit(f"the events can't be read from Kafka at {chosen.bootstrap}: {error.args[0].str()}")
    except (Unreadable, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
