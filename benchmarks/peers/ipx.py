"""ipx from npm, started by its own command on a folder."""

from benchmarks.contender import Contender, Setting
from benchmarks.jobs import Ask
from benchmarks.peers.installation import install_node_package

_VERSION = "3.1.1"


def prepare_ipx(setting: Setting) -> Contender:
    """Raises Unavailable."""
    packages = setting.cache / "ipx"
    node = install_node_package(packages, name="ipx", version=_VERSION)
    folder = str(setting.originals[0].parent)
    return Contender(
        name="ipx",
        command=(
            *(node, str(packages / "node_modules" / "ipx" / "bin" / "ipx.mjs"), "serve", "--dir", folder),
            *("--host", "127.0.0.1", "--port", str(setting.port), "--no-clipboard"),
        ),
        environment={"UV_THREADPOOL_SIZE": str(setting.render_processes), "NODE_ENV": "production"},
        ready_path="/ready",  # answered 400, which is an answer
        target=_target,
        setting=setting,
    )


def _target(name: str, ask: Ask) -> str:
    modifiers = [f"w_{ask.width}", f"f_{'jpeg' if ask.extension == 'jpg' else ask.extension}"]
    if ask.extension != "png":  # a quality would make a palette of it
        modifiers.append(f"q_{ask.quality}")
    if ask.extension == "jpg" and name.endswith(".png"):
        modifiers += ["b_ffffff", "flatten"]
    return f"/{','.join(modifiers)}/{name}"
