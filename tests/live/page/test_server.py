"""The server of the live page: who is answered, when, and what it costs the run."""

from __future__ import annotations

import gzip
import http.client
import re
import socket
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.live.page.conftest import Asker
from tests.support.live_snapshots import snapshot
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.live.page import board as board_module
from umlpsd_gpu.live.page import handlers
from umlpsd_gpu.live.page.board import Board
from umlpsd_gpu.live.page.server import PageServer
from umlpsd_gpu.live.snapshot import Snapshot

PATHS = ("/", "/state", "/trace", "/study.h5", "/../etc/passwd")


def waiting(number: int) -> Snapshot:
    return Snapshot(number, "waiting", "film.tif", 0, 0, None, 0.0)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", ["", "wrong", "é%ff"])
def test_every_path_needs_the_token(asker: Asker, path: str, token: str) -> None:
    reply = asker.ask(path, token=token)
    assert reply.status == 403
    assert "token" in reply.json["error"]
    assert asker.token not in reply.content.decode()


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:80", "192.168.0.7", "localhost.", "[::1]", "x"]
)
def test_foreign_hosts_are_refused_even_with_the_token(asker: Asker, host: str) -> None:
    for path in PATHS:
        assert asker.ask(path, host=host).status == 403


def test_a_request_without_a_host_is_refused(asker: Asker) -> None:
    with socket.create_connection(("127.0.0.1", asker.port), timeout=10) as connection:
        connection.sendall(f"GET /?token={asker.token} HTTP/1.0\r\n\r\n".encode())
        assert re.match(rb"HTTP/1\.[01] 40[03] ", connection.recv(100))


def test_localhost_on_another_port_is_answered(asker: Asker) -> None:
    """As behind ``ssh -L``."""
    assert asker.ask("/", host="localhost:9000").status == 200


def test_every_run_has_another_token() -> None:
    askers = [Asker(PageServer()) for _ in range(2)]
    assert askers[0].token != askers[1].token
    assert all(len(asker.token) >= 32 for asker in askers)
    assert askers[0].ask("/", token=askers[1].token).status == 403
    for asker in askers:
        asker.server.stop()


def test_only_this_machine_is_listened_to(asker: Asker) -> None:
    addresses = []
    for name in ("tcp", "tcp6"):
        table = Path(f"/proc/net/{name}")
        if not table.exists():
            pytest.skip(f"no {table} on this system")
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
        listening = [row[1].split(":") for row in rows if row[3] == "0A"]
        addresses += [host for host, port in listening if int(port, 16) == asker.port]
    assert addresses == ["0100007F"]


def test_headers_allow_no_foreign_source_and_no_copy(asker: Asker) -> None:
    for path in ("/", "/state", "/nothing"):
        headers = asker.ask(path, since=1).headers
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    policy = asker.ask("/").headers["Content-Security-Policy"]
    assert "unsafe-eval" not in policy
    assert not re.search(r"script-src[^;]*unsafe", policy)
    assert not re.search(r"https?:|\*", policy)


def test_other_methods_and_paths_are_refused(asker: Asker) -> None:
    assert asker.ask("/state", method="POST").status == 405
    assert asker.ask("/state", method="DELETE").status == 405
    reply = asker.ask("/nothing")
    assert reply.status == 404
    assert "no such page" in reply.json["error"]


def test_a_body_is_not_read(asker: Asker) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", asker.port, timeout=10)
    connection.request("GET", f"/?token={asker.token}", body=b"x" * 100)
    assert connection.getresponse().status == 400


@pytest.mark.parametrize(
    "values", [{"since": "x"}, {"since": -1}, {"study": "1e3"}, {"picture": "%"}]
)
def test_bad_numbers_are_refused_with_a_sentence(asker: Asker, values: dict[str, object]) -> None:
    reply = asker.ask("/state", **values)
    assert reply.status == 400
    assert re.fullmatch(r"\w+ is a whole number from 0 to \d+, got '.+'", reply.json["error"])


def test_news_is_answered_at_once_and_only_what_is_new(asker: Asker) -> None:
    asker.server.publish(snapshot(3, 2400))
    first = asker.news(since=2)
    assert first["state"]["number"] == 3
    assert first["study"]["k"] == first["state"]["decision"]["k"]
    assert first["picture"]["image"]["n_rows"] == 96
    asker.server.publish(snapshot(4, 2450))
    second = asker.news(3, **first["versions"])
    assert second["state"]["n_frames"] == 2450
    assert "study" not in second
    assert "picture" not in second
    assert second["versions"] == first["versions"]


def test_a_viewer_waits_until_there_is_news(asker: Asker) -> None:
    asker.server.publish(waiting(1))
    asker.news()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(asker.news, 1)
        shared = asker.server._shared
        while not shared.waiting:
            assert not answer.done()
        asker.server.publish(waiting(2))
        assert answer.result(timeout=20)["state"]["number"] == 2


def test_a_viewer_hears_that_there_is_nothing_new(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "LONGEST_WAIT_S", 0.05)
    assert asker.news(0) == {"nothing_new": True}
    asker.server.publish(waiting(1))
    assert asker.news()["state"]["number"] == 1
    assert asker.news(1) == {"nothing_new": True}


