"""The service under everything at once, for a while: nothing stale, nothing that grows, nothing left behind.

`make soak` runs it for ten minutes, or for `SOAK_SECONDS`; every test run has a short one.
"""

import os
import sqlite3
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from pathlib import Path
from threading import Event

import pytest

from tests.servers import Service, family_of, is_alive, poll, serving
from tests.soak.asking import STRUCT, Asker
from tests.soak.changing import Changer
from tests.soak.chaos import Chaos
from tests.soak.record import Disturbance, Record
from tests.soak.rudeness import Boor
from tests.soak.watch import Watch, look_at

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
_BUDGETS = {"derivatives": 6_000_000, "pyramids": 4_000_000}
_SETTINGS = {
    "cache_bytes": str(_BUDGETS["derivatives"]),
    "pyramid_bytes": str(_BUDGETS["pyramids"]),
    "memory_bytes": "2MB",
    "max_age": "0",
}
_ASKERS, _CHANGERS, _ASSETS_EACH = 4, 2, 8
_AT_REST = 8
"""Descriptors that a process may have beside those it had when nobody had asked: of threads' catalogues, kept files."""


def test_for_some_seconds(tmp_path: Path) -> None:
    """Everything that `make soak` does, less often; what grows slowly it cannot see."""
    _soak(tmp_path, seconds=9, kill_seconds=1.5, harm_seconds=0.2)


@pytest.mark.soak
def test_for_a_long_time(tmp_path: Path) -> None:
    """Processes that live long stay as they are once warm."""
    grown = _soak(tmp_path, seconds=SECONDS, kill_seconds=12, harm_seconds=0.5)

    assert grown == []


def _soak(folder: Path, *, seconds: float, kill_seconds: float, harm_seconds: float) -> list[str]:
    """What has grown. All else is judged here."""
    record, stop = Record(), Event()
    with serving(folder / "data", workers=2, render_workers="2", **_SETTINGS) as service:
        spared = service.servers()[0]
        changers = _prepare(service, record)
        rested, names = look_at(spared).files, _names(service)
        chaos = Chaos(service, record, seconds, kill_seconds, harm_seconds, spared)
        watch = Watch(service, record, _BUDGETS, pause=min(1.0, seconds / 100))
        askers = [Asker(service, record, seed) for seed in range(_ASKERS)]
        began = time.monotonic()
        with ThreadPoolExecutor(_ASKERS + _CHANGERS + 3) as threads:
            clients = [*askers, *changers, Boor(service, record, seed=99), chaos, watch]
            working = [threads.submit(one.work, stop) for one in clients]
            try:
                wait(working, seconds, return_when=FIRST_EXCEPTION)
            finally:
                stop.set()
        grown = watch.grown(began=began, seconds=seconds)
        print(*_summary(record, watch, seconds), *grown, sep="\n")
        for one in working:
            one.result()
        _rest(service, record, spared, files=rested + _AT_REST)
        _assert_all_is_there(service, record)
        left = _names(service) - names
        family = [service.pid, *family_of(service.pid)]

    assert record.wrong == []
    assert left == set()
    assert service.process.returncode == 0
    assert not any(map(is_alive, family))
    return grown


def _prepare(service: Service, record: Record) -> list[Changer]:
    """Two folders beside the root, and clients that have assets each."""
    body = [{"Name": "one"}, {"Name": "other"}]
    answer = service.client.post("/struct/assets/folders", json=body, headers=STRUCT)
    assert answer.status_code == 200, answer.text
    folders = ["root", *answer.json().values()]
    changers = [Changer(service, record, folders, seed) for seed in range(_CHANGERS)]
    for changer in changers:
        changer.prepare(_ASSETS_EACH)
    return changers


def _rest(service: Service, record: Record, spared: int, *, files: int) -> None:
    """What was under way ends; sockets of those who hung up, files that were sent, spool and scratch files go."""
    service.close()
    poll(lambda: look_at(spared).files <= files, for_what=f"no more than {files} open files", seconds=90)
    # A killed process' uploads are swept later, a folder's scratch files that were away with it when the broker starts.
    left = {
        "derivatives/scratch": record.last(Disturbance.CACHE),
        "pyramids/scratch": record.last(Disturbance.CACHE),
        "derivatives/trash": 0.0,
        "pyramids/trash": 0.0,
        "originals/incoming": record.last(Disturbance.SERVER),
    }
    for place, until in left.items():
        poll(lambda one=(place, until): not _younger(service.data / one[0], one[1] + 1), for_what=f"{place}: nothing")


def _younger(folder: Path, moment: float) -> list[Path]:
    found: list[Path] = []
    for path in folder.glob("*"):
        with suppress(FileNotFoundError):
            found += [path] if path.stat().st_mtime > moment else []
    return found


def _assert_all_is_there(service: Service, record: Record) -> None:
    """Every original is whole; those that nobody shows are known to the sweep."""
    verified = service.command("verify")
    assert (verified.returncode, verified.stdout) == (0, "")
    with closing(sqlite3.connect(service.data / "catalog.sqlite")) as catalog:
        shown = {row[0] for row in catalog.execute("SELECT digest FROM assets")}
        known = {
            row[0] for row in catalog.execute("SELECT digest FROM retired_originals UNION SELECT digest FROM files")
        }
    kept = {path.name for path in (service.data / "originals").glob("??/??/*")}
    print(f"{len(shown)} originals shown by {len(record.assets)} assets, {len(known)} to be swept, {len(kept)} kept")
    assert shown <= kept <= shown | known


def _names(service: Service) -> set[str]:
    """Of what lies in the folder of running processes."""
    return {str(path.relative_to(service.data)) for path in (service.data / "run").rglob("*")}


def _summary(record: Record, watch: Watch, seconds: float) -> list[str]:
    counts = ", ".join(f"{what} {count}" for what, count in sorted(record.counts.items()))
    held = ", ".join(f"{folder} {most} of {watch.budgets[folder]} bytes" for folder, most in watch.fullest.items())
    excused = f"what was excused came {record.longest_excuse:.1f} s after its cause at the latest"
    return [f"{seconds:g} s, {record.counts['stale']} stale: {counts}", f"{excused}; at most {held}", *watch.summary()]
