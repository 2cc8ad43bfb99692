"""A client of Chasqui, written from schemas/protocol/PROTOCOL.md alone: an example to take from."""

from chasqui_client.client import Client, Ended, Frame
from chasqui_client.state import Chat, State, chat_id

__all__ = ["Chat", "Client", "Ended", "Frame", "State", "chat_id"]
