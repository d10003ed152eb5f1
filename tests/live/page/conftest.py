"""A server for each test, and questions to it."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from umlpsd_gpu.live.page.server import PageServer


@dataclass
class Reply:
    """What the server answered."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """The answer, unpacked if it is compressed."""
        is_zipped = self.headers.get("Content-Encoding") == "gzip"
        return json.loads(gzip.decompress(self.content) if is_zipped else self.content)


class Asker:
    """Asks a server as a browser would."""

    def __init__(self, server: PageServer) -> None:
        self.server = server
        self.address = server.start()
        parts = urlsplit(self.address)
        self.port, self.token = parts.port, parse_qs(parts.query)["token"][0]

    def ask(
        self,
        path: str,
        token: str | None = None,
        host: str = "",
        method: str = "GET",
        headers: dict[str, str] | None = None,
        **values: Any,
    ) -> Reply:
        """Return the reply; token "" sends none."""
        query = dict(values)
        if token != "":
            query["token"] = self.token if token is None else token
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Host": host or f"127.0.0.1:{self.port}", **(headers or {})}
        connection.request(method, f"{path}?{urlencode(query)}", headers=sent)
        response = connection.getresponse()
        reply = Reply(response.status, dict(response.getheaders()), response.read())
        connection.close()
        return reply

    def news(self, since: int = 0, study: int = 0, picture: int = 0) -> Any:
        """Return the answer to a viewer's question for news."""
        reply = self.ask("/state", since=since, study=study, picture=picture)
        assert reply.status == 200, reply.content
        return reply.json


@pytest.fixture
def asker() -> Iterator[Asker]:
    asker = Asker(PageServer())
    yield asker
    asker.server.stop()
