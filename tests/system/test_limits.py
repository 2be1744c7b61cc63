"""What the system refuses: files that cannot be opened, processes that cannot be begun. It passes."""

import os
import resource
import signal
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import count
from pathlib import Path

import pytest

from tests import originals
from tests.servers import TOKEN, Service, is_ready, poll, serving


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    """Nothing is answered from memory."""
    folder = tmp_path_factory.mktemp("limits")
    with serving(folder / "data", workers=1, pyramid_bytes="0", memory_bytes="0") as service:
        yield service


def descriptors(pid: int) -> set[int]:
    return {int(descriptor.name) for descriptor in Path(f"/proc/{pid}/fd").iterdir()}


@contextmanager
def out_of_descriptors(pid: int) -> Generator[None]:
    """It has those that are open and can open no other: EMFILE, open(2)."""
    taken = descriptors(pid)
    lowest_free = next(number for number in count() if number not in taken)
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


def ask(connection: HTTPConnection, path: str) -> int:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def test_a_process_without_descriptors_leaves_the_cache_alone(own: Service) -> None:
    """What it cannot open may be as it should be: 503, and later the same file, made by nobody anew."""
    guid = own.add(originals.png(60, 40))
    paths = [f"/images/{guid}.png?width={width}" for width in (20, 21)]
    (server,) = own.servers()
    connection = own.connect()
    before = [ask(connection, path) for path in paths]
    renders, distrusted = own.renders(), own.metric("imgsvc_cache_notices_total", notice="checksum")

    with out_of_descriptors(server):
        without = [ask(connection, path) for path in paths]
    after = [ask(connection, path) for path in paths]

    assert (before, without, after) == ([200] * 2, [503] * 2, [200] * 2)
    assert own.renders() == renders
    assert own.metric("imgsvc_cache_notices_total", notice="checksum") == distrusted
    connection.close()


def test_a_broker_without_descriptors_starts_workers_when_it_has_some(own: Service) -> None:
    """What is there is served meanwhile; what is not is 503 with when to come back."""
    guid = own.add(originals.png(61, 40))
    there = f"/images/{guid}.png?width=20"
    assert own.get(there).status_code == 200
    broker, workers = own.broker(), own.render_workers()
    without_workers = len(descriptors(broker)) - 2 * len(workers)
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    poll(lambda: len(descriptors(broker)) <= without_workers, for_what="the workers' pipes to be closed")

    with out_of_descriptors(broker):
        refused, hit = own.get(f"/images/{guid}.png?width=21"), own.get(there)
    after = own.get(f"/images/{guid}.png?width=21")

    assert (refused.status_code, hit.status_code, after.status_code) == (503, 200, 200)
    assert refused.headers["retry-after"]
    assert own.broker() == broker


def test_a_supervisor_that_cannot_start_a_process_tries_again(tmp_path: Path) -> None:
    """And ends none of the others for it."""
    with serving(tmp_path / "data", workers=2) as own:
        first, second = own.servers()
        with out_of_descriptors(own.pid):
            os.kill(first, signal.SIGKILL)
            poll(lambda: _failures(own) >= 2, for_what="two failed starts")
            left = own.servers()
        poll(lambda: len(own.servers()) == 2 and is_ready(own), for_what="another one")

        assert left == [second]
        assert own.process.poll() is None


def _failures(own: Service) -> int:
    died = [event["status"] for event in own.events() if event["event"] == "process.died"]
    return len([status for status in died if "Too many open files" in str(status)])


def test_as_many_connections_are_kept_as_there_are_descriptors_for(tmp_path: Path) -> None:
    """Under a limit that nobody may raise more are refused with 503, and files can be opened still."""
    with serving(tmp_path / "data", workers=1, pyramid_bytes="0") as own:
        guid = own.add(originals.png(60, 40))
        resource.prlimit(own.pid, resource.RLIMIT_NOFILE, (128, 128))
        (before,) = own.servers()
        os.kill(before, signal.SIGKILL)
        poll(lambda: own.servers() not in ([], [before]) and is_ready(own), for_what="one under that limit")
        connections = [own.connect() for _ in range(60)]
        statuses = [ask(connection, f"/images/{guid}.png?width=20") for connection in connections]
        uncached = ask(connections[0], f"/images/{guid}.png?width=21")
        for connection in connections:
            connection.close()

        assert (statuses[0], statuses[-1], uncached) == (200, 503, 200)
        assert [event["allowed"] for event in own.events() if event["event"] == "connections.fewer"] == [32]


def test_a_work_that_could_not_begin_is_begun_again(tmp_path: Path) -> None:
    """Purges are carried out by one process, which holds a lock; what keeps all from it passes, too."""
    in_its_way = tmp_path / "data" / "run" / "purging.lock"
    in_its_way.mkdir(parents=True)
    with serving(tmp_path / "data", workers=1) as own:
        authorized = {"Authorization": f"Bearer {TOKEN}"}
        guid = own.add(originals.png(60, 40))
        poll(lambda: "work.failed" in [event["event"] for event in own.events()], for_what="a failure")
        in_its_way.rmdir()
        receipt = own.client.post("/purge", json={"assets": [guid]}, headers=authorized).json()

        poll(
            lambda: own.client.get(f"/purge/{receipt['id']}", headers=authorized).json()["done"],
            for_what="the purge to be carried out",
        )
