"""sharp from npm behind a small server of our own (`sharp.mjs`), one process, everything at its defaults."""

from pathlib import Path

from benchmarks.contender import Contender, Setting
from benchmarks.jobs import Ask
from benchmarks.peers.installation import install_node_package

_VERSION = "0.35.5"


def prepare_sharp(setting: Setting) -> Contender:
    """Raises Unavailable."""
    packages = setting.cache / "sharp"
    node = install_node_package(packages, name="sharp", version=_VERSION)
    program = Path(__file__).with_name("sharp.mjs")
    return Contender(
        name="sharp",
        command=(node, str(program), str(packages), str(setting.originals[0].parent), str(setting.port)),
        # sharp renders in libuv's threads, with one thread of libvips in each where memory is glibc's.
        environment={"UV_THREADPOOL_SIZE": str(setting.render_processes)},
        ready_path="/ready",
        target=_target,
        setting=setting,
    )


def _target(name: str, ask: Ask) -> str:
    return f"/{name}?width={ask.width}&format={ask.extension}&quality={ask.quality}"
