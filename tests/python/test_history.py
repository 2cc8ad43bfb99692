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


async def put_read(party: Party, user: str, seq: int) -> httpx.Response:
    """A user says over HTTP up to where the chat was opened."""
    headers = {"Authorization": f"Bearer {party.token(user)}"}
    async with httpx.AsyncClient(headers=headers) as http:
        return await http.put(f"{party.url}/v1/chats/{CHAT}/read", json={"seq": seq})


async def test_what_is_read_over_http_is_seen_by_the_other_side(party: Party) -> None:
    alice, bob = await talked(party)
    # The one in between is no way back.
    for seq, mark in ((3, 3), (1, 3), (TOTAL, TOTAL)):
        answer = await put_read(party, "bob", seq)
        assert (answer.status_code, answer.content) == (202, b"")
        await alice.until("receipt", user="bob", read=mark)
        await bob.until("receipt", user="bob", read=mark)
    marks = [frame["read"] for frame in alice.told.all if frame["type"] == "receipt" and frame["user"] == "bob"]
    assert marks == sorted(marks)
    assert (await bob.client.get(f"chats/{CHAT}"))["unread"] == 0
    assert (await alice.client.get(f"chats/{CHAT}"))["unread"] == TOTAL // 2

    ahead = await put_read(party, "bob", TOTAL + 1)
    assert (ahead.status_code, ahead.json()["code"]) == (409, "seq_ahead")
    bob.received.add(ahead)


def is_no_member(answer: httpx.Response) -> None:
    """An answer tells no more than that the chat may be there or not."""
    assert (answer.status_code, answer.json()["code"]) == (404, "not_a_member")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_strangers_are_told_nothing(party: Party) -> None:
    alice, _ = await talked(party)
    carol = party.peer("carol")
    await carol.until("caught_up")
    assert await carol.client.get("chats") == {"chats": []}
    for path in ("", "/receipts", f"/messages/{TOTAL}/receipts", f"/messages/{TOTAL + 1}/receipts", "/messages"):
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await carol.client.get(f"chats/{CHAT}{path}")
        is_no_member(refused.value.response)
    for seq in (TOTAL, TOTAL + 1):
        answer = await put_read(party, "carol", seq)
        is_no_member(answer)
        carol.received.add(answer)
    members = (await alice.client.get(f"chats/{CHAT}/receipts"))["members"]
    assert {member["user"] for member in members} == {"alice", "bob"}


async def connected(peer: Peer, **where: int) -> dict[str, bool]:
    """The user's devices in the order in which a walk through all pages meets them, and whether they are connected."""
    met: dict[str, bool] = {}
    start: dict[str, str] = {}
    while True:
        page = await peer.client.get("devices", **where, **start)
        assert len(page["devices"]) <= where.get("limit", len(page["devices"]))
        devices = {device["device"]: device["connected"] for device in page["devices"]}
        # A walk that meets one again would not end.
        assert met.keys().isdisjoint(devices)
        met |= devices
        if "next" not in page:
            return met
        start = {"after": page["next"]}


async def test_devices_tell_whether_they_are_connected(party: Party) -> None:
    phone, laptop = party.peer("alice", "phone"), party.peer("alice", "laptop")
    await phone.until("caught_up")
    await laptop.until("caught_up")
    async with asyncio.timeout(HANGS_SECONDS):
        while await connected(laptop) != {phone.state.device: True, laptop.state.device: True}:
            pass
        await phone.stop()
        while await connected(laptop) != {phone.state.device: False, laptop.state.device: True}:
            pass


async def test_devices_come_in_pages(party: Party) -> None:
    peers = [party.peer("alice", name) for name in ("phone", "laptop", "pad")]
    for peer in peers:
        await peer.until("caught_up")
    phone, laptop, pad = peers
    await pad.stop()
    expected = {phone.state.device: True, laptop.state.device: True, pad.state.device: False}
    async with asyncio.timeout(HANGS_SECONDS):
        while await connected(laptop) != expected:
            pass
    for limit in (1, 2, 3, 4):
        page = await connected(laptop, limit=limit)
        assert list(page.items()) == sorted(expected.items())
    first = await laptop.client.get("devices", limit=1)
    assert first["next"] == first["devices"][0]["device"] == min(expected)
    assert await laptop.client.get("devices", after=max(expected)) == {"devices": []}
