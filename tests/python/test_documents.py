"""The judge of all other tests does not take everything."""

import pytest
from jsonschema import ValidationError

from judge import Judge
from talk import Party

pytestmark = pytest.mark.anyio


async def test_frames_and_answers_that_are_not_written_down_are_found(party: Party) -> None:
    alice = party.peer("alice")
    caught_up = await alice.received.until(lambda frame: isinstance(frame, dict) and frame["type"] == "caught_up")
    assert isinstance(caught_up, dict)
    judge = Judge(party.url)
    judge.frame(caught_up)
    judge.frame({**caught_up, "new": "fields may come at any time"})
    judge.answer("GET", "/v1/chats", 200, "application/json", '{"chats": []}')

    with pytest.raises(ValidationError):
        judge.frame({"type": "caught_up"})
    with pytest.raises(ValidationError):
        judge.frame({**caught_up, "cursor": 7})
    with pytest.raises(KeyError):
        judge.frame({**caught_up, "type": "unheard_of"})
    with pytest.raises(ValidationError):
        judge.answer("GET", "/v1/chats", 200, "application/json", "{}")
    with pytest.raises(KeyError):
        judge.answer("GET", "/v1/chats", 418, "application/json", "{}")
