"""How sessions begin, go on and end: cursors and tokens."""

import base64
from collections.abc import Callable

import pytest

from chasqui_client import Frame, chat_id
from talk import Party, Peer

pytestmark = pytest.mark.anyio
CHAT = chat_id("alice", "bob")


def tokens(*minted: str) -> Callable[[], str]:
    """One token after the other; the last for ever."""
    left = list(minted)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


async def missed(party: Party) -> str:
    """Bob writes three messages, of which alice's device knows the first when it goes away; its cursor."""
    alice = party.peer("alice")
    await alice.until("caught_up")
    bob = party.peer("bob")
    bob.client.send("alice", "one")
    await alice.until("message", text="one")
    await alice.stop()
    bob.client.send("alice", "two")
    bob.client.send("alice", "three")
    await bob.settled()
    assert alice.state.cursor is not None
    return alice.state.cursor


async def test_a_cursor_resumes_where_it_ends(party: Party) -> None:
    await missed(party)
    alice = party.peer("alice")
    assert (await alice.until("welcome"))["resumed"] is True
    await alice.until("caught_up")
    assert [frame["text"] for frame in alice.told.all if frame["type"] == "message"] == ["two", "three"]
    assert alice.texts(CHAT) == ["one", "two", "three"]


@pytest.mark.parametrize("why", ["malformed", "other_user", "other_log"])
async def test_a_cursor_that_is_not_taken_begins_anew_and_loses_nothing(party: Party, why: str) -> None:
    cursor = await missed(party)
    state = party.state("alice")
    if why == "malformed":
        state.cursor = "no cursor"
    elif why == "other_user":
        carol = party.peer("carol")
        state.cursor = (await carol.until("caught_up"))["cursor"]
    else:
        # The same device, whose server has lost everything.
        await party.kill_server()
        await party.start_server("other data")
        assert state.cursor == cursor
    state.save()

    alice = party.peer("alice")
    welcome = await alice.until("welcome")
    assert (welcome["resumed"], welcome["not_resumed"]) == (False, why)
    await alice.until("caught_up")
    assert alice.state.cursor not in (None, cursor, "no cursor")
    if why != "other_log":
        assert alice.texts(CHAT) == ["one", "two", "three"]
        alice.client.send("bob", "I have all of it.")
        assert (await alice.until("sent"))["seq"] == 4


async def test_what_comes_while_the_history_is_read_comes_once(party: Party) -> None:
    await missed(party)
    state = party.state("alice")
    state.cursor = "no cursor"
    state.save()
    alice, bob = party.peer("alice"), party.peer("bob", "another")
    ask = alice.client.get

    async def ask_late(path: str, **parameters: str | int) -> Frame:
        # The stream has brought it, so it is in the history as well.
        await alice.received.until(lambda frame: isinstance(frame, dict) and frame.get("text") == "meanwhile")
        return await ask(path, **parameters)

    alice.client.get = ask_late  # type: ignore[method-assign]
    await alice.received.until(lambda frame: isinstance(frame, dict) and frame["type"] == "welcome")
    bob.client.send("alice", "meanwhile")
    bob.client.send("alice", "at last")
    await alice.until("message", text="at last")
    assert alice.texts(CHAT) == ["one", "two", "three", "meanwhile", "at last"]
    assert alice.was_told("message") == 4


async def test_a_cursor_that_was_tampered_with_is_not_taken(party: Party) -> None:
    cursor = await missed(party)
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[0] ^= 0xFF
    state = party.state("alice")
    state.cursor = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    state.save()
    alice = party.peer("alice")
    assert (await alice.until("welcome"))["not_resumed"] == "malformed"
    await alice.until("caught_up")
    assert alice.texts(CHAT) == ["one", "two", "three"]


async def test_a_token_is_renewed_and_the_session_goes_on(party: Party) -> None:
    alice = party.peer("alice", token=tokens(party.token("alice", "1h"), party.token("alice", "3h")))
    welcome = await alice.until("welcome")
    alice.client.renew()
    renewed = await alice.until("renewed")
    assert renewed["expires"] > welcome["expires"] + 3_600_000
    alice.client.send("bob", "still in the same session")
    await alice.settled()
    assert alice.was_told("welcome") == 1
    # It is the new token that is good from now on.
    assert (await alice.client.get("chats"))["chats"][0]["with"] == "bob"


@pytest.mark.parametrize("bad", ["of another user", "no token"])
async def test_a_token_that_is_not_taken_leaves_the_session(party: Party, bad: str) -> None:
    offered = party.token("bob") if bad == "of another user" else "no token"
    alice = party.peer("alice", token=tokens(party.token("alice"), offered))
    await alice.until("welcome")
    alice.client.renew()
    error = await alice.until("error")
    assert (error["code"], error["retry"]) == ("unauthorized", False)
    alice.client.send("bob", "still here")
    await alice.settled()
    assert not alice.was_told("renewed") and not alice.was_told("disconnected")


async def test_a_session_ends_with_its_token_and_goes_on_with_the_next(party: Party) -> None:
    # The client is given its next token only once the session has ended.
    first, next_one = party.token("alice", "1s"), party.token("alice")
    alices: list[Peer] = []
    alice = party.peer("alice", token=lambda: next_one if any(alice.was_told("error") for alice in alices) else first)
    alices.append(alice)
    await alice.until("disconnected", code="token_expired")
    await alice.told.when(lambda: alice.was_told("caught_up") == 2)
    assert [frame["resumed"] for frame in alice.told.all if frame["type"] == "welcome"] == [False, True]


async def test_a_session_whose_only_token_has_ended_stays_away(party: Party) -> None:
    alice = party.peer("alice", token=tokens(party.token("alice", "1s")))
    assert str(await alice.ended()) == "token_expired"


async def test_a_token_that_says_nothing_is_the_end(party: Party) -> None:
    alice = party.peer("alice", token=lambda: "no token")
    assert str(await alice.ended()) == "unauthorized"
