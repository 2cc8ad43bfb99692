"""What has been said, over HTTP."""

import asyncio

import httpx
import pytest

from chasqui_client import Frame, chat_id
from talk import HANGS_SECONDS, Party, Peer

pytestmark = pytest.mark.anyio
CHAT = chat_id("alice", "bob")
TOTAL = 25


async def talked(party: Party) -> tuple[Peer, Peer]:
    """Alice and bob, who have exchanged messages."""
    alice, bob = party.peer("alice"), party.peer("bob")
    for number in range(1, TOTAL + 1):
        sender, to = (alice, "bob") if number % 2 else (bob, "alice")
        sender.client.send(to, f"number {number}")
        await sender.settled()
    await alice.told.when(lambda: len(alice.texts(CHAT)) == TOTAL)
    await bob.told.when(lambda: len(bob.texts(CHAT)) == TOTAL)
    return alice, bob


async def numbers(peer: Peer, **where: int) -> list[int]:
    """The seqs that a walk through all pages meets."""
    return [message["seq"] async for message in peer.client.history(CHAT, **where)]


def without_cursor(message: Frame) -> Frame:
    """A message as it is, wherever it comes from."""
    return {name: value for name, value in message.items() if name not in ("type", "cursor")}


async def test_history_goes_both_ways_in_pages(party: Party) -> None:
    alice, bob = await talked(party)
    up, down = list(range(1, TOTAL + 1)), list(range(TOTAL, 0, -1))
    for limit in (1, 10, TOTAL, 200):
        assert await numbers(alice, after=0, limit=limit) == up
        assert await numbers(bob, limit=limit) == down
    assert await numbers(alice, after=20, limit=2) == up[20:]
    assert await numbers(alice, before=6, limit=2) == down[-5:]
    times = [message["time"] for message in alice.state.chat(CHAT).messages]
    tenth = sum(time < times[9] for time in times)
    assert await numbers(alice, since=times[9], limit=3) == up[tenth:]
    assert await numbers(alice, until=times[9], limit=3) == down[-tenth:]
    assert await numbers(alice, after=TOTAL) == []
    assert await numbers(alice, before=1) == []

    # A message is the same in the stream and in the history.
    live = {frame["seq"]: without_cursor(frame) for frame in bob.told.all if frame["type"] == "message"}
    said = {message["seq"]: message async for message in alice.client.history(CHAT, after=0)}
    assert {seq: said[seq] for seq in live} == live
    assert len(live) == (TOTAL + 1) // 2


async def test_the_chats_tell_what_is_unread(party: Party) -> None:
    alice, bob = await talked(party)
    [chat] = (await alice.client.get("chats"))["chats"]
    assert (chat["chat"], chat["with"], chat["last_seq"], chat["unread"]) == (CHAT, "bob", TOTAL, TOTAL // 2)
    assert chat["last_message"]["text"] == f"number {TOTAL}"
    assert await alice.client.get(f"chats/{CHAT}") == chat
    alice.client.read(CHAT, TOTAL)
    await bob.until("receipt", user="alice", read=TOTAL)
    await alice.until("receipt", user="alice", read=TOTAL)
    [chat] = (await alice.client.get("chats"))["chats"]
    assert chat["unread"] == 0
    of_chat = await bob.client.get(f"chats/{CHAT}/receipts")
    assert {"user": "alice", "delivered": TOTAL, "read": TOTAL} in of_chat["members"]
    await bob.client.get(f"chats/{CHAT}/messages/{TOTAL}/receipts")


@pytest.mark.parametrize("path", ["chats", f"chats/{CHAT}/messages"])
async def test_strangers_are_told_nothing(party: Party, path: str) -> None:
    await talked(party)
    carol = party.peer("carol")
    await carol.until("caught_up")
    if path == "chats":
        assert await carol.client.get(path) == {"chats": []}
    else:
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await carol.client.get(path)
        answer = refused.value.response
        assert (answer.status_code, answer.json()["code"]) == (404, "not_a_member")
        assert answer.headers["content-type"] == "application/problem+json"


async def test_devices_tell_whether_they_are_connected(party: Party) -> None:
    phone, laptop = party.peer("alice", "phone"), party.peer("alice", "laptop")
    await phone.until("caught_up")
    await laptop.until("caught_up")

    async def connected() -> dict[str, bool]:
        devices = (await laptop.client.get("devices"))["devices"]
        return {device["device"]: device["connected"] for device in devices}

    async with asyncio.timeout(HANGS_SECONDS):
        while await connected() != {phone.state.device: True, laptop.state.device: True}:
            pass
        await phone.stop()
        while await connected() != {phone.state.device: False, laptop.state.device: True}:
            pass
