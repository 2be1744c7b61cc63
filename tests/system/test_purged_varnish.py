"""A real Varnish in front: what it holds is dropped by the change of an asset, and by tags."""

import shutil
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests import originals
from tests.servers import TOKEN, Service, poll, serving

VCL = r"""
vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "%d"; }
sub vcl_recv {
    if (req.method == "PURGE") {
        ban("obj.http.Surrogate-Key ~ (^|\s)(" + regsuball(req.http.Surrogate-Key, " ", "|") + ")(\s|$)");
        return (synth(200));
    }
}
sub vcl_backend_response {
    set beresp.ttl = 1h;
    set beresp.http.Surrogate-Key = "asset-" + regsub(bereq.url, "^/images/([0-9a-f-]{36}).*$", "\1") + " folder-root";
}
sub vcl_deliver { set resp.http.X-Hits = obj.hits; }
"""

pytestmark = pytest.mark.skipif(
    shutil.which("varnishd") is None or shutil.which("cc") is None,
    reason="varnish and a compiler for its configuration are not installed (apt-get install varnish)",
)


@contextmanager
def _fronting(folder: Path, port: int, service: Service) -> Generator[httpx.Client]:
    folder.mkdir()
    (folder / "front.vcl").write_text(VCL % (urlsplit(service.url).port or 0))
    command = ["varnishd", "-F", "-a", f"127.0.0.1:{port}", "-f", str(folder / "front.vcl"), "-n", str(folder / "work")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "-j", "none", "-s", "malloc,16m"], stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
            poll(lambda: _is_up(client), for_what="varnish")
            yield client
    finally:
        process.terminate()
        process.wait(30)
        print((folder / "log").read_text())


def _is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_what_varnish_holds_is_dropped_when_it_is_no_longer_right(tmp_path: Path) -> None:
    """Deleted: 404 through it, though it would keep the picture for an hour. The other stays a hit until a purge."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    hooks = f"varnish: http://127.0.0.1:{port}/"
    with (
        serving(tmp_path / "data", workers=1, purge_hooks=hooks) as service,
        _fronting(tmp_path / "varnish", port, service) as front,
    ):
        deleted, stays = service.add(originals.png(30, 20)), service.add(originals.png(31, 20))
        paths = [f"/images/{guid}.webp?width=10" for guid in (deleted, stays)]
        for path in (*paths, *paths):
            assert front.get(path).status_code == 200

        gone = service.client.delete(f"/struct/assets/{deleted}", headers={"Authorization": TOKEN})
        poll(lambda: front.get(paths[0]).status_code == 404, for_what="varnish to be told")
        hit = front.get(paths[1])
        receipt = service.client.post("/purge", json={"assets": [stays]}, headers={"Authorization": f"Bearer {TOKEN}"})
        miss = front.get(paths[1])

    assert gone.status_code == 200
    assert (hit.status_code, int(hit.headers["x-hits"])) == (200, 2)
    assert receipt.json()["hooks"] == [{"hook": f"varnish http://127.0.0.1:{port}", "told": True}]
    assert (miss.status_code, miss.headers["x-hits"], miss.content) == (200, "0", hit.content)
