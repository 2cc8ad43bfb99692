"""Clients and servers are killed with SIGKILL where it hurts: nothing is lost, and nothing comes twice."""

import signal
import sys

import pytest

from chasqui_client import chat_id
from talk import HERE, Party, Program

pytestmark = pytest.mark.anyio
CHAT = chat_id("alice", "bob")
LINES = [f"line {number}" for number in range(1, 31)]

# Kills itself at the moment that is named by its first argument: the first frame of a type, before it is stored
# (`came`) or after it is, and before it is acknowledged (`kept`).
DYING = """
import asyncio, os, signal, sys
from pathlib import Path
from chasqui_client import Client, State

moment, kind, url, file, token, *texts = sys.argv[1:]
def die(what):
    if isinstance(what, dict) and what["type"] == kind:
        os.kill(os.getpid(), signal.SIGKILL)
moments = {"came": lambda what: None, "kept": lambda what: None} | {moment: die}
client = Client(url, lambda: token, State.load(Path(file)), moments["kept"], moments["came"])
for text in texts:
    client.send("bob", text)
asyncio.run(client.run())
"""


async def dying(party: Party, moment: str, kind: str, *texts: str) -> Program:
    """Alice's device, which dies at a moment."""
    arguments = (moment, kind, party.url, party.folder / "alice.json", party.token("alice"), *texts)
    return await party.program(sys.executable, "-c", DYING, *arguments, PYTHONPATH=str(HERE))


async def history(party: Party, user: str) -> list[str]:
    """The texts of the chat, as the server tells them to a user."""
    reader = party.peer(user, "reader")
    await reader.until("caught_up")
    return [message["text"] async for message in reader.client.history(CHAT, after=0)]


@pytest.mark.parametrize("moment", ["came", "kept"])
async def test_a_client_that_dies_with_an_outcome_sends_nothing_twice(party: Party, moment: str) -> None:
    bob = party.peer("bob")
    killed = await dying(party, moment, "sent", *LINES)
    assert await killed.ended() == -signal.SIGKILL, str(killed)
    left = len(party.state("alice").outbox)
    assert left == {"came": 30, "kept": 29}[moment], "it died with the outcome of the first message"

    alice = party.peer("alice")
    await alice.settled()
    await bob.told.when(lambda: len(bob.texts(CHAT)) >= len(LINES))
    assert bob.texts(CHAT) == alice.texts(CHAT) == await history(party, "alice") == LINES


@pytest.mark.parametrize("moment", ["came", "kept"])
async def test_a_client_that_dies_with_a_message_has_it_once_and_says_so(party: Party, moment: str) -> None:
    alice = party.peer("alice")
    await alice.until("caught_up")
    await alice.stop()
    bob = party.peer("bob")
    for line in LINES:
        bob.client.send("alice", line)
    await bob.settled()

    killed = await dying(party, moment, "message")
    assert await killed.ended() == -signal.SIGKILL, str(killed)
    assert bool(party.state("alice").chats) is (moment == "kept")

    # The acknowledgement that it could not send is made up for.
    alice = party.peer("alice")
    await bob.until("receipt", user="alice", delivered=len(LINES))
    assert alice.texts(CHAT) == LINES


async def test_a_message_that_was_kept_and_not_acknowledged_is_delivered_after_all(party: Party) -> None:
    alice = party.peer("alice")
    await alice.until("caught_up")
    await alice.stop()
    bob = party.peer("bob")
    bob.client.send("alice", "the only one")
    await bob.settled()
    killed = await dying(party, "kept", "message")
    assert await killed.ended() == -signal.SIGKILL, str(killed)

    # The stream has nothing more for her, and she says that she has it all the same.
    alice = party.peer("alice")
    await bob.until("receipt", user="alice", delivered=1)
    assert alice.texts(CHAT) == ["the only one"]
    assert not alice.was_told("message")


async def test_the_program_is_killed_with_an_outbox_again_and_again(party: Party) -> None:
    bob = await party.terminal("bob", "alice")
    # With the server away nothing has an outcome, so all lines are in the outbox when it is killed.
    await party.kill_server()
    alice = await party.python("alice", "bob")
    alice.say(*LINES)
    # It says what it keeps.
    await alice.until(f"… {len(LINES)}")
    await alice.kill()

    await party.start_server()
    answers: list[str] = []
    while outbox := party.state("alice").outbox:
        alice = await party.python("alice", "bob")
        few = min(5, len(outbox))
        await alice.ticked(few)
        answers.append(f"answer {len(answers)}")
        bob.say(answers[-1])
        await alice.kill()
    peer = party.peer("alice")
    await peer.told.when(lambda: len(peer.texts(CHAT)) == len(LINES) + len(answers))
    await bob.until(f"alice: {LINES[-1]}")
    await bob.leave()

    told = [line.partition(" alice: ")[2] for line in bob.lines.all if " alice: " in line]
    assert told == LINES
    kept = peer.state.chat(CHAT).messages
    assert [message["seq"] for message in kept] == list(range(1, len(kept) + 1))
    assert [message["text"] for message in kept if message["from"] == "alice"] == LINES
    assert [message["text"] for message in kept if message["from"] == "bob"] == answers
    assert await history(party, "bob") == [message["text"] for message in kept]


async def test_the_server_is_killed_under_its_clients(party: Party) -> None:
    alice, bob = party.peer("alice"), party.peer("bob")
    terminal = await party.terminal("bob", "alice")
    for line in LINES:
        alice.client.send("bob", line)
        bob.client.send("alice", line)
    for killed in range(5, len(LINES), 10):
        await alice.until("sent", id=str(killed))
        await party.kill_server()
        await party.start_server()
    await alice.settled()
    await bob.settled()
    await terminal.until(f"alice: {LINES[-1]}")

    total = 2 * len(LINES)
    for peer in (alice, bob):
        await peer.told.when(lambda peer=peer: len(peer.texts(CHAT)) >= total)
        kept = peer.state.chat(CHAT).messages
        assert [message["seq"] for message in kept] == list(range(1, total + 1))
        for user in ("alice", "bob"):
            assert [message["text"] for message in kept if message["from"] == user] == LINES
    assert alice.texts(CHAT) == bob.texts(CHAT) == await history(party, "alice")
    # None of the sessions that followed began anew.
    welcomes = [frame for frame in alice.told.all if frame["type"] == "welcome"]
    assert [welcome["resumed"] for welcome in welcomes] == [False] + [True] * (len(welcomes) - 1)
    # The other device of bob, in the terminal, prints what alice said, each line once.
    assert [line.partition(" alice: ")[2] for line in terminal.lines.all if " alice: " in line] == LINES


async def test_a_server_that_goes_away_says_so_and_finds_its_clients_again(party: Party) -> None:
    alice, bob = party.peer("alice"), party.peer("bob")
    await alice.until("caught_up")
    await bob.until("caught_up")
    await party.stop_server()
    assert (await alice.until("error"))["retry_in_ms"] > 0
    await alice.until("disconnected", code="draining")
    await bob.until("disconnected", code="draining")
    alice.client.send("bob", "written while it was away")
    await party.start_server()
    await bob.until("message", text="written while it was away")
    assert [frame["resumed"] for frame in bob.told.all if frame["type"] == "welcome"] == [False, True]
