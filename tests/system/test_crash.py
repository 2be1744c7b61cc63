"""kill -9 of all processes at once, in the midst of changes, purges and calls to hooks: what was said to be done is.

`make crash` runs it with more rounds and changes than every test run can bear.
"""

import os
import signal
import sqlite3
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from tests.hooks import Listening, listening
from tests.servers import TOKEN, Service, family_of, is_alive, poll, serving
from tests.system.ledger import BEARER, Client, Ledger

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "3"))
CHANGES = int(os.environ.get("CRASH_CHANGES", "45"))
CLIENTS = 4


def test_no_acknowledged_change_is_lost(tmp_path: Path) -> None:
    """Uploads, replacements, moves and deletions; every one that was answered is there after the restart.

    So is every purge, and hooks hear of every change, at least once.
    """
    ledger, lost, folders = Ledger(), list[str](), ["-1"]
    clients = [Client(ledger, folders, seed=seed) for seed in range(CLIENTS)]
    with listening() as hook:
        for number in range(ROUNDS):
            with _serving(tmp_path, hook) as service:
                lost += ledger.lost(service)
                folders.append(_make_folder(service, f"round {number}"))
                _change_until_killed(service, ledger, clients, changes=CHANGES * (number + 1) // ROUNDS)
        with _serving(tmp_path, hook) as service:
            lost += ledger.lost(service)
            _assert_purges_are_done(service, ledger)
            poll(lambda: ledger.told <= set(hook.tags()), for_what="the hook to hear of every change")
            poll(lambda: _count(service, "announcements") == 0, for_what="nothing to be left to tell")
            verified = service.command("verify", "--derivatives")

    print(f"{ledger.changes} acknowledged changes in {ROUNDS} rounds, {len(lost)} lost; {len(ledger.purges)} purges")
    assert lost == []
    assert ledger.refused == []
    assert ledger.changes >= CHANGES
    assert (verified.returncode, verified.stdout) == (0, "")
    assert _is_sound(tmp_path / "data" / "catalog.sqlite")


@contextmanager
def _serving(folder: Path, hook: Listening) -> Generator[Service]:
    with serving(folder / "data", render_workers="1", purge_hooks=f"webhook: {hook.url}") as service:
        yield service


def _change_until_killed(service: Service, ledger: Ledger, clients: list[Client], *, changes: int) -> None:
    """As soon as so many are acknowledged, while others are under way."""
    stop = threading.Event()
    with ThreadPoolExecutor(len(clients)) as threads:
        working = [threads.submit(client.work, service, stop) for client in clients]
        try:
            poll(
                lambda: ledger.changes >= changes or any(one.done() for one in working), for_what="changes", seconds=300
            )
            _kill(service)
        finally:
            stop.set()
    for one in working:
        one.result()


def _kill(service: Service) -> None:
    family = [service.pid, *family_of(service.pid)]
    for pid in family:
        # Some go with those that started them.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    service.process.wait()
    poll(lambda: not any(map(is_alive, family)), for_what="all processes to be gone")


def _make_folder(service: Service, name: str) -> str:
    answer = service.client.post("/struct/assets/folders", json=[{"Name": name}], headers={"Authorization": TOKEN})
    assert answer.status_code == 200, answer.text
    return answer.json()[name]


def _assert_purges_are_done(service: Service, ledger: Ledger) -> None:
    """Those that were answered, and those that were only ordered."""
    poll(lambda: _count(service, "purges WHERE finished IS NULL") == 0, for_what="purges to be carried out")
    for purge in ledger.purges:
        answer = service.client.get(f"/purge/{purge}", headers=BEARER)
        assert answer.json()["done"], answer.text


def _count(service: Service, table: str) -> int:
    with closing(sqlite3.connect(service.data / "catalog.sqlite")) as catalog:
        return catalog.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def _is_sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as catalog:
        pages = catalog.execute("PRAGMA integrity_check").fetchall()
        keys = catalog.execute("PRAGMA foreign_key_check").fetchall()
    return (pages, keys) == ([("ok",)], [])
