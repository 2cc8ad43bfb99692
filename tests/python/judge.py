"""Holds what the server says against the documents that it serves about itself."""

import json
import re
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from chasqui_client import Frame

DOCUMENTS = ("asyncapi.json", "openapi.json")


class Judge:
    """Knows a server's `/asyncapi.json` and `/openapi.json`, without which nothing can be judged."""

    def __init__(self, url: str) -> None:
        frames, requests = (httpx.get(f"{url}/{name}").raise_for_status().json() for name in DOCUMENTS)
        documents = zip(DOCUMENTS, (frames, requests), strict=True)
        resources = ((name, Resource.from_contents(kept, DRAFT202012)) for name, kept in documents)
        self._registry: Registry[Any] = Registry().with_resources(resources)
        channel = frames["operations"]["toClient"]["messages"]
        names = [message["$ref"].rpartition("/")[2] for message in channel]
        messages = [frames["components"]["messages"][name] for name in names]
        self._frames = {message["name"]: message["payload"]["$ref"] for message in messages}
        self._requests = requests["paths"]
        self.judged = 0

    def frame(self, frame: Frame) -> None:
        """A frame is of a type that is written down, and has its form."""
        self._check(frame, DOCUMENTS[0] + self._frames[frame["type"]])

    def answer(self, method: str, path: str, status: int, kind: str, text: str) -> None:
        """An answer has a status and a form that are written down for the request."""
        [template] = [known for known in self._requests if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known), path)]
        content = self._requests[template][method.lower()]["responses"][str(status)]["content"]
        self._check(json.loads(text), DOCUMENTS[1] + content[kind]["schema"]["$ref"])

    def _check(self, said: object, schema: str) -> None:
        Draft202012Validator({"$ref": schema}, registry=self._registry).validate(said)
        self.judged += 1
