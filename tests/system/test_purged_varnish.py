"""Varnish in front, with `deploy/varnish.vcl`, told by the service itself what to drop."""

from pathlib import Path

from tests import originals
from tests.edges import counting, free_url, varnish
from tests.servers import TOKEN, poll, serving


def test_what_varnish_holds_is_dropped_when_it_is_no_longer_right(tmp_path: Path) -> None:
    """Deleted: 404 through it, though it would keep the picture. The other stays a hit until it is purged."""
    url = free_url()
    (tmp_path / "varnish").mkdir()
    with (
        serving(tmp_path / "data", workers=1, purge_hooks=f"varnish: {url}/") as service,
        varnish(service, tmp_path / "varnish", url=url) as edge,
    ):
        deleted, stays = service.add(originals.png(30, 20)), service.add(originals.png(31, 20))
        paths = [f"/images/{guid}.webp?width=10" for guid in (deleted, stays)]
        shown = [edge.get(path).content for path in paths]

        gone = service.client.delete(f"/struct/assets/{deleted}", headers={"Authorization": TOKEN})
        poll(lambda: edge.get(paths[0]).status_code == 404, for_what="varnish to be told")
        with counting(service, "images") as before:
            edge.get(paths[1])
        receipt = service.client.post("/purge", json={"assets": [stays]}, headers={"Authorization": f"Bearer {TOKEN}"})
        with counting(service, "images") as after:
            again = edge.get(paths[1])

    assert gone.status_code == 200
    assert receipt.json()["hooks"] == [{"hook": f"varnish {url}", "told": True}]
    assert (before, after) == ([0], [1])
    assert (again.status_code, again.content) == (200, shown[1])
