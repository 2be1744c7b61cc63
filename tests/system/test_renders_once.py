"""However many ask for a picture at the same time, in however many processes: it is rendered once."""

import os
import signal
from http.client import HTTPConnection

import pytest

from tests import originals
from tests.servers import TOKEN, Service
from tests.system.slow import slow_path

CALLERS = 100


@pytest.mark.parametrize("query", ["width=150", "width=1000&format=bmp"], ids=["small", "streamed"])
def test_a_hundred_callers_cost_one_render(service: Service, query: str) -> None:
    """All connections are open before the first asks, and every server process has its share of them."""
    path = f"{service.media_path(service.add(originals.png(2400, 1600)))}?{query}"
    before = service.renders()
    with service.connections_to_every_process(each=20) as dealt:
        open_now = [connection for connections in dealt.values() for connection in connections]
        open_now += [service.connect() for _ in range(CALLERS - len(open_now))]

        answers = _ask_all(open_now, path)

    assert {status for status, _ in answers} == {200}
    assert len({content for _, content in answers}) == 1
    assert len(answers) >= CALLERS
    assert service.renders() == before + 1


def test_equivalent_urls_share_one_render(service: Service) -> None:
    """What is keyed is the plan, so different spellings wait for the same render."""
    guid = service.add(originals.png(2400, 1600))
    spellings = [
        f"/images/{guid}.png?width=160&height=160",
        f"/images/{guid}.png?height=160px&width=160",
        f"{service.media_path(guid)}?width=160&height=160&mode=pad",
        service.canonical_path(guid, "width=160&height=160"),
    ]
    before = service.renders()
    connections = [service.connect() for _ in spellings * 5]

    for connection, path in zip(connections, spellings * 5, strict=True):
        connection.request("GET", path)
    contents = {connection.getresponse().read() for connection in connections}

    for connection in connections:
        connection.close()
    assert len(contents) == 1
    assert service.renders() == before + 1


def test_callers_who_leave_do_not_end_it_for_those_who_stay(service: Service) -> None:
    """Whoever asked first may hang up; the render goes on, once."""
    path = slow_path(service)
    before = service.renders()
    first, others = service.connect(), [service.connect() for _ in range(5)]
    first.request("GET", path)
    service.busy_worker()

    first.close()
    answers = _ask_all(others, path)

    assert {status for status, _ in answers} == {200}
    assert service.renders() == before + 1


def test_what_changes_while_it_is_rendered_is_kept_by_nobody(service: Service) -> None:
    """Caches in front are told of the change before the answer comes, which then is out of date."""
    path, asking = f"{slow_path(service)}&quality=71", service.connect()
    asking.request("GET", path)
    worker = service.busy_worker()
    os.kill(worker, signal.SIGSTOP)

    guid = path.removeprefix("/images/").partition(".")[0]
    renamed = service.client.put(f"/struct/assets/{guid}", json={"Filename": "other"}, headers={"Authorization": TOKEN})
    os.kill(worker, signal.SIGCONT)
    answer = asking.getresponse()
    asking.close()

    assert renamed.is_success, renamed.text
    assert (answer.status, answer.getheader("cache-control")) == (200, "no-store")
    assert service.get(path).headers["cache-control"] == "public, max-age=300, must-revalidate"


def _ask_all(connections: list[HTTPConnection], path: str) -> list[tuple[int, bytes]]:
    """Every question is sent before the first answer is read."""
    for connection in connections:
        connection.request("GET", path)
    answers: list[tuple[int, bytes]] = []
    for connection in connections:
        answer = connection.getresponse()
        answers.append((answer.status, answer.read()))
        connection.close()
    return answers
