"""Reads records with the schemas that they were written with."""

import base64
import io
import json
import ssl
import urllib.error
import urllib.request
from functools import cache
from typing import Any

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

CONFLUENT = 0
SINGLE_OBJECT = b"\xc3\x01"
PATIENCE_SECONDS = 30

Json = Any


class Unreadable(Exception):
    """A record or its schema can't be read."""


class Schemas:
    """The schemas of a record, as a registry has them. Each is asked for once."""

    def __init__(self, url: str, subject: str, login: str | None = None, ca_file: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._subject = subject
        self._headers = {"Accept": "application/vnd.schemaregistry.v1+json, application/json"}
        if login is not None:
            self._headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._by_id = cache(self._fetch)
        self._by_fingerprint: dict[bytes, Json] = {}

    def read(self, value: bytes) -> Json:
        """Reads a record in Confluent's wire format, or in the single-object encoding of those without an id."""
        if len(value) >= 5 and value[0] == CONFLUENT:
            schema, body = self._by_id(f"schemas/ids/{int.from_bytes(value[1:5], 'big')}"), value[5:]
        elif len(value) >= 10 and value.startswith(SINGLE_OBJECT):
            schema, body = self._with_fingerprint(value[2:10]), value[10:]
        else:
            raise Unreadable(f"no record begins with {value[:10].hex() or 'nothing'}")
        return fastavro.schemaless_reader(io.BytesIO(body), schema, None)

    def _with_fingerprint(self, wanted: bytes) -> Json:
        """The schema of a record that was written before it had an id: one of the subject's versions."""
        if wanted not in self._by_fingerprint:
            for version in self._ask(f"subjects/{self._subject}/versions"):
                schema = self._by_id(f"subjects/{self._subject}/versions/{version}")
                digits = fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")
                self._by_fingerprint[bytes.fromhex(digits)] = schema
        if wanted not in self._by_fingerprint:
            raise Unreadable(f"{self._subject} has no version with the fingerprint {wanted.hex()} in the registry")
        return self._by_fingerprint[wanted]

    def _fetch(self, path: str) -> Json:
        return fastavro.parse_schema(json.loads(self._ask(path)["schema"]))

    def _ask(self, path: str) -> Json:
        request = urllib.request.Request(f"{self._url}/{path}", headers=self._headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS, context=self._tls) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Unreadable(f"the schema registry has no {path}: it answers {error.code}") from error
        except (OSError, ValueError) as error:
            raise Unreadable(f"the schema registry at {self._url} can't be asked: {error}") from error
