"""All contenders by name; imgsvc, and those of our own that it is measured against, are prepared here."""

import os
import re
import sqlite3
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx

from benchmarks.contender import Contender, Setting, Unavailable
from benchmarks.jobs import Ask
from benchmarks.peers.installation import find_program
from benchmarks.peers.ipx import prepare_ipx
from benchmarks.peers.nginx import prepare_nginx, prepare_nginx_static, write_configuration
from benchmarks.peers.sharp import prepare_sharp
from benchmarks.peers.thumbor import prepare_thumbor, prepare_thumbor_simd
from benchmarks.processes import PROJECT
from benchmarks.stored import stored_folder, stored_name

_IMPORTED_WITHIN = 600.0
_ASSET_PATH = re.compile(r"/media/[a-z0-9]{8}/\S+")


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


def prepare_imgsvc_behind_nginx(setting: Setting) -> Contender:
    """By canonical URLs, with `deploy/nginx.conf` as operators have it. Raises Unavailable."""
    nginx = find_program("nginx")
    service = prepare_imgsvc(setting)
    # The ports of all contenders are found before they start, so one more is far from them.
    inner = 20_000 + setting.port % 10_000
    data = service.environment["IMGSVC_DATA"]
    site = (PROJECT / "deploy" / "nginx.conf").read_text()
    for written, meant in (
        ("listen 80;", f"listen 127.0.0.1:{setting.port};"),
        ("127.0.0.1:8080", f"127.0.0.1:{inner}"),
        ("/var/lib/imgsvc", data),
    ):
        site = site.replace(written, meant)
    configuration = write_configuration(setting, http=site)

    def target(name: str, ask: Ask) -> str:
        """Asks where the service redirects to."""
        path, _, query = service.target(name, ask).partition("?")
        with closing(sqlite3.connect(Path(data) / "catalog.sqlite")) as catalog:
            (guid,) = catalog.execute("SELECT id FROM assets WHERE slug = ?", (path.split("/")[2],)).fetchone()
        answer = httpx.get(f"http://127.0.0.1:{setting.port}/images/{guid}?{query}")
        return urllib.parse.urlsplit(answer.headers["location"]).path

    return replace(
        service,
        name="imgsvc-nginx",
        command=(
            sys.executable,
            "-m",
            "benchmarks.peers.behind_nginx",
            service.command[0],
            nginx,
            str(configuration),
        ),
        environment={**service.environment, "IMGSVC_PORT": str(inner)},
        target=target,
    )


def prepare_imgsvc_disk(setting: Setting) -> Contender:
    """Keeps nothing in memory but heads. Raises Unavailable."""
    contender = prepare_imgsvc(setting)
    environment = {**contender.environment, "IMGSVC_MEMORY_BYTES": "0"}
    return replace(contender, name="imgsvc disk", environment=environment)


def prepare_plain(setting: Setting) -> Contender:
    """Renders every time, or only what it did not keep."""
    arguments = [str(setting.originals[0].parent), str(setting.port)]
    if setting.keep_results:
        results = setting.scratch / "results"
        results.mkdir()
        arguments.append(str(results))

    def target(name: str, ask: Ask) -> str:
        return f"/{name}?width={ask.width}&format={ask.extension}&quality={ask.quality}"

    return Contender(
        name="plain",
        command=(sys.executable, "-m", "benchmarks.peers.plain", *arguments),
        ready_path="/ready",
        target=target,
        setting=setting,
    )


def prepare_raw_file(setting: Setting) -> Contender:
    return _prepare_raw("file", setting)


def prepare_raw_memory(setting: Setting) -> Contender:
    return _prepare_raw("memory", setting)


CONTENDERS: Mapping[str, Callable[[Setting], Contender]] = {
    "imgsvc": prepare_imgsvc,
    "imgsvc disk": prepare_imgsvc_disk,
    "imgsvc-nginx": prepare_imgsvc_behind_nginx,
    "plain": prepare_plain,
    "thumbor": prepare_thumbor,
    "thumbor-simd": prepare_thumbor_simd,
    "sharp": prepare_sharp,
    "ipx": prepare_ipx,
    "nginx": prepare_nginx,
    "raw file": prepare_raw_file,
    "raw memory": prepare_raw_memory,
    "nginx static": prepare_nginx_static,
}


def _prepare_raw(source: str, setting: Setting) -> Contender:
    folder = stored_folder(setting.scratch)
    return Contender(
        name=f"raw {source}",
        command=(sys.executable, "-m", "benchmarks.peers.raw", source, str(folder), str(setting.port)),
        ready_path="/ready",
        target=_stored_target,
        setting=setting,
    )


def _stored_target(name: str, ask: Ask) -> str:
    """As long as ours: a request line costs what it costs."""
    return f"/media/00000000/{stored_name(ask)}?maxWidth={ask.width}&format={ask.extension}&quality={ask.quality}"


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
