"""Every request of `/openapi.json` is asked in all the ways that a stranger's tool can think of."""

import os
import sys
from pathlib import Path

import pytest

from talk import ADMIN, Party

pytestmark = pytest.mark.anyio

IS_LONG = os.environ.get("CHASQUI_SOAK", "0") not in ("", "0")
EXAMPLES = 500 if IS_LONG else 40


async def asked(party: Party, token: str, *which: str) -> None:
    """Has schemathesis ask what a token is for. It is given the same numbers every time, so that it asks the same."""
    options = ("--seed", "7", "--max-examples", str(EXAMPLES), "--generation-database", "none", "--no-color")
    command = (
        Path(sys.executable).with_name("schemathesis"),
        "--config-file",
        Path(__file__).with_name("schemathesis.toml"),
    )
    schemathesis = await party.program(
        *command, "run", f"{party.url}/openapi.json", "-H", f"Authorization: Bearer {token}", *options, *which
    )
    status = await schemathesis.ended(within=3_600 if IS_LONG else 600)
    assert status == 0, "\n".join(schemathesis.lines.all)


async def test_what_users_ask(party: Party) -> None:
    # The chat of the examples is there.
    alice, bob = party.peer("alice"), party.peer("bob")
    for number in range(10):
        alice.client.send("bob", f"hello {number}")
        bob.client.send("alice", f"hi {number}")
    await alice.settled()
    await bob.settled()
    await asked(party, party.token("alice"), "--exclude-path-regex", "^/(v1/admin|metrics)")


async def test_what_operators_ask(party: Party) -> None:
    peer = party.peer("alice")
    await peer.until("caught_up")
    await asked(party, ADMIN, "--include-path-regex", "^/(v1/admin|metrics)")
