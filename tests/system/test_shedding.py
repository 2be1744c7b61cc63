"""Originals that harm the renderer, and clients that ask for too much: over HTTP, and at the command line."""

import json
import os
import re
import signal
import sqlite3
import zipfile
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from hashlib import sha256
from io import BytesIO
from itertools import count
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests import originals
from tests.servers import TOKEN, Service, run_command, serving

CLIENT_RENDERS = "0.1"
"""One at once, and the next ten seconds later."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    with serving(
        tmp_path_factory.mktemp("shedding") / "data",
        workers=1,
        render_workers="1",
        render_deadline="3",
        client_renders=CLIENT_RENDERS,
        pyramid_bytes="0",
    ) as service:
        yield service


@pytest.fixture(scope="module")
def clients() -> Iterator[str]:
    """Addresses that nobody has asked from yet."""
    return (f"192.0.2.{number}" for number in count(1))


@pytest.fixture(scope="module")
def sizes() -> Iterator[int]:
    """No two originals are the same."""
    return count(40)


def stop_worker(service: Service) -> None:
    """It is given a job and does nothing, as with a picture that keeps it busy for ever."""
    (worker,) = service.render_workers()
    os.kill(worker, signal.SIGSTOP)


def time_out(service: Service, guid: str, clients: Iterator[str]) -> None:
    """Twice."""
    for width in (11, 12):
        assert ask(service, f"/images/{service.add(originals.png(30, 30))}.png?width=9", next(clients)).is_success
        stop_worker(service)
        answer = ask(service, f"/images/{guid}.png?width={width}", next(clients))
        assert (answer.status_code, "stopped after 3 seconds" in answer.text) == (503, True)


def ask(service: Service, path: str, client: str) -> httpx.Response:
    return service.get(path, x_forwarded_for=client)


def serial_of(service: Service, guid: str) -> str:
    with closing(sqlite3.connect(service.data / "catalog.sqlite")) as catalog:
        (serial,) = catalog.execute("SELECT serial FROM assets WHERE id = ?", (guid,)).fetchone()
    return str(serial)


def digest_of(data: bytes) -> str:
    return sha256(data).hexdigest()


def test_an_original_that_holds_up_the_renderer_is_set_aside_until_it_is_released(
    shared: Service, clients: Iterator[str], sizes: Iterator[int], tmp_path: Path
) -> None:
    """422 from the second time on, whichever asset shows it; what is there is answered still, and an asset that is
    given another original is free at once. The operator sees it and ends it.
    """
    data = originals.png(next(sizes), 20)
    guid, twin = shared.add(data), shared.add(data, "twin.png")
    (tmp_path / "sound.png").write_bytes(originals.png(next(sizes), 20))
    there = ask(shared, f"/images/{guid}.png?width=10", next(clients))

    time_out(shared, guid, clients)
    refused, refused_twin = (ask(shared, f"/images/{one}.png?width=13", next(clients)) for one in (guid, twin))
    still_there = ask(shared, f"/images/{guid}.png?width=10", next(clients))
    as_it_came = shared.get(f"/images/{guid}.png")
    listed = shared.command("quarantine", "list")
    shared.command("replace", twin, str(tmp_path / "sound.png"))
    replaced = ask(shared, f"/images/{twin}.png?width=13", next(clients))
    released = shared.command("quarantine", "release", guid)
    again = ask(shared, f"/images/{guid}.png?width=13", next(clients))

    assert (refused.status_code, refused_twin.status_code, replaced.status_code) == (422, 422, 200)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["cache-control"] == "no-store"
    assert refused.json()["detail"] == (
        "The original took the renderer too long, more than once; it is set aside until the operator releases it."
    )
    assert still_there.content == there.content
    assert as_it_came.content == data
    when, _, line = listed.stdout.partition("  ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", when)
    assert line == f"timeout,timeout  {digest_of(data)}: {guid} picture.png (default), {twin} twin.png (default)\n"
    assert (released.stdout, released.stderr) == (f"released {digest_of(data)}\n", "")
    assert again.status_code == 200
    assert shared.metric("imgsvc_quarantined_total", harm="timeout") >= 1
    assert digest_of(data) in [event["original"] for event in shared.events() if event["event"] == "original.set_aside"]


class TestClients:
    def test_who_asks_for_too_much_is_told_when_to_come_back(
        self, shared: Service, clients: Iterator[str], sizes: Iterator[int]
    ) -> None:
        """429 for one client and not for another behind the same proxy; what is there is everybody's."""
        guid, greedy, modest = shared.add(originals.png(next(sizes), 20)), next(clients), next(clients)
        first = ask(shared, f"/images/{guid}.png?width=11", greedy)

        refused = ask(shared, f"/images/{guid}.png?width=12", greedy)
        hits = [ask(shared, f"/images/{guid}.png?width=11", greedy) for _ in range(20)]
        other = ask(shared, f"/images/{guid}.png?width=12", modest)
        hit_of_the_others = ask(shared, f"/images/{guid}.png?width=12", greedy)

        assert (first.status_code, refused.status_code) == (200, 429)
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["cache-control"] == "no-store"
        assert int(refused.headers["retry-after"]) in range(1, 11)
        assert {hit.status_code for hit in hits} == {200}
        assert (other.status_code, hit_of_the_others.status_code) == (200, 200)

    def test_who_writes_the_header_himself_is_known_by_his_address(
        self, shared: Service, clients: Iterator[str], sizes: Iterator[int]
    ) -> None:
        """A proxy adds the address that it sees; what stands before it is anybody's word."""
        guid, greedy = shared.add(originals.png(next(sizes), 20)), next(clients)

        answers = [
            ask(shared, f"/images/{guid}.png?width={width}", f"203.0.113.{width}, {greedy}") for width in (11, 12)
        ]

        assert [answer.status_code for answer in answers] == [200, 429]

    def test_who_is_no_proxy_is_not_believed(self, tmp_path: Path) -> None:
        """All of his requests are one client's, whatever they say."""
        with serving(
            tmp_path / "data", workers=1, client_renders=CLIENT_RENDERS, proxies="198.51.100.0/24, ::1"
        ) as service:
            guid = service.add(originals.png(40, 20))

            answers = [
                ask(service, f"/images/{guid}.png?width={width}", f"192.0.2.{width}").status_code for width in (11, 12)
            ]

        assert answers == [200, 429]

    def test_who_has_enough_under_way_is_told_to_wait(self, tmp_path: Path) -> None:
        """Of three at a time one is made; whoever else asks, and what is there, is answered."""
        with (
            serving(tmp_path / "data", render_workers="1", client_renders_at_once="1", pyramid_bytes="0") as service,
            ThreadPoolExecutor(4) as asking,
        ):
            guid = service.add(originals.png(40, 20))
            paths = [f"/images/{guid}.png?width={width}" for width in (10, 11, 12, 13)]
            assert ask(service, paths[3], "192.0.2.1").status_code == 200
            stop_worker(service)
            answers = [asking.submit(ask, service, path, "192.0.2.1") for path in paths[:3]]
            refused = next(as_completed(answers)).result()
            hit = ask(service, paths[3], "192.0.2.1")
            other = asking.submit(ask, service, paths[0], "192.0.2.2")
            os.kill(service.render_workers()[0], signal.SIGCONT)
            statuses = sorted(answer.result().status_code for answer in answers)

            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            assert statuses == [200, 429, 429]
            assert (hit.status_code, other.result().status_code) == (200, 200)
            assert ask(service, f"/images/{guid}.png?width=14", "192.0.2.1").status_code == 200

    def test_an_archive_is_on_nobodys_account(
        self, shared: Service, clients: Iterator[str], sizes: Iterator[int]
    ) -> None:
        """A token permitted it, and it would end in the middle."""
        guids, client = [shared.add(originals.png(next(sizes), 20)) for _ in range(3)], next(clients)
        serials = [serial_of(shared, guid) for guid in guids]

        answer = shared.client.post(
            "/struct/assets/batch/data?maxWidth=9&format=jpg",
            headers={"Authorization": TOKEN, "X-Forwarded-For": client},
            content=json.dumps(serials),
        )

        with zipfile.ZipFile(BytesIO(answer.content)) as archive:
            assert (archive.testzip(), len(archive.namelist())) == (None, 3)


class TestCommands:
    def test_nothing_is_said_to_be_set_aside_where_nothing_is(self, tmp_path: Path) -> None:
        """Without a service, and without a library."""
        listed = run_command(tmp_path / "data", "quarantine", "list")

        assert (listed.returncode, listed.stdout, listed.stderr) == (0, "Nothing is set aside.\n", "")

    @pytest.mark.parametrize(
        ("named", "says"),
        [
            ("x" * 64, "is neither a digest"),
            ("../../etc/passwd", "is neither a digest"),
            ("a" * 64, "is not set aside"),
            (str(uuid4()), "There is no asset"),
        ],
        ids=["no digest", "a path", "not set aside", "no asset"],
    )
    def test_what_cannot_be_released_is_told_why(self, tmp_path: Path, named: str, says: str) -> None:
        result = run_command(tmp_path / "data", "quarantine", "release", named)

        assert result.returncode == 1
        assert says in result.stderr
        assert "Traceback" not in result.stderr
