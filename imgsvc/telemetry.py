"""What is measured and logged: one place that names it.

Metrics of all processes are added up through files in one folder, so none of them is asked over a socket.
"""

import fcntl
import itertools
import logging
import os
import shutil
import sys
from bisect import bisect_left
from pathlib import Path

import structlog

from imgsvc.core.harm import Harm

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


_log = structlog.get_logger(__name__)


class Metrics:
    """Made once a process. prometheus-client looks at the environment when it is imported, so that is done late.

    Where the folder cannot take its files, the process counts for itself alone.
    """

    def __init__(self, folder: Path) -> None:
        slot: str | None = None
        try:
            slot = _take_slot(folder)
            os.environ[_FOLDER] = str(folder)
        except OSError as error:
            os.environ.pop(_FOLDER, None)
            _log.warning("metrics.not_shared", error=error.strerror)
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

        values.ValueClass = values.MutexValue if slot is None else values.MultiProcessValue(lambda: slot)
        self._folder = None if slot is None else str(folder)
        self._registry = registry = CollectorRegistry()

        self._requests = Counter(
            "imgsvc_requests", "Answers by route and status.", ["route", "status"], registry=registry
        )
        self._request_seconds = Histogram(
            "imgsvc_request_seconds",
            "From the request's head to the answer's end.",
            ["route"],
            registry=registry,
            buckets=_SECONDS,
        )
        self._renders = Counter("imgsvc_renders", "Renders by outcome.", ["outcome"], registry=registry)
        self._render_seconds = Histogram(
            "imgsvc_render_seconds", "Queueing and rendering.", registry=registry, buckets=_SECONDS
        )
        self._pyramids = Counter("imgsvc_pyramids", "Pyramids built, by outcome.", ["outcome"], registry=registry)
        self._pyramid_seconds = Histogram(
            "imgsvc_pyramid_seconds", "Queueing and building.", registry=registry, buckets=_SECONDS
        )
        self._set_aside = Counter(
            "imgsvc_quarantined", "Originals set aside, by what they did last.", ["harm"], registry=registry
        )
        self._hook_calls = Counter(
            "imgsvc_hook_calls",
            "Calls to caches in front, by kind and outcome.",
            ["hook", "outcome"],
            registry=registry,
        )
        self._cache_notices = Counter(
            "imgsvc_cache_notices",
            "What a cache has evicted, found damaged, or could not do.",
            ["cache", "notice"],
            registry=registry,
        )
        self._cache_bytes = Gauge(
            "imgsvc_cache_bytes",
            "Of all that a cache holds.",
            ["cache"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._answers: dict[tuple[str, int], _Answers] = {}

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Added up until `write_answers`: to write each to the file that others read costs a tenth of a hit."""
        answers = self._answers.get((route, status))
        if answers is None:
            answers = self._answers[route, status] = _Answers()
        answers.seconds += seconds
        answers.counts[bisect_left(_SECONDS, seconds)] += 1

    def write_answers(self) -> None:
        """From the thread that calls `answered`, at times and at the end."""
        written, self._answers = self._answers, {}
        for (route, status), answers in written.items():
            self._requests.labels(route, status).inc(sum(answers.counts))
            histogram = self._request_seconds.labels(route)
            # The library has no public way to observe many at once.
            total, buckets = histogram._sum, histogram._buckets  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            total.inc(answers.seconds)
            for bucket, count in zip(buckets, answers.counts, strict=True):
                bucket.inc(count)

    def rendered(self, outcome: str, seconds: float) -> None:
        """`seconds` with those spent queueing."""
        self._renders.labels(outcome).inc()
        self._render_seconds.observe(seconds)

    def pyramid_built(self, outcome: str, seconds: float) -> None:
        """`seconds` with those spent queueing."""
        self._pyramids.labels(outcome).inc()
        self._pyramid_seconds.observe(seconds)

    def hook_called(self, hook: str, outcome: str) -> None:
        self._hook_calls.labels(hook, outcome).inc()

    def cache_noticed(self, cache: str, notice: str, count: int) -> None:
        """`notice` is a `storage.shelf.Notice`."""
        self._cache_notices.labels(cache, notice).inc(count)

    def cache_measured(self, cache: str, length: int) -> None:
        self._cache_bytes.labels(cache).set(length)

    def set_aside(self, harm: Harm) -> None:
        self._set_aside.labels(harm).inc()

    def exposition(self) -> tuple[bytes, str]:
        """The text of all processes together, and its media type."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = self._registry
        if self._folder is not None:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, path=self._folder)
        return generate_latest(registry), CONTENT_TYPE_LATEST


_FILES = ("counter", "gauge_mostrecent", "histogram")
"""As prometheus-client calls them, one for each kind of metric that there is here."""

_FILE_LENGTH = 256 << 10
"""Bytes: room for some 1,500 numbers. Its files are written through memory, and a process that does so where the disk
has no room left is killed (SIGBUS, mmap(2)); so all that is needed is taken at the start.
"""


def _take_slot(folder: Path) -> str:
    """The name of files that no living process writes: who follows a dead one goes on in its. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for slot in map(str, itertools.count()):
        # Open as long as the process lives.
        lock = os.open(folder / f"{slot}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        try:
            for name in _FILES:
                _allocate(folder / f"{name}_{slot}.db")
        except OSError:
            os.close(lock)
            raise
        return slot
    raise AssertionError("numbers do not end")


def _allocate(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(_FILE_LENGTH - min(file.tell(), _FILE_LENGTH)))


_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class _Answers:
    """Of one route and status: how many took no longer than each of `_SECONDS`, and than none; all of them together."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(_SECONDS) + 1)
        self.seconds = 0.0


def wipe_metrics(folder: Path) -> None:
    """By whoever starts the service: files of processes long gone would pile up."""
    shutil.rmtree(folder, ignore_errors=True)


def silence_logs() -> None:
    """For commands, which tell themselves what went wrong."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def set_up_logs() -> None:
    """A line of JSON an event on standard error; for a terminal, a line that people read."""
    if sys.stderr.isatty():
        shown: list[structlog.typing.Processor] = [structlog.dev.ConsoleRenderer()]
    else:
        shown = [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
