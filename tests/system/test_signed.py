"""Signed picture URLs over HTTP: every face, every API's URLs, redirects, expiry, and what README shows."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests import originals
from tests.originals import decode
from tests.servers import TOKEN, Service, poll, run_command, serving

README = (Path(__file__).parents[2] / "README.md").read_text()
SECRET, OLD_SECRET = "a long secret", "an older one"
KEYS = f"2026b: {SECRET}; 2026a: {OLD_SECRET}"
NAME = "Red Shirt é.jpg"
ORIGINAL = originals.jpeg(1200, 800)
_FINAL = {"pyramid_bytes": "0"}
"""No rendition stands in for another."""
_FAR = 9_999_999_999
"""A Unix time that no test will see."""

Sign = Callable[..., str]


def _readme_code(language: str) -> str:
    section = README.partition("## Sign URLs")[2]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def _readme_sign() -> Sign:
    """The function that README shows to Python's readers."""
    names: dict[str, Any] = {}
    exec(compile(_readme_code("python"), "README.md", "exec"), names)
    return names["sign"]


sign = _readme_sign()


def query_of(path: str, *, secret: str = SECRET, form: str = "exact", **words: object) -> str:
    """`path` unencoded; signed as a shop's backend does it."""
    return sign(path, words, secret, form)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    data = tmp_path_factory.mktemp("signed") / "data"
    settings = {"signing_keys": KEYS, "presets": "hero: width=600&height=200&mode=crop", "ladder": "160,320,640"}
    with serving(data, workers=1, **_FINAL, signatures="required", off_ladder="refuse", **settings) as service:
        yield service


@pytest.fixture(scope="module")
def guid(shop: Service) -> str:
    return shop.add(ORIGINAL, NAME)


@pytest.fixture(scope="module")
def banner(shop: Service) -> str:
    return shop.add(originals.png(1600, 100), "banner.png")


