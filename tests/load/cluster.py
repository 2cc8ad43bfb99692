"""Measures the roles on Kafka and Cassandra, beside what those do there for a client that does nothing else.

One broker and one node are started at full speed, in a folder of their own, with one process of each role; all of it
is stopped and gone afterwards. What the roles do is held beside three ceilings, taken on the same servers right
afterwards: Kafka's own ProducerPerformance, a record at a time to Kafka and back, and prepared inserts of such rows.
The report is left in target/load/cluster.json; what `chasqui load` finds wrong makes the command fail.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rig import report
from rig.bench import Bench, add_options, bench, say
from rig.infra import Infra, infra
from rig.load import Report, cpu_per_1000, faults
from rig.programs import ROOT, Failed, run
from rig.roles import NAME, Cluster, cluster
from rig.steady import disturbed, others_share

CEILINGS = ROOT / "target/release/chasqui-ceilings"
CEILING_SECONDS = 180
# So many of each window, as long as a measurement.
WARM_UPS = 4
# As many statements under way as a busy sequencer may have, and one.
CONCURRENCIES = (1, 64)
# What a lone message costs, without and with its being read: see `What a message costs` in ARCHITECTURE.md. Without it,
# two of the three things that happen are left.
RECORDS = {False: 12, True: 18}
STATEMENTS = {False: 12, True: 17}
# A message takes three steps from role to role, each a record to Kafka and back; its rows may take as long as another.
PINGS_AIM = 4

EXAMPLES = """\
examples:
  make load-cluster                 all of it, with a release build: about four minutes
  make load-cluster LOAD=--quick    small figures, to see that all of it works
  tests/load/cluster.py --each 2    two processes of each role; the two users of a pair are at different gateways
