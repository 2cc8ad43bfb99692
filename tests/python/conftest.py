"""The real server, and clients that talk through it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from judge import Judge
from talk import Party


@pytest.fixture
def anyio_backend() -> str:
    """What runs the tests that are coroutines."""
    return "asyncio"


@pytest.fixture
async def party(tmp_path: Path) -> AsyncIterator[Party]:
    """A server that is ready, and whoever a test lets talk; all of it ends with the test, and is judged."""
    async with AsyncExitStack() as ends:
        party = Party(tmp_path, ends)
        await party.start_server()
        judge = Judge(party.url)
        yield party
    party.judge(judge)
