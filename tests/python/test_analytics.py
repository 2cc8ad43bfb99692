"""Events for others: the program in infra/analytics counts what people wrote, as any consumer could."""

import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chasqui_analytics.figures import Figures
from chasqui_analytics.schemas import Schemas, Unreadable
from chasqui_analytics.topic import Topic
from chasqui_client import Frame, chat_id
from cluster import Cluster
from judge import Judge
from talk import HERE

ANALYTICS = HERE.parents[1] / "infra/analytics"
CHAT = chat_id("alice", "bob")
BEGAN = datetime(2026, 11, 29, 21, 59, 30, tzinfo=UTC)


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """Roles that are ready, with topics that no schema is registered for yet."""
    async with AsyncExitStack() as ends:
        cluster = Cluster(tmp_path, ends)
        cluster.run("topics", "apply")
        cluster.run("schema", "migrate")
        await cluster.start_server()
        judge = Judge(cluster.url)
        yield cluster
    cluster.judge(judge)


async def analytics(cluster: Cluster, *options: str) -> list[str]:
    """What the program prints."""
    where = ("--bootstrap", cluster.bootstrap, "--prefix", cluster.name, "--registry", cluster.registry)
    program = await cluster.program(
        sys.executable, "-m", "chasqui_analytics", *where, *options, PYTHONPATH=str(ANALYTICS)
    )
    assert await program.ended() == 0, str(program)
    return program.lines.all


def hours(messages: list[Frame]) -> list[dict[str, object]]:
    """How many there are of each hour, by the times that the clients were told."""
    counts = Counter(
        datetime.fromtimestamp(message["time"] / 1000, UTC).strftime("%Y-%m-%dT%H:00Z") for message in messages
    )
    return [{"hour": hour, "messages": count} for hour, count in sorted(counts.items())]


@pytest.mark.anyio
async def test_the_figures_are_those_of_the_conversation(cluster: Cluster) -> None:
    alice, bob = cluster.peer("alice"), cluster.peer("bob")
    for number in range(3):
        alice.client.send("bob", f"from before there are schemas, {number}")
    await alice.settled()

    lines = cluster.run("schemas", "register")
    assert [line for line in lines if line.startswith("chasqui.Event: registered")], lines
    assert lines[-1].startswith("these ids are recorded: "), lines
    assert cluster.run("schemas", "register")[-1] == "all ids were recorded before"
    await cluster.stop_server()
    await cluster.start_server()

    for number in range(4):
        alice.client.send("bob", f"from afterwards, {number}")
    bob.client.send("alice", "which nobody reads")
    await alice.settled()
    await bob.settled()
    await bob.told.when(lambda: len(bob.texts(CHAT)) == 8)
    messages = bob.state.chat(CHAT).messages
    written = [message["time"] / 1000 for message in messages if message["from"] == "alice"]
    asked = time.time()
    bob.client.read(CHAT, messages[-1]["seq"])
    await alice.until("receipt", user="bob", read=messages[-1]["seq"])
    told = time.time()

    [line] = await analytics(cluster, "--json")
    figures = json.loads(line)
    assert figures["messages_per_hour"] == hours(messages)
    assert (figures["messages"], figures["read"]) == (8, 7)
    # Between the two moments, since what was read last decides nothing: all were read at once.
    middle = sorted(written)[3]
    assert asked - middle - 0.002 <= figures["median_seconds_to_read"] <= told - middle + 0.002, figures

    table = await analytics(cluster)
    assert table[-1].startswith(f"8 messages in {figures['events']} events, 7 of them read; half of those within "), (
        table
    )
    with Topic(cluster.bootstrap, f"{cluster.name}.events", {}) as topic:
        headers = [value[:1] for value in topic.until_now()]
    assert headers.count(b"\xc3") == len(headers) - headers.count(b"\0"), "a record has one of two headers"
    assert headers.count(b"\xc3") >= 3 < headers.count(b"\0"), (
        "some from before there were schemas, and some from afterwards"
    )


@pytest.mark.anyio
async def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    async with AsyncExitStack() as ends:
        cluster = Cluster(tmp_path, ends)
        where = ("--bootstrap", cluster.bootstrap, "--prefix", "nobodys")
        program = await cluster.program(sys.executable, "-m", "chasqui_analytics", *where, PYTHONPATH=str(ANALYTICS))
        assert await program.ended() == 1
        assert "there is no topic nobodys.events" in program.errors.all[-1], str(program)
    schemas = Schemas(cluster.registry, f"{cluster.name}.Event")
    for wrong in (b"", b"text", b"\0\x7f\xff\xff\xffbody", b"\xc3\x01no schema has thisbody"):
        with pytest.raises(Unreadable):
            schemas.read(wrong)


def event(version: int, seconds: float, **kind: object) -> dict[str, Any]:
    """An event so many seconds after the first, as the registry's schema has it read."""
    kinds = {"opened": None, "message": None, "delivered": None, "read": None}
    return {"chat": "c", "version": version, "time": BEGAN + timedelta(seconds=seconds), **kinds, **kind}


def test_a_message_is_read_by_the_first_other_who_opens_it_and_repeats_count_once() -> None:
    figures = Figures()
    figures.add(event(1, 0, opened={"members": ["alice", "bob"]}))
    figures.add(event(2, 0, message={"seq": 1, "sender": "alice"}))
    figures.add(event(3, 20, message={"seq": 2, "sender": "bob"}))
    figures.add(event(4, 40, message={"seq": 3, "sender": "alice"}))
    # Her own reading says nothing of what she wrote.
    figures.add(event(5, 50, read={"member": "alice", "seq": 3}))
    assert figures.summary()["median_seconds_to_read"] == 30
    for again in (event(2, 0, message={"seq": 1, "sender": "alice"}), event(5, 50, read={"member": "alice", "seq": 3})):
        figures.add(again)
    figures.add(event(6, 100, delivered={"member": "bob", "seq": 3}))
    figures.add(event(7, 160, read={"member": "bob", "seq": 2}))
    figures.add(event(8, 170, read={"member": "bob", "seq": 3}))
    figures.add(event(9, 180, message={"seq": 4, "sender": "bob"}))
    assert figures.summary() == {
        "events": 9,
        "messages": 4,
        "messages_per_hour": [
            {"hour": "2026-11-29T21:00Z", "messages": 2},
            {"hour": "2026-11-29T22:00Z", "messages": 2},
        ],
        "read": 3,
        # Of 30, 160 and 130.
        "median_seconds_to_read": 130,
    }


def test_nothing_read_has_no_median() -> None:
    assert Figures().summary()["median_seconds_to_read"] is None
