"""nginx and Varnish in front of a service: the files of `deploy/` with nothing but their places and ports changed."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.servers import Service, poll

DEPLOY = Path(__file__).parents[1] / "deploy"

_START_SECONDS = 30.0
_ANSWER_SECONDS = 60.0
_OPTIONAL = "#cache "


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A running one. `client` follows no redirects."""

    url: str
    client: httpx.Client

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Header names with `_` for `-`."""
        return self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


@contextmanager
def nginx(service: Service, folder: Path, *, data: Path | None = None, keeps: bool = False) -> Generator[Edge]:
    """In front of `service`. `data`: where it takes the service's folder to be. `keeps`: with its own cache."""
    program = find_program("nginx", package="nginx-light")
    url = free_url()
    site = _changed(
        (DEPLOY / "nginx.conf").read_text(),
        {
            "listen 80;": f"listen {_address(url)};",
            "127.0.0.1:8080": _address(service.url),
            "/var/lib/imgsvc": str(data or service.data),
            "/var/cache/nginx/imgsvc": str(folder / "cache"),
        },
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(_NGINX.format(folder=folder, user="user root;" if os.geteuid() == 0 else ""))
    (folder / "site.conf").write_text(site.replace(_OPTIONAL, "") if keeps else site)
    command = (program, "-p", str(folder), "-e", "stderr", "-c", str(configuration))
    with _running(command, url=url, log=folder / "nginx.log") as edge:
        yield edge


@contextmanager
def varnish(service: Service, folder: Path, *, url: str | None = None) -> Generator[Edge]:
    """At `url`, where that had to be known before."""
    program = find_program("varnishd", package="varnish")
    url, backend = url or free_url(), urlsplit(service.url)
    configuration = folder / "imgsvc.vcl"
    configuration.write_text(
        _changed(
            (DEPLOY / "varnish.vcl").read_text(),
            {
                '.host = "127.0.0.1";': f'.host = "{backend.hostname}";',
                '.port = "8080";': f'.port = "{backend.port}";',
            },
        )
    )
    places = ("-a", _address(url), "-n", str(folder / "work"), "-f", str(configuration), "-s", "malloc,64M")
    command = (program, "-F", "-T", "none", "-j", "none", *places)
    with _running(command, url=url, log=folder / "varnish.log") as edge:
        yield edge


def find_program(name: str, *, package: str) -> str:
    """Its path. A bare Debian has none; `.ci/run` installs it."""
    # Programs of the system are not always in a user's path.
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed (apt-get install {package})")
    return found


@contextmanager
def halted(service: Service) -> Generator[None]:
    """Nobody answers there: connections are taken by the kernel, and wait."""
    pids = service.servers()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def counting(service: Service, route: str) -> Generator[list[int]]:
    """How many requests of that route the service answered, once the block has ended."""
    counted: list[int] = []
    before = service.metric("imgsvc_requests_total", route=route)
    yield counted
    counted.append(int(service.metric("imgsvc_requests_total", route=route) - before))


_NGINX = """
{user}
daemon off;
pid {folder}/nginx.pid;
worker_processes 1;
pcre_jit on;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def _changed(text: str, places: Mapping[str, str]) -> str:
    for written, meant in places.items():
        assert written in text, f"{written} is not in the file any more"
        text = text.replace(written, meant)
    return text


def free_url() -> str:
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


def _address(url: str) -> str:
    return urlsplit(url).netloc


@contextmanager
def _running(command: Sequence[str], *, url: str, log: Path) -> Generator[Edge]:
    with log.open("wb") as written:
        process = subprocess.Popen(command, stdout=written, stderr=subprocess.STDOUT)
    limits = httpx.Limits(max_connections=None)
    try:
        with httpx.Client(base_url=url, timeout=_ANSWER_SECONDS, trust_env=False, limits=limits) as client:
            edge = Edge(url=url, client=client)
            poll(lambda: _answers(edge, process, log), for_what=f"{command[0]} to answer", seconds=_START_SECONDS)
            yield edge
    finally:
        process.terminate()
        try:
            process.wait(_ANSWER_SECONDS)
        finally:
            process.kill()
            process.wait()
            print(log.read_text(errors="replace"))


def _answers(edge: Edge, process: subprocess.Popen[bytes], log: Path) -> bool:
    if process.poll() is not None:
        raise AssertionError(f"it ended with {process.returncode}:\n{log.read_text(errors='replace')}")
    with suppress(httpx.TransportError):
        return edge.get("/healthz").status_code == 200
    return False
