"""The image servers compared: how each is prepared and started, and how it is asked for a rendition."""

import os
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.jobs import HITS, Ask
from benchmarks.peers.plain import render
from benchmarks.peers.thumbor import ThumborMissing, install_thumbor, write_configuration
from benchmarks.processes import PROJECT, Server

_IMPORTED_WITHIN = 600.0
_ASSET_PATH = re.compile(r"/media/[a-z0-9]{8}/\S+")


class Unavailable(Exception):
    """This contender cannot take part; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a contender works with: originals in one folder, a scratch folder of its own, a free port."""

    originals: Sequence[Path]
    scratch: Path
    port: int
    render_processes: int = 2
    keep_results: bool = False
    thumbor_venv: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A server ready to be started. `target` spells the path and query of a rendition of the original of that name."""

    name: str
    command: Sequence[str]
    ready_path: str
    target: Callable[[str, Ask], str]
    setting: Setting
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.setting.port}"

    def server(self, *, core: int | None = None) -> Server:
        return Server(
            self.command,
            environment=self.environment,
            ready_url=self.origin + self.ready_path,
            log=self.setting.scratch / "server.log",
            core=core,
        )


def prepare_imgsvc(setting: Setting) -> Contender:
    """Takes the originals in. Raises Unavailable."""
    program = Path(sys.executable).with_name("imgsvc")
    environment = {
        "IMGSVC_DATA": str(setting.scratch / "data"),
        "IMGSVC_HOST": "127.0.0.1",
        "IMGSVC_PORT": str(setting.port),
        "IMGSVC_WORKERS": "1",
        "IMGSVC_RENDER_WORKERS": str(setting.render_processes),
    }
    paths = _import_originals(program, setting, environment)

    def target(name: str, ask: Ask) -> str:
        query = {"maxWidth": ask.width, "format": ask.extension}
        if ask.extension != "png":
            query["quality"] = ask.quality
        if ask.extension == "jpg" and name.endswith(".png"):
            query["bgcolor"] = "ffffff"
        return f"{paths[name]}?{urllib.parse.urlencode(query)}"

    return Contender(
        name="imgsvc",
        command=(str(program), "serve"),
        environment=environment,
        ready_path="/readyz",
        target=target,
        setting=setting,
    )


def prepare_plain(setting: Setting) -> Contender:
    folder = setting.originals[0].parent

    def target(name: str, ask: Ask) -> str:
        return f"/{name}?width={ask.width}&format={ask.extension}&quality={ask.quality}"

    return Contender(
        name="plain",
        command=(sys.executable, "-m", "benchmarks.peers.plain", str(folder), str(setting.port)),
        ready_path="/ready",
        target=target,
        setting=setting,
    )


def prepare_raw_file(setting: Setting) -> Contender:
    return _prepare_raw("file", setting)


def prepare_raw_memory(setting: Setting) -> Contender:
    return _prepare_raw("memory", setting)


def prepare_thumbor(setting: Setting) -> Contender:
    """Raises Unavailable."""
    try:
        program = install_thumbor(setting.thumbor_venv)
    except ThumborMissing as error:
        raise Unavailable(str(error)) from error
    configuration = setting.scratch / "thumbor.conf"
    results = setting.scratch / "results" if setting.keep_results else None
    write_configuration(
        configuration, originals=setting.originals[0].parent, results=results, threads=setting.render_processes
    )

    def target(name: str, ask: Ask) -> str:
        filters = [f"format({'jpeg' if ask.extension == 'jpg' else ask.extension})"]
        if ask.extension != "png":
            filters.append(f"quality({ask.quality})")
        if ask.extension == "jpg" and name.endswith(".png"):
            filters.insert(0, "background_color(white)")
        return f"/unsafe/{ask.width}x0/filters:{':'.join(filters)}/{name}"

    return Contender(
        name="thumbor",
        command=(
            *(str(program), "--ip", "127.0.0.1", "--port", str(setting.port)),
            *("--conf", str(configuration), "--log-level", "error"),
        ),
        ready_path="/healthcheck",
        target=target,
        setting=setting,
    )


CONTENDERS: Mapping[str, Callable[[Setting], Contender]] = {
    "imgsvc": prepare_imgsvc,
    "plain": prepare_plain,
    "thumbor": prepare_thumbor,
    "raw file": prepare_raw_file,
    "raw memory": prepare_raw_memory,
}


def _prepare_raw(source: str, setting: Setting) -> Contender:
    """Renders the hits beforehand."""
    folder = setting.scratch / "files"
    folder.mkdir()
    for ask in HITS.values():
        body = render(setting.originals[0], width=ask.width, extension=ask.extension, quality=ask.quality)
        (folder / f"{ask.width}.{ask.extension}").write_bytes(body)

    def target(name: str, ask: Ask) -> str:
        return f"/{ask.width}.{ask.extension}"

    return Contender(
        name=f"raw {source}",
        command=(sys.executable, "-m", "benchmarks.peers.raw", source, str(folder), str(setting.port)),
        ready_path=target("", next(iter(HITS.values()))),
        target=target,
        setting=setting,
    )


def _import_originals(program: Path, setting: Setting, environment: Mapping[str, str]) -> dict[str, str]:
    """URL paths by file name."""
    command = (str(program), "import", *map(str, setting.originals))
    try:
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
            text=True,
            timeout=_IMPORTED_WITHIN,
        )
    except FileNotFoundError as error:
        raise Unavailable("the program imgsvc is not installed beside this Python") from error
    except subprocess.CalledProcessError as error:
        last_line = error.stderr.strip().rpartition("\n")[2]
        raise Unavailable(f"import failed: {last_line}") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"import took longer than {_IMPORTED_WITHIN:.0f} s") from error
    paths = {path.rpartition("/")[2]: path for path in _ASSET_PATH.findall(done.stdout)}
    if missing := [path.name for path in setting.originals if path.name not in paths]:
        raise Unavailable(f"import printed no URL for {missing[0]} and {len(missing) - 1} more")
    return paths
