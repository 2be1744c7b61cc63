"""Processes that die, queues that are full, renders that take too long: what a caller sees, and what is left behind."""

import json
import os
import re
import signal
import socket
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from tests import originals
from tests.servers import TOKEN, Service, family_of, is_alive, is_ready, poll, run_command, serving, starting
from tests.system.slow import noisy, slow_path

PROVISIONAL = "public, max-age=10"

Start = Callable[[Path], AbstractContextManager[Service]]


@pytest.fixture
def own(tmp_path: Path) -> Generator[Service]:
    """A service that may be harmed: two server processes, one render worker."""
    with serving(tmp_path / "data", render_workers="1") as service:
        yield service


@pytest.fixture
def asking() -> Generator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def test_a_worker_that_is_killed_costs_nobody_the_picture(own: Service, asking: ThreadPoolExecutor) -> None:
    """The job is given to another one; the caller gets 200 and the log says what happened."""
    path = slow_path(own)
    answer = asking.submit(own.get, path)

    os.kill(own.busy_worker(), signal.SIGKILL)

    assert answer.result(60).status_code == 200
    assert [event["attempt"] for event in own.events() if event["event"] == "render.crashed"] == [1]
    assert own.metric("imgsvc_renders_total", outcome="rendered") == 1


def test_a_picture_that_kills_its_workers_is_given_up(own: Service, asking: ThreadPoolExecutor) -> None:
    """503 after the second, typed; then it is set aside, 422, and the service goes on with other pictures."""
    path, guid = slow_path(own), own.add(originals.png())
    assert own.get(f"/images/{guid}.png?width=10").status_code == 200
    answer = asking.submit(own.get, path)

    first = own.busy_worker()
    os.kill(first, signal.SIGKILL)
    os.kill(own.busy_worker(besides=first), signal.SIGKILL)

    assert_unavailable(answer.result(60), "end twice")
    assert own.get(f"/images/{guid}.png?width=11").status_code == 200
    # The second one may have been killed before it was at work, which speaks against no picture.
    again = asking.submit(own.get, path)
    with suppress(TimeoutError):
        os.kill(own.busy_worker(), signal.SIGKILL)
    assert (again.result(60).status_code, own.get(path).status_code) == (422, 422)
    assert own.get(f"/images/{guid}.png?width=12").status_code == 200


def test_the_broker_may_be_killed(own: Service, asking: ThreadPoolExecutor) -> None:
    """Who waits for it is answered by the next one; its workers go with it, and nothing of theirs is left."""
    path = slow_path(own)
    answer = asking.submit(own.get, path)
    worker, broker = own.busy_worker(), own.broker()

    os.kill(broker, signal.SIGKILL)

    assert answer.result(60).status_code == 200
    poll(lambda: not is_alive(worker), for_what="the worker to go with its broker")
    assert own.broker() != broker
    assert own.get(f"/images/{own.add(originals.png())}.webp?width=10").status_code == 200
    assert list((own.data / "derivatives" / "scratch").iterdir()) == []


def test_what_was_rendered_outlives_the_broker(own: Service) -> None:
    """A hit after its death is a hit: nothing is rendered again."""
    path = f"/images/{own.add(originals.png())}.webp?width=10"
    content = own.get(path).content
    before = own.renders()

    os.kill(own.broker(), signal.SIGKILL)
    poll(lambda: is_ready(own), for_what="a new broker")
    with own.connections_to_every_process() as dealt:
        for connections in dealt.values():
            connections[0].request("GET", path)
            assert connections[0].getresponse().read() == content

    assert own.renders() == before


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    """The same URLs, the same bytes, and nothing is rendered again; whoever was refused before is served now."""
    with serving(tmp_path / "data") as own:
        guid = own.add(originals.png())
        canonical = own.canonical_path(guid, "width=10&format=webp")
        before = [own.get(path).content for path in (canonical, f"/images/{guid}.png", own.media_path(guid))]

    with serving(tmp_path / "data") as own:
        after = [own.get(path).content for path in (canonical, f"/images/{guid}.png", own.media_path(guid))]

        assert after == before
        assert own.renders() == 0


