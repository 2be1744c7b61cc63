"""A child process that decodes, steps and encodes: one job at a time, killable at any moment.

It reads jobs from standard input and answers on standard output, which is moved away first so that a library's print
cannot break the frames. What it writes is a scratch file; nothing is lost with it.
"""

import contextlib
import logging
import os
import resource
import sys
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import msgspec

from imgsvc.core.errors import ImgsvcError, OriginalLost, RenderCrashed, StoreFailure
from imgsvc.core.geometry import Size
from imgsvc.core.pyramid import levels_of
from imgsvc.render.encode import encode, stripped_original
from imgsvc.render.load import Decoded, LevelDamaged, load_frames, load_level
from imgsvc.render.messages import (
    LENGTH,
    READY,
    Build,
    Built,
    Failed,
    Job,
    LevelLost,
    Probe,
    Probed,
    Render,
    Rendered,
    RenderSiblings,
    Result,
    Written,
    failed_from_error,
    frame,
)
from imgsvc.render.probe import probe
from imgsvc.render.process import die_with_parent
from imgsvc.render.pyramid import build_pyramid
from imgsvc.render.steps import PIPELINE
from imgsvc.render.vips import decoding, set_up_vips
from imgsvc.render.worker_settings import WorkerSettings

T = TypeVar("T")

_log = logging.getLogger(__name__)

_NICENESS = 10
"""Whoever answers from the cache gets a core at once, however many renders keep all of them busy."""


def main() -> None:
    die_with_parent(int(sys.argv[1]))
    settings = msgspec.json.decode(sys.argv[2], type=WorkerSettings)
    answers = os.dup(1)
    os.dup2(2, 1)
    os.nice(_NICENESS)
    set_up_vips(avif_input=settings.avif_input)
    cv2.setNumThreads(1)
    if settings.memory:
        resource.setrlimit(resource.RLIMIT_AS, (settings.memory, settings.memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    decoder = msgspec.msgpack.Decoder(Job)
    with open(0, "rb", buffering=0, closefd=False) as jobs, open(answers, "wb", buffering=0) as out:
        out.write(READY)
        while head := jobs.read(LENGTH.size):
            (length,) = LENGTH.unpack(head)
            body = b""
            while len(body) < length:
                body += jobs.read(length - len(body))
            out.write(frame(do(decoder.decode(body))))


def do(job: Job) -> Result:
    match job:
        case Probe():
            return _caught(job.path, lambda: Probed(info=probe(Path(job.path), job.source, job.limits)))
        case Render():
            return _caught(job.path, lambda: render(job, Decoded()))
        case RenderSiblings():
            decoded = Decoded()
            return Rendered(results=[_caught(one.path, partial(render, one, decoded)) for one in job.renders])
        case Build():
            return _caught(job.path, lambda: build(job))


def render(job: Render, decoded: Decoded) -> Written | LevelLost:
    """Raises StoreFailure, pyvips.Error and what `load` and `encode` raise."""
    plan, path = job.plan, Path(job.path)
    data = stripped_original(path, plan)
    if data is None:
        try:
            if job.level is None:
                frames = load_frames(path, plan, decoded)
            else:
                frames = [load_level(job.level, plan, job.info.size, decoded)]
        except LevelDamaged:
            return LevelLost()
        for step in PIPELINE:
            frames = [step(image, plan) for image in frames]
        data = encode(frames, plan, path)
    try:
        return _write(data, job.output, plan.result, durably=True)
    except StoreFailure:
        if job.spare is None:
            raise
        return msgspec.structs.replace(_write(data, job.spare, plan.result), spare=True)


def build(job: Build) -> Built:
    """Raises StoreFailure, pyvips.Error and what `build_pyramid` raises."""
    levels = zip(levels_of(job.info), build_pyramid(Path(job.path), job.info), job.outputs, strict=True)
    return Built(levels=[_write(data, output, level.size) for level, data, output in levels])


def _caught(original: str, work: Callable[[], T]) -> T | Failed:
    """Whoever decodes what cannot be read takes it for damaged; where its file is gone, that is told instead."""
    try:
        with decoding():
            return work()
    except MemoryError:
        return failed_from_error(RenderCrashed("Rendering needs more memory than is allowed here."))
    except Exception as error:
        if not _can_be_read(original):
            return failed_from_error(OriginalLost("The original cannot be read at the moment."))
        if isinstance(error, ImgsvcError):
            return failed_from_error(error)
        _log.exception("a job failed in a way that was not foreseen")
        return failed_from_error(RenderCrashed("Rendering failed."))


def _can_be_read(path: str) -> bool:
    """Waits for nobody who has yet to write to it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.read(descriptor, 1)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _write(data: bytes, output: str, size: Size, *, durably: bool = False) -> Written:
    """`durably`: on the disk when this returns, as what a web server sends unseen must be before it has its name.

    Without that a loss of power leaves files of full length or none, empty ones, under names that were given already.
    What could be written of it goes where that is not all: its place may be needed. Raises StoreFailure.
    """
    try:
        with Path(output).open("wb") as file:
            file.write(data)
            if durably:
                file.flush()
                os.fdatasync(file.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(output).unlink(missing_ok=True)
        raise StoreFailure("The rendition could not be stored.") from error
    return Written(length=len(data), crc32=zlib.crc32(data), size=size)


if __name__ == "__main__":
    main()