(with target/python/bin/python, which `make load-cluster` makes)
"""


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    parser.add_argument(
        "--ceilings",
        type=Path,
        default=CEILINGS,
        metavar="FILE",
        help="the program in tests/cluster (default: target/release/chasqui-ceilings)",
    )
    parser.add_argument("--each", type=int, choices=(1, 2), default=1, help="processes of each role (default: 1)")
    parser.add_argument("--rate", type=float, default=100, help="messages a second for the latency (default: 100)")
    return parser.parse_args()


def measure(chosen: argparse.Namespace) -> None:
    """The roles, and then the ceilings."""
    if not chosen.ceilings.exists():
        how = "cargo build --locked --release -p chasqui-cluster-tests --bin chasqui-ceilings"
        raise Failed(f"there is no {chosen.ceilings}: build it with `{how}`")
    found = report.stamp(["tests/load/cluster.py", *sys.argv[1:]], chosen.quick) | {"each": chosen.each}
    with bench(chosen) as given, infra(given.folder / "infra") as servers:
        say("Kafka and Cassandra run")
        given.pulse.watched.update(servers.pids.values())
        with cluster(given.chasqui, servers, given.folder / "roles", chosen.each) as roles:
            say("the roles run")
            found["roles"] = of_roles(given, roles, chosen.rate)
        found["ceilings"] = of_ceilings(given, servers, chosen.ceilings.absolute())
        found["shares"] = shares(found["roles"], found["ceilings"])
    say(f"the report is {report.write(given.into, 'cluster', found)}")
    print(as_tables(found))
    if busy := disturbed(list(found["roles"].values())):
        say(f"{busy}: take it again when it is quiet")


def of_roles(given: Bench, roles: Cluster, rate: float) -> dict[str, Report]:
    """What `chasqui load` reports."""
    found = {}
    # Java compiles what is used often, for a minute or so: with small batches other things than with large ones.
    for window in (16, 1):
        for _ in range(1 if given.quick else WARM_UPS):
            given.load.chat(roles.urls, window, "--read")
    for window in (1, 16):
        for reads in (False, True):
            more = [*roles.processes(), *(["--read"] if reads else [])]
            name = f"window {window}{', read' if reads else ''}"
            found[name] = given.steadily(
                name, lambda window=window, more=more: given.load.chat(roles.urls, window, *more)
            )
    name = f"rate {rate:g}/s"
    found[name] = given.steadily(name, lambda: given.load.rate(roles.urls, rate, *roles.processes()))
    return found


def of_ceilings(given: Bench, servers: Infra, program: Path) -> dict[str, Any]:
    """What the servers do by themselves, with records and rows of the size that the roles have left there."""
    topics = [f"{NAME}.{topic}" for topic in ("commands", "events", "inbox", "gateway.gateway-0")]
    bytes_each = servers.record_bytes(topics)
    records, seconds = (50_000, 2) if given.quick else (1_500_000, 10)

    def ask(*words: str) -> dict[str, Any]:
        return json.loads(run([program, *words, "--seconds", str(seconds)], CEILING_SECONDS))

    found: dict[str, Any] = {
        "producer_performance": given.steadily(
            "ProducerPerformance", lambda: servers.producer_performance(bytes_each, records)
        ),
        "ping": given.steadily(
            "ping", lambda: ask("ping", "--bootstrap", servers.bootstrap, "--bytes", str(bytes_each))
        ),
    }
    for concurrency in CONCURRENCIES:
        where = ("--contact-points", servers.contact_points, "--keyspace", NAME, "--concurrency", str(concurrency))
        found[f"inserts_{concurrency}"] = given.steadily(
            f"inserts, {concurrency} at a time", lambda where=where: ask("inserts", *where)
        )
    return found


def shares(roles: dict[str, Report], ceilings: dict[str, Any]) -> dict[str, dict[str, float]]:
    """What the roles' figures are of the ceilings, if every message costs what a lone one does: the least that is true
    of records and statements, since those that come together share batches."""
    records = ceilings["producer_performance"]["per_second"]
    found = {}
    for name, of in roles.items():
        reads, messages = "read" in of, of["receipted"]["per_second"]
        found[name] = {
            "of_records": messages * RECORDS[reads] / records,
            **{
                f"of_inserts_{concurrency}": messages
                * STATEMENTS[reads]
                / ceilings[f"inserts_{concurrency}"]["per_second"]
                for concurrency in CONCURRENCIES
            },
        }
    return found


def percent(share: float | None) -> str | None:
    """As people read it."""
    return None if share is None else f"{share:.0%}"


def as_tables(found: dict[str, Any]) -> str:
    """For people."""
    roles, ceilings, of = found["roles"], found["ceilings"], found["shares"]
    exchanges = report.table(
        [
            "",
            "receipted/s",
            "receipt p50 ms",
            "p99 ms",
            "of records",
            "of inserts, 1",
            "of inserts, 64",
            "others' CPU",
            "faults",
        ],
        [
            [
                name,
                each["receipted"]["per_second"],
                each["delivered_after"]["p50_ms"],
                each["delivered_after"]["p99_ms"],
                *(percent(share) for share in of[name].values()),
                percent(others_share(each["processors"])),
                faults(each),
            ]
            for name, each in roles.items()
        ],
    )
    names = [process["name"] for process in next(iter(roles.values()))["processors"]["servers"]]
    costs = report.table(
        ["CPU s per 1,000", *names, "all"],
        [
            [
                name,
                *(
                    1_000 * process["cpu_seconds"] / each["receipted"]["count"]
                    for process in each["processors"]["servers"]
                ),
                cpu_per_1000(each),
            ]
            for name, each in roles.items()
        ],
    )
    performance, ping = ceilings["producer_performance"], ceilings["ping"]
    alone = report.table(
        ["ceiling", "a second", "p50 ms", "p99 ms", "bytes"],
        [
            [
                "ProducerPerformance, acks=all",
                *(performance[key] for key in ("per_second", "p50_ms", "p99_ms", "record_bytes")),
            ],
            ["confirmed", None, *(ping["confirmed_after"][key] for key in ("p50_ms", "p99_ms")), ping["record_bytes"]],
            ["ping", None, *(ping["ping"][key] for key in ("p50_ms", "p99_ms")), ping["record_bytes"]],
            *(
                [
                    f"inserts, {each['concurrency']} at a time",
                    each["per_second"],
                    each["took"]["p50_ms"],
                    each["took"]["p99_ms"],
                    each["row_bytes"],
                ]
                for each in (ceilings[f"inserts_{concurrency}"] for concurrency in CONCURRENCIES)
            ),
        ],
    )
    [(name, rate)] = [(name, each) for name, each in roles.items() if name.startswith("rate")]
    received, middle = rate["received_after"], ping["ping"]["p50_ms"]
    latency = (
        f"{name}: from sending to receiving p50 {received['p50_ms']:.2f} ms, p99 {received['p99_ms']:.2f} ms; "
        f"that is {received['p50_ms'] / middle:.1f} pings of {middle:.2f} ms (the aim is below {PINGS_AIM})"
    )
    return "\n\n".join([exchanges, costs, alone, latency])


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
