"""People talk: the client of this folder, the terminal client, and several devices."""

import pytest

from chasqui_client import chat_id
from talk import Party

pytestmark = pytest.mark.anyio
CHAT = chat_id("alice", "bob")


async def test_the_python_program_and_the_terminal_talk(party: Party) -> None:
    alice = await party.python("alice", "bob")
    bob = await party.terminal("bob", "alice")

    alice.say("The bridge is down.")
    await bob.until("alice: The bridge is down.")
    await alice.until("✓ 1")
    await alice.until("✓✓ 1 delivered")
    await alice.until("✓✓ 1 read")

    bob.say("Since when?", "I am near Tambo — ¿qué hago?")
    await alice.until("bob: I am near Tambo — ¿qué hago?")
    await bob.until("✓ 2 #3")
    await bob.until("✓✓ 2 read")

    await alice.leave()
    await bob.leave()
    said = [line for line in alice.lines.all if line.startswith("bob: ")]
    assert said == ["bob: Since when?", "bob: I am near Tambo — ¿qué hago?"]


async def test_delivered_and_read_are_two_ticks_on_both_sides(party: Party) -> None:
    alice = party.peer("alice")
    bob = await party.terminal("bob", "alice")

    bob.say("Are you there?")
    message = await alice.until("message", text="Are you there?")
    await bob.until("✓✓ 1 delivered")
    assert not any(line.endswith("read") for line in bob.lines.all), "nobody has read it yet"
    alice.client.read(message["chat"], message["seq"])
    await bob.until("✓✓ 1 read")

    alice.client.send("bob", "Yes.")
    await alice.until("sent", id="1", seq=2, repeated=False)
    await alice.until("receipt", user="bob", delivered=2, read=2)


async def test_two_devices_of_a_user_have_the_same(party: Party) -> None:
    phone, laptop = party.peer("alice", "phone"), party.peer("alice", "laptop")
    bob = party.peer("bob")
    await phone.until("caught_up")
    await laptop.until("caught_up")

    phone.client.send("bob", "from the phone")
    laptop_has = await laptop.until("message", text="from the phone")
    assert laptop_has["from"] == "alice"
    assert laptop_has["device"] == phone.state.device
    await bob.until("message", text="from the phone")
    # Each device counts by itself.
    assert laptop.client.send("bob", "from the laptop") == "1"
    await phone.until("message", text="from the laptop")
    bob.client.send("alice", "to both")
    await laptop.until("message", text="to both")
    await phone.until("message", text="to both")

    # What is read on one is read on the other.
    phone.client.read(CHAT, 3)
    await laptop.until("receipt", user="alice", read=3)
    everything = ["from the phone", "from the laptop", "to both"]
    assert phone.texts(CHAT) == laptop.texts(CHAT) == everything
    await bob.told.when(lambda: bob.texts(CHAT) == everything)


async def test_a_device_that_connects_again_ends_its_older_session(party: Party) -> None:
    older = party.peer("alice")
    await older.until("caught_up")
    newer = party.peer("alice")
    assert str(await older.ended()) == "replaced"
    newer.client.send("bob", "still here")
    await newer.settled()