def test_a_server_process_may_be_killed(own: Service) -> None:
    """The others answer meanwhile, and another one takes its place."""
    path = f"/images/{own.add(originals.png())}.webp?width=10"
    before = own.servers()

    os.kill(before[0], signal.SIGKILL)
    statuses = {httpx.get(f"{own.url}{path}", timeout=60, trust_env=False).status_code for _ in range(20)}
    after = poll(lambda: pids if len(pids := own.servers()) == 2 else None, for_what="another server process")

    assert statuses == {200}
    assert before[1] in after
    assert before[0] not in after


@pytest.mark.parametrize("start", [serving, starting])
def test_all_end_when_the_supervisor_is_killed(tmp_path: Path, start: Start) -> None:
    """However it goes and whenever: no process stays behind to hold the port or to write to the cache."""
    with start(tmp_path / "data") as own:
        family = family_of(own.pid)
        assert len(family) >= 3

        os.kill(own.pid, signal.SIGKILL)

        left = _left_alive(family)
        assert left == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("start", [serving, starting])
def test_all_end_when_it_is_asked_to_stop(tmp_path: Path, start: Start, number: signal.Signals) -> None:
    """In good order and with status 0, also in the middle of the start."""
    with start(tmp_path / "data") as own:
        family = family_of(own.pid)

        os.kill(own.pid, number)

        assert own.process.wait(30) == 0
        assert _left_alive(family) == []
        assert "Traceback" not in own.log.read_text()


def test_a_request_under_way_is_answered_before_the_end(tmp_path: Path, asking: ThreadPoolExecutor) -> None:
    """SIGTERM takes no answer away from who waits for one."""
    with serving(tmp_path / "data", render_workers="1") as own:
        answer = asking.submit(own.get, slow_path(own))
        own.busy_worker()

        os.kill(own.pid, signal.SIGTERM)

        assert answer.result(60).status_code == 200


def test_a_second_service_on_the_same_folder_is_refused(service: Service) -> None:
    """With a sentence that says what to do, and without harm to the first."""
    second = run_command(service.data, "serve", port="0")

    assert second.returncode == 1
    assert f"Another imgsvc serves {service.data} already" in second.stderr
    assert "IMGSVC_DATA" in second.stderr
    assert "Traceback" not in second.stderr
    assert is_ready(service)