def test_a_viewer_that_leaves_is_no_longer_waited_for(asker: Asker) -> None:
    shared = asker.server._shared
    with socket.create_connection(("127.0.0.1", asker.port), timeout=10) as connection:
        connection.sendall(request(asker, 0))
        while not shared.waiting:
            time.sleep(0.005)
    while shared.waiting:
        time.sleep(0.005)
    asker.server.publish(waiting(1))
    assert asker.news()["state"]["number"] == 1


def request(asker: Asker, since: int) -> bytes:
    path = f"/state?since={since}&token={asker.token}"
    return f"GET {path} HTTP/1.1\r\nHost: localhost:{asker.port}\r\n\r\n".encode()


def test_publish_never_waits_and_only_the_newest_is_shown(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, started, go_on = [], threading.Event(), threading.Event()
    show = Board.show

    def slow_show(board: Board, snapshot: Snapshot) -> None:
        shown.append(snapshot.number)
        started.set()
        assert go_on.wait(20)
        show(board, snapshot)

    monkeypatch.setattr(Board, "show", slow_show)
    asker.server.publish(waiting(1))
    assert started.wait(20)
    for number in range(2, 50):
        asker.server.publish(waiting(number))
    go_on.set()
    while asker.news()["state"]["number"] != 49:
        time.sleep(0.005)
    assert shown == [1, 49]


def test_viewers_that_hang_cost_nothing(asker: Asker) -> None:
    """Each asks a hundred times and reads nothing; the answers are large and always new."""
    noise = np.random.default_rng(0)
    asker.server.publish(replace(snapshot(1, 600), mean_image=noise.random((512, 512))))
    asker.news()
    hanging = [socket.create_connection(("127.0.0.1", asker.port), timeout=10) for _ in range(3)]
    for connection in hanging:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(request(asker, 0) * 100)
    tracemalloc.start()
    for number in range(2, 60):
        asker.server.publish(snapshot(number, 600 + number))
        assert asker.news(number - 1)["state"]["number"] == number
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    for connection in hanging:
        connection.close()
    # 58 × 3 answers with the image would be 60 MB
    assert grown < 5e6


def test_twenty_viewers_are_served_from_one_serialisation(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    of = board_module.Answer.of
    monkeypatch.setattr(
        board_module.Answer, "of", lambda plain: made.append(len(plain)) or of(plain)
    )
    last = 12
    asker.server.publish(snapshot(1, 600))

    seen: list[dict[int, object]] = [{} for _ in range(20)]

    def follow(mine: dict[int, object]) -> None:
        versions = {"study": 0, "picture": 0}
        while last not in mine:
            answer = asker.news(max(mine, default=0), **versions)
            versions = answer["versions"]
            mine[answer["state"]["number"]] = answer["state"]

    with ThreadPoolExecutor(20) as pool:
        viewers = [pool.submit(follow, mine) for mine in seen]
        for number in range(2, last + 1):
            while not all(number - 1 in mine for mine in seen):
                assert not any(viewer.done() for viewer in viewers)
                time.sleep(0.005)
            asker.server.publish(snapshot(number, 600 + 10 * number))
        for viewer in viewers:
            viewer.result(timeout=60)
    assert list(seen[0]) == list(range(1, last + 1))
    assert all(mine == seen[0] for mine in seen)
    # at most the four combinations of parts for each snapshot, whatever the number of viewers
    assert len(made) <= 4 * last


def test_compressed_answers_are_the_same(asker: Asker) -> None:
    asker.server.publish(snapshot(1, 2400))
    plain = asker.ask("/state", since=0)
    zipped = asker.ask("/state", since=0, headers={"Accept-Encoding": "gzip, br"})
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.content) == plain.content
    assert len(zipped.content) < 0.8 * len(plain.content)


def test_a_stop_gives_the_last_snapshot_and_a_start_the_same_address() -> None:
    asker = Asker(PageServer())
    asker.server.publish(waiting(1))
    asker.news()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(asker.news, 1)
        while not asker.server._shared.waiting:
            time.sleep(0.005)
        asker.server.publish(replace(waiting(2), state="finished"))
        asker.server.stop()
        assert answer.result(timeout=20)["state"]["state"] == "finished"
    with pytest.raises(ConnectionRefusedError):
        asker.news()
    asker.server.stop()
    asker.server.publish(waiting(3))
    assert asker.server.start() == asker.address
    while asker.news()["state"]["number"] != 3:
        time.sleep(0.005)
    asker.server.stop()


def test_a_port_that_is_taken_is_named(asker: Asker) -> None:
    with pytest.raises(SettingsError, match=f"can't use port {asker.port} of 127.0.0.1"):
        PageServer(asker.port).start()


@pytest.mark.parametrize("port", [-1, 0, 65_536])
def test_a_port_that_does_not_exist_is_refused(port: int) -> None:
    with pytest.raises(SettingsError, match=f"from 1 to 65535, got {port}"):
        PageServer(port)