def api(service: Service, path: str, **headers: str) -> Any:
    answer = service.get(path, Authorization=f"Bearer {TOKEN}", **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def size(answer: httpx.Response) -> tuple[int, int]:
    assert answer.status_code == 200, answer.text
    image = decode(answer.content)
    return image.width, image.height


def refused(answer: httpx.Response) -> str:
    """Its sentence."""
    assert (answer.status_code, answer.headers["cache-control"]) == (403, "no-store")
    detail = answer.json()["detail"]
    assert isinstance(detail, str)
    return detail


class TestFaces:
    @pytest.fixture
    def paths(self, shop: Service, guid: str) -> dict[str, str]:
        """A picture URL of each kind, without a query."""
        return {
            "media": shop.media_path(guid),
            "image": f"/images/{guid}.webp",
            "preview": f"/images/{guid}/preview/300/300",
            "preset": f"/cdn/default/{guid}/hero/any name é.webp",
            "original": f"/cdn/default/{guid}/original/{NAME}",
        }

    @pytest.mark.parametrize("kind", ["media", "image", "preview", "preset", "original"])
    def test_a_picture_needs_a_signature(self, shop: Service, paths: dict[str, str], kind: str) -> None:
        """Originals, too; by any of the keys, named or not."""
        path = paths[kind]

        assert refused(shop.get(path)) == "Pictures need a signature here."
        assert shop.get(query_of(path)).status_code == 200
        assert shop.get(query_of(path, kid="2026b")).status_code == 200
        assert shop.get(query_of(path, secret=OLD_SECRET, kid="2026a")).status_code == 200
        assert shop.get(query_of(path, secret="nobody's")).status_code == 403
        assert shop.get(query_of(path, kid="2026a")).status_code == 403

    @pytest.mark.parametrize("kind", ["media", "image", "preset", "original"])
    def test_it_may_be_saved_only_where_that_was_signed(self, shop: Service, paths: dict[str, str], kind: str) -> None:
        url = query_of(paths[kind], download="true")

        assert "attachment" in shop.get(url).headers["content-disposition"]
        assert shop.get(url.replace("download=true", "download=false")).status_code == 403

    def test_a_signature_is_of_one_picture(self, shop: Service, paths: dict[str, str]) -> None:
        _, _, query = query_of(paths["media"]).partition("?")

        assert shop.get(f"{paths['media']}?{query}").status_code == 200
        for kind in ("image", "preview", "preset", "original"):
            assert shop.get(f"{paths[kind]}?{query}").status_code == 403

    def test_spelling_does_not_matter(self, shop: Service, paths: dict[str, str]) -> None:
        """Order, names in any case, what nobody knows, and what caches are told by."""
        url = query_of(paths["media"], maxWidth=300, mode="max", kid="2026b")
        path, _, query = url.partition("?")
        turned = "&".join(reversed(query.split("&"))).replace("maxWidth", "MAXWIDTH").replace("kid", "Kid")

        assert size(shop.get(f"{path}?utm_source=mail&v=3&{turned}")) == (300, 200)

    def test_nobody_learns_whether_there_is_a_picture(self, shop: Service) -> None:
        """What nobody signed is refused before it is looked up."""
        assert shop.get("/media/aaaaaaaa/x.jpg").status_code == 403
        assert shop.get(query_of("/media/aaaaaaaa/x.jpg")).status_code == 404


class TestExpiry:
    def test_it_is_kept_for_no_longer(self, shop: Service, guid: str) -> None:
        """And not as what never changes, though `v` says that it does not."""
        answer = shop.get(query_of(shop.media_path(guid), width=160, expires=int(time.time()) + 100) + "&v=1")

        seconds = re.fullmatch(r"public, max-age=(\d+), must-revalidate", answer.headers["cache-control"])
        assert seconds is not None
        assert 0 < int(seconds[1]) <= 100

    def test_after_it_the_answer_is_403(self, shop: Service, guid: str) -> None:
        """Also to who has asked before and to who has the tag."""
        path = shop.media_path(guid)
        url = query_of(path, width=320, expires=int(time.time()) + 2)
        first = shop.get(url)
        assert first.status_code == 200

        poll(lambda: shop.get(url).status_code == 403, for_what="the URL to expire", seconds=10)

        assert refused(shop.get(url)) == "The URL has expired."
        assert shop.get(url, If_None_Match=first.headers["etag"]).status_code == 403
        assert refused(shop.get(query_of(path, secret="nobody's", expires=1))) == "The URL's signature is not right."

    def test_a_redirect_leads_to_what_holds_as_long(self, shop: Service, guid: str) -> None:
        expires = int(time.time()) + 100
        answer = shop.get(query_of(f"/images/{guid}", width=160, format="webp", expires=expires))

        location = urlsplit(answer.headers["location"])
        picture = shop.get(f"{location.path}?{location.query}")
        longer = location.query.replace(str(expires), str(expires + 1))
        assert answer.status_code == 303
        assert answer.headers["cache-control"].endswith("must-revalidate")
        assert f"expires={expires}&" in location.query
        assert size(picture) == (160, 107)
        assert "immutable" not in picture.headers["cache-control"]
        assert refused(shop.get(f"{location.path}?{longer}")) == "The URL's signature is not right."


class TestCanonical:
    def redirect(self, shop: Service, url: str) -> str:
        """Path and query of where it leads."""
        answer = shop.get(url)
        assert answer.status_code == 303, answer.text
        location = urlsplit(answer.headers["location"])
        return f"{location.path}?{location.query}"

    def test_it_is_signed_and_holds_for_ever(self, shop: Service, guid: str) -> None:
        canonical = self.redirect(shop, query_of(f"/images/{guid}", width=160))

        answer = shop.get(canonical)

        assert size(answer) == (160, 107)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert shop.get(canonical.partition("?")[0]).status_code == 403

    def test_the_way_to_an_original_is_signed(self, shop: Service, guid: str) -> None:
        url = self.redirect(shop, query_of(f"/images/{guid}", download="true"))

        answer = shop.get(url)

        assert answer.content == ORIGINAL
        assert "attachment" in answer.headers["content-disposition"]

    def test_a_guessed_key_leads_nowhere(self, shop: Service, guid: str) -> None:
        """Else whoever can write a transform would be redirected to its picture."""
        assert shop.get(f"/images/{guid}/width=160,format=webp/{'0' * 32}/x.webp").status_code == 403

    def test_an_outdated_one_leads_on(self, shop: Service) -> None:
        """To the same of the new original, signed."""
        guid = shop.add(originals.png(400, 200), "old.png")
        canonical = self.redirect(shop, query_of(f"/images/{guid}", width=160))
        assert size(shop.get(canonical)) == (160, 80)
        serial = api(shop, f"/struct/assets/{guid}")["Id"]

        replaced = shop.client.put(
            f"/struct/assets/{serial}/data",
            files={"uploadedFile": ("new.png", originals.png(400, 400))},
            headers={"Authorization": TOKEN},
        )

        assert replaced.status_code == 200, replaced.text
        assert size(shop.get(self.redirect(shop, canonical))) == (160, 160)


class TestApis:
    """A client that follows what it was told is answered."""

    def follow(self, shop: Service, url: str) -> httpx.Response:
        assert url.startswith(shop.url)
        return shop.get(url.removeprefix(shop.url))

    def test_struct(self, shop: Service, guid: str) -> None:
        answer = self.follow(shop, api(shop, f"/struct/assets/{guid}")["Url"])

        assert answer.content == ORIGINAL

    def test_qooly(self, shop: Service, guid: str) -> None:
        serial = api(shop, f"/struct/assets/{guid}")["Id"]

        assert self.follow(shop, api(shop, f"/qooly/v1/assets/{serial}")["url"]).content == ORIGINAL

    def test_quable(self, shop: Service, guid: str) -> None:
        """The operator's presets, too."""
        asset = api(shop, f"/quable/api/assets/{guid}")

        assert self.follow(shop, asset["url"]).content == ORIGINAL
        assert size(self.follow(shop, asset["thumbnailUrl"])) == (320, 213)
        assert size(self.follow(shop, asset["previewUrl"])) == (1200, 800)
        assert size(self.follow(shop, asset["thumbnails"]["hero"])) == (600, 200)

    def test_iqmetrix(self, shop: Service, guid: str) -> None:
        """At the upload and later."""
        created = shop.upload(originals.png(30, 20)).json()["href"]

        assert size(self.follow(shop, created)) == (30, 20)
        assert self.follow(shop, api(shop, f"/iqmetrix/assets/{guid}")["href"]).content == ORIGINAL

    def test_iqmetrix_without_a_token(self, shop: Service, guid: str) -> None:
        """Whoever has a GUID may look it up; a signature is no stranger's."""
        href = shop.get(f"/iqmetrix/assets/{guid}").json()["href"]

        assert href == f"{shop.url}/images/{guid}.jpg"
        assert self.follow(shop, href).status_code == 403

    def test_links_to_downloads(self, shop: Service, guid: str) -> None:
        """By the same keys, with the id of the one that signed."""
        serial = api(shop, f"/struct/assets/{guid}")["Id"]
        made = shop.client.post(
            "/struct/assets/batch/data/link", content=json.dumps([serial]), headers={"Authorization": TOKEN}
        )
        url = made.json()["Url"]

        assert "&kid=2026b&" in url
        assert self.follow(shop, url).content[:2] == b"PK"
        assert self.follow(shop, url.replace("kid=2026b", "kid=2026a")).status_code == 403
        assert self.follow(shop, url.replace("kid=2026b&", "")).status_code == 200


class TestFloating:
    def test_one_signature_makes_a_srcset(self, shop: Service, guid: str) -> None:
        """Of every width of the ladder and every density that comes to one, in the shape that was signed."""
        path = shop.media_path(guid)
        base = query_of(path, form="floating", mode="crop", heightratio="0.5", format="webp")

        sizes = {
            query: size(shop.get(f"{base}&{query}"))
            for query in ("width=160", "width=320", "width=640", "width=320&dpr=2", "width=80&DPR=4")
        }

        assert sizes == {
            "width=160": (160, 80),
            "width=320": (320, 160),
            "width=640": (640, 320),
            "width=320&dpr=2": (640, 320),
            "width=80&DPR=4": (320, 160),
        }

    def test_off_the_ladder_it_tells_the_ladder(self, shop: Service, guid: str) -> None:
        base = query_of(shop.media_path(guid), form="floating")

        assert "160, 320, 640" in refused(shop.get(f"{base}&width=161"))
        assert refused(shop.get(f"{base}&width=160&format=png")) == "The URL's signature is not right."

    @pytest.mark.parametrize("words", [{}, {"upscale": "false"}])
    @pytest.mark.parametrize("query", ["", "utm=1", "width=640&height=10240", "width=160&height=2560"])
    def test_no_original_can_be_had_by_it(self, shop: Service, guid: str, query: str, words: dict[str, str]) -> None:
        """Without a size, or where the box is so tall that the picture is not resized."""
        base = query_of(shop.media_path(guid), form="floating", **words)

        assert size(shop.get(f"{base}&{query}"))[0] <= 640

    @pytest.mark.parametrize(
        ("words", "query", "shown"),
        [
            ({}, "maxheight=640", (640, 40)),
            ({"bgcolor": "fff"}, "maxheight=640", (640, 40)),
            ({"bgcolor": "fff"}, "maxheight=160", (640, 40)),
            ({"crop": "0,0,800,50"}, "maxheight=160", (640, 40)),
            ({"mode": "min"}, "width=640&height=640", (640, 40)),
            ({"mode": "min"}, "width=160&height=80&maxheight=160", (640, 40)),
        ],
    )
    def test_nothing_is_wider_however_little_of_its_height_was_asked_for(
        self, shop: Service, banner: str, words: dict[str, str], query: str, shown: tuple[int, int]
    ) -> None:
        base = query_of(shop.media_path(banner), form="floating", **words)

        assert size(shop.get(f"{base}&{query}")) == shown

    def test_sizes_that_were_given_when_it_was_signed_do_not_count(self, shop: Service, guid: str) -> None:
        """So that a backend may sign one URL of a srcset as it stands."""
        base = query_of(shop.media_path(guid), form="floating", width=160, dpr=2, format="webp")

        assert size(shop.get(base)) == (320, 213)
        assert size(shop.get(base.replace("width=160", "width=320"))) == (640, 427)

    def test_the_ladder_is_published(self, shop: Service) -> None:
        """For build tools that write srcsets, from any origin."""
        answer = shop.get("/ladder.json")

        assert answer.json() == {"sizes": [160, 320, 640], "off_ladder": "refuse"}
        assert answer.headers["access-control-allow-origin"] == "*"

    def test_a_preset_with_densities(self, shop: Service, guid: str) -> None:
        """What it says itself is on the ladder; at another density it has to be."""
        base = query_of(shop.media_path(guid), form="floating", preset="hero")

        assert size(shop.get(base)) == (600, 200)
        assert shop.get(f"{base}&dpr=2").status_code == 403


class TestCommand:
    def sign(self, shop: Service, *arguments: str) -> str:
        done = shop.command("sign", *arguments)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout.strip()

    def test_what_it_prints_is_answered(self, shop: Service, guid: str) -> None:
        """As URL or as path, as it was given; what was signed before is signed anew."""
        path = shop.media_path(guid)

        url = self.sign(shop, f"{shop.url}{path}?width=160&utm=1&signature=old", "--expires", "24h", "--key", "2026a")

        assert url.startswith(f"{shop.url}{path}?width=160&utm=1&expires=")
        assert "&kid=2026a&" in url
        assert size(shop.get(url.removeprefix(shop.url))) == (160, 107)

    def test_floating(self, shop: Service, guid: str) -> None:
        path = self.sign(shop, "--floating", f"/cdn/default/{guid}/hero/x.webp")
        srcset = self.sign(shop, "--floating", f"{shop.media_path(guid)}?width=160")

        assert size(shop.get(path)) == (600, 200)
        assert size(shop.get(srcset.replace("width=160", "width=640"))) == (640, 427)

    def test_readmes_code_makes_the_same(self, shop: Service, guid: str) -> None:
        path = shop.media_path(guid)

        printed = self.sign(shop, f"{path}?maxWidth=160&mode=max")

        assert printed == query_of(path, maxWidth=160, mode="max", kid="2026b")

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("/pictures/x.jpg",), "/pictures/x.jpg is no picture's URL; README lists them under Ask for pictures."),
            (("/media/abcdefgh/x.jpg?width=0",), "width must be a number of pixels"),
            (("/media/abcdefgh/x.jpg", "--expires", "soon"), "expires must be a number of seconds, or with a unit"),
            (("/media/abcdefgh/x.jpg", "--key", "2025"), "There is no signing key of that id."),
            (("/media/abcdefgh/x.jpg?width=161", "--floating"), "sizes must be on the ladder, 160, 320, 640"),
        ],
    )
    def test_what_cannot_be_signed_is_told(self, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
        """In a sentence, without a server."""
        settings = {"signatures": "required", "ladder": "160,320,640", "off_ladder": "refuse"}
        done = run_command(tmp_path / "data", "sign", *arguments, signing_keys=KEYS, **settings)

        assert done.returncode == 1
        assert says in done.stderr
        assert SECRET not in done.stderr

    def test_the_ladder_is_printed(self, tmp_path: Path) -> None:
        done = run_command(tmp_path / "data", "sign", "--ladder", ladder="640,160")

        assert (done.returncode, done.stdout) == (0, "160\n640\n")

    def test_places_do_not_matter(self, tmp_path: Path) -> None:
        """What is signed is the path as README's table has it, wherever the public finds it."""
        settings = {
            "signing_keys": KEYS,
            "signatures": "required",
            "public_url": "https://www.shop.example/pim",
            "places": "cdn: cdn.shop.example; media: /p",
        }

        for url, inner in (
            ("https://cdn.shop.example/default/x/original/x.jpg", "/cdn/default/x/original/x.jpg"),
            ("https://www.shop.example/pim/p/media/abcdefgh/x.jpg", "/media/abcdefgh/x.jpg"),
        ):
            done = run_command(tmp_path / "data", "sign", url, **settings)
            assert done.stdout.strip() == url + "?" + query_of(inner, kid="2026b").partition("?")[2], done.stderr

    def test_where_nobody_looks_it_says_so(self, tmp_path: Path) -> None:
        done = run_command(tmp_path / "data", "sign", "/media/abcdefgh/x.jpg", signing_keys=KEYS)

        assert done.returncode == 0
        assert done.stderr == "IMGSVC_SIGNATURES is off, so nobody looks at signatures.\n"


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_readmes_javascript_makes_what_its_python_makes(shop: Service, guid: str) -> None:
    """A URL of which nothing is plain."""
    path, words = (
        f"/cdn/default/{guid}/original/{NAME}",
        {"download": "true", "Kid": "2026b", "v": "1 é", "expires": _FAR},
    )
    script = f"{_readme_code('js')}\nconsole.log(sign({json.dumps(path)}, {json.dumps(words)}, {json.dumps(SECRET)}));"

    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == sign(path, words, SECRET)
    assert shop.get(done.stdout.strip()).content == ORIGINAL


@pytest.fixture(scope="module")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    data = tmp_path_factory.mktemp("ladder") / "data"
    with serving(data, workers=1, **_FINAL, unsigned="ladder", ladder="160,320", signing_keys=KEYS) as service:
        yield service


@pytest.fixture(scope="module")
def presets(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    data = tmp_path_factory.mktemp("presets") / "data"
    with serving(data, workers=1, **_FINAL, unsigned="presets", presets="icon: width=64", signing_keys=KEYS) as service:
        yield service


class TestUnsigned:
    """Each mode at a service of its own, where signatures are not said to be anything but off."""

    def test_on_a_ladder_sizes_move_up(self, ladder: Service) -> None:
        """At every face; what is asked for by sizes that differ is one rendition."""
        guid = ladder.add(ORIGINAL, NAME)
        path = ladder.media_path(guid)

        answers = [ladder.get(f"{path}?width={width}") for width in (161, 300, 320)]
        assert [size(answer) for answer in answers] == [(320, 213)] * 3
        assert len({answer.headers["etag"] for answer in answers}) == 1
        assert size(ladder.get(f"/images/{guid}/preview/99/99")) == (160, 107)
        assert size(ladder.get(f"/cdn/default/{guid}/9999x/x.webp")) == (320, 213)
        assert ladder.get(path).content == ORIGINAL

    def test_what_leads_on_is_signed(self, ladder: Service) -> None:
        """So that a preset's canonical URL, which names its sizes, is answered."""
        guid = ladder.add(originals.png(900, 600))

        answer = ladder.get(f"/images/{guid}?preset=preview")

        location = urlsplit(answer.headers["location"])
        assert size(ladder.get(f"{location.path}?{location.query}")) == (900, 600)
        unsigned = ladder.get(location.path)
        assert unsigned.status_code == 303
        assert "max-width=320" in unsigned.headers["location"]

    def test_what_cannot_be_counted_is_refused_without_a_signature(self, ladder: Service) -> None:
        guid = ladder.add(originals.png(60, 40))
        path = ladder.media_path(guid)

        assert refused(ladder.get(f"{path}?width=160&quality=7")) == "Without a signature no quality can be asked for."
        assert size(ladder.get(query_of(path, width=21, quality=7))) == (21, 14)
        assert ladder.get(query_of(path, width=21) + "&quality=7").status_code == 403

    def test_presets_alone(self, presets: Service) -> None:
        """The operator's and Quable's, and originals; a signature opens the rest."""
        guid = presets.add(ORIGINAL, NAME)
        path = presets.media_path(guid)

        assert size(presets.get(f"{path}?preset=Icon&format=webp")) == (64, 43)
        assert size(presets.get(f"/cdn/default/{guid}/system-thumbnail/x.webp")) == (320, 213)
        assert presets.get(path).content == ORIGINAL
        for url in (f"{path}?width=64", f"{path}?preset=icon&dpr=2", f"/cdn/default/{guid}/64x/x.webp"):
            assert refused(presets.get(url)) == "Without a signature presets and originals alone can be asked for."
        assert size(presets.get(query_of(path, width=65))) == (65, 43)
        assert presets.get(f"/images/{guid}/width=64,format=webp/{'0' * 32}/x.webp").status_code == 403