def test_a_port_that_is_taken_is_named(service: Service, tmp_path: Path) -> None:
    """And nothing else is said."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        result = run_command(tmp_path / "data", "serve", port=str(port))

    assert result.returncode == 1
    assert result.stderr == f"Error: Cannot listen on 127.0.0.1:{port}: Address already in use.\n"


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")
def test_an_address_of_ipv6_is_served_and_told_right(tmp_path: Path) -> None:
    """RFC 3986, section 3.2.2: in brackets, so that what the log says can be opened."""
    with starting(tmp_path / "data", workers=1, host="::1") as own:
        assert re.fullmatch(r"http://\[::1\]:[0-9]+", own.url)


def test_a_full_queue_is_said_so(tmp_path: Path, asking: ThreadPoolExecutor) -> None:
    """503 with Retry-After at once, instead of waiting for ever; who was first is served."""
    with serving(tmp_path / "data", render_workers="1", render_queue="1") as own:
        first, guid = slow_path(own), own.add(originals.png())
        first_answer = asking.submit(own.get, first)
        own.busy_worker()

        refused = own.get(f"/images/{guid}.png?width=10")
        upload = own.upload(originals.png())
        same = asking.submit(own.get, first)

        assert_unavailable(refused, "Too many pictures")
        assert_unavailable(upload, "Too many pictures")
        assert first_answer.result(60).status_code == 200
        assert same.result(60).status_code == 200
        assert own.get(f"/images/{guid}.png?width=10").status_code == 200
        assert list((own.data / "originals" / "incoming").iterdir()) == []


def test_a_render_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    """503, typed, at the deadline; the next picture finds a worker."""
    with serving(tmp_path / "data", render_workers="1", render_deadline="4") as own:
        guid = own.add(originals.png())
        # Lossless WebP of this picture takes twenty seconds and more.
        too_long = f"/images/{own.add(noisy())}.webp?quality=100"

        stopped = own.get(too_long)

        assert_unavailable(stopped, "stopped after 4 seconds")
        assert own.get(f"/images/{guid}.png?width=10").status_code == 200
        assert [event["seconds"] for event in own.events() if event["event"] == "render.timeout"] == [4]


def test_a_cache_smaller_than_what_is_asked_for_still_answers(tmp_path: Path, asking: ThreadPoolExecutor) -> None:
    """With room for one or two renditions, a crowd that asks for twenty gets all of them, whole."""
    with serving(tmp_path / "data", cache_bytes="3MB") as own:
        guid = own.add(originals.png(800, 600))

        def ask(width: int) -> int:
            """The length of what came, 0 for any failure."""
            try:
                answer = own.get(f"/images/{guid}.bmp?width={width}")
            except httpx.TransportError:
                return 0
            return len(answer.content) if answer.status_code == 200 else 0

        widths = [*range(640, 720, 4)] * 3
        lengths = list(asking.map(ask, widths))

        assert lengths == [_bmp_length(width, width * 3 // 4) for width in widths]


def test_an_original_whose_file_is_gone_is_a_fault_of_the_store(service: Service) -> None:
    """By whatever URL, from a pyramid as well: 503, told alike, counted, logged and kept by nobody. What is rendered is
    answered; when the file is back all is."""
    data = originals.jpeg(900, 700)
    guid = service.add(data, "lost.jpg")
    rendered, canonical = f"/images/{guid}.png?width=10", service.canonical_path(guid, "width=30&format=webp")
    media = service.media_path(guid)
    paths = [
        canonical,
        f"/images/{guid}.jpg",
        f"/images/{guid}.webp?width=20",
        f"/images/{guid}/preview/40/40",
        media,
        f"{media}?width=50",
        f"{media}?width=60&metadata=keep",
        f"/cdn/default/{guid}/80x80/lost-jpg.png",
    ]
    poll(lambda: service.get(rendered).headers["cache-control"] != PROVISIONAL, for_what="a level to make it from")
    original, away = _original_of(service, data), service.data / "away"
    lost = service.metric("imgsvc_renders_total", outcome="OriginalLost")

    original.rename(away)
    answers = [service.get(path) for path in paths]
    there = service.get(rendered)
    archive = _archive_of(service, guid, "width=90")
    original.write_bytes(data[:-9])
    torn = [service.get(path) for path in paths]
    away.rename(original)
    back = [service.get(path) for path in paths]

    for answer in answers:
        assert_unavailable(answer, "The original cannot be read at the moment.")
    assert {answer.headers["retry-after"] for answer in answers} == {"30"}
    assert service.metric("imgsvc_renders_total", outcome="OriginalLost") - lost >= len(paths) - 2
    failed = {event["path"] for event in service.events() if event.get("error") == "OriginalLost"}
    assert failed >= {path.partition("?")[0] for path in paths}
    assert there.status_code == 200
    assert archive == {"errors.txt": b"lost.jpg: The original cannot be read at the moment.\n"}
    assert {answer.status_code for answer in torn} <= {200, 503}
    assert torn[4].json()["detail"] == torn[6].json()["detail"] == "The original is not whole."
    assert [answer.status_code for answer in back] == [200] * len(paths)


def _original_of(service: Service, data: bytes) -> Path:
    digest = sha256(data).hexdigest()
    return service.data / "originals" / digest[:2] / digest[2:4] / digest


def _archive_of(service: Service, guid: str, query: str) -> dict[str, bytes]:
    answer = service.client.post(f"/struct/assets/batch/data?{query}", json=[guid], headers={"Authorization": TOKEN})
    assert answer.status_code == 200, answer.text
    with ZipFile(BytesIO(answer.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def assert_unavailable(answer: httpx.Response, says: str) -> None:
    """503 as problem details, with when to come back."""
    assert answer.status_code == 503, answer.text[:200]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["retry-after"]) >= 1
    assert says in json.loads(answer.content)["detail"]


def _bmp_length(width: int, height: int) -> int:
    """24 bits a pixel, rows of a multiple of four bytes, behind headers of 54."""
    return 54 + (width * 3 + 3) // 4 * 4 * height


def _left_alive(pids: Iterable[int]) -> list[int]:
    """After ten seconds at most; they are ended now, so that no test leaves a process behind."""
    try:
        poll(lambda: not any(map(is_alive, pids)), for_what="processes to end", seconds=10)
    except TimeoutError:
        left = list(filter(is_alive, pids))
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        return left
    return []
