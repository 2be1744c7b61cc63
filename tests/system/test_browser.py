"""Pictures as people meet them: in real Chromium, on pages of another site, at the sizes and densities they ask for."""

import json
from base64 import b64encode
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
import pyvips

from tests import originals
from tests.browsers import Answer, Browser, Shop, Tab, chromium, open_shop
from tests.edges import counting
from tests.originals import COLOURS, Colour, close_to, corners, decode, pixel
from tests.servers import Service, poll, serving

AVIF, WEBP, JPEG = "image/avif", "image/webp", "image/jpeg"
NOBODY = "00000000-0000-4000-8000-000000000000"
TOLERANCE = 30
"""How far a colour may be off after lossy encoding, a profile and the screen."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Generator[Browser]:
    with chromium(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def shop() -> Generator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Generator[Service]:
    """Signs where it is asked to, waits for no AVIF, and answers nothing else provisionally.

    Without a browser it is not started at all.
    """
    settings = {"signatures": "optional", "signing_keys": "2026b: a long secret", "pyramid_bytes": "0"}
    folder = tmp_path_factory.mktemp("browsed") / "data"
    with serving(folder, workers=1, avif_seconds="0.000001", **settings) as service:
        yield service


@pytest.fixture(scope="module")
def photo(service: Service) -> str:
    """1280 x 960 px."""
    return service.add(originals.jpeg(1280, 960), "Red Shirt.jpg")


@pytest.fixture
def tab(browser: Browser) -> Generator[Tab]:
    with browser.tab() as tab:
        yield tab


class Shown(NamedTuple):
    """`css`: its natural size as the page lays it out, `pixels`: the file's, 0 where it cannot be decoded."""

    url: str
    css: tuple[int, int]
    pixels: tuple[int, int]


def shown(tab: Tab) -> list[Shown]:
    """The pictures of its page, in order."""
    found = tab.value(
        """Promise.all([...document.images].map(async shown => {
            const plain = new Image();
            plain.crossOrigin = shown.crossOrigin;
            plain.src = shown.currentSrc;
            await plain.decode().catch(() => plain.src = "data:,");
            return [
                shown.currentSrc, [shown.naturalWidth, shown.naturalHeight], [plain.naturalWidth, plain.naturalHeight],
            ];
        }))"""
    )
    return [Shown(url, (css[0], css[1]), (pixels[0], pixels[1])) for url, css, pixels in found]


def pictures(tab: Tab) -> list[Answer]:
    """All but the page."""
    return tab.answers[1:]


def by_url(tab: Tab) -> dict[str, str]:
    """The media type that each was answered in, redirects left out."""
    return {answer.url: answer.media_type for answer in tab.answers if answer.status == 200}


def shows_quadrants(picture: pyvips.Image) -> bool:
    return all(close_to(one, two, TOLERANCE) for one, two in zip(corners(picture), COLOURS, strict=True))


class TestSizes:
    @pytest.mark.parametrize(("density", "width"), [(1, 320), (2, 640), (3, 960)])
    def test_srcset_gets_what_the_screen_needs(
        self, browser: Browser, shop: Shop, service: Service, photo: str, density: int, width: int
    ) -> None:
        """Of candidates by width, through the redirect to the canonical URL; in the layout all have the same size."""
        page = shop.page(f'<img sizes="(min-width: 600px) 320px, 100vw" srcset="{candidates(service, photo)}">')

        with browser.tab(density=density) as tab:
            tab.open(page)

            (picture,) = shown(tab)
            assert parse_qs(urlsplit(picture.url).query)["width"] == [str(width)]
            assert (picture.css, picture.pixels) == ((320, 240), (width, width * 3 // 4))
            redirect, answer = pictures(tab)[:2]
            assert (redirect.status, answer.status, answer.media_type) == (303, 200, WEBP)
            canonical = service.canonical_path(photo, f"width={width}&format=webp")
            assert urlsplit(answer.url).path == canonical

    def test_a_second_visit_asks_the_service_for_nothing(
        self, browser: Browser, shop: Shop, service: Service, photo: str
    ) -> None:
        """Nor does F5; who wants it all anew, with Shift, gets it."""
        page = shop.page(f'<img sizes="480px" srcset="{candidates(service, photo)}">')
        with browser.tab() as tab:
            tab.open(page)
            assert not any(answer.kept for answer in pictures(tab))

        with browser.tab() as tab:
            with counting(service, "images") as asked:
                tab.open(page)
                visited = pictures(tab)
                tab.reload()
                reloaded = pictures(tab)
            with counting(service, "images") as asked_anew:
                tab.reload(past_cache=True)

        assert (asked, asked_anew) == ([0], [2])
        assert [answer.status for answer in visited] == [answer.status for answer in reloaded] == [303, 200]

    @pytest.mark.parametrize("density", [2, 3])
    def test_dpr_makes_the_same_picture_sharper(
        self, browser: Browser, shop: Shop, service: Service, photo: str, density: int
    ) -> None:
        """By density: one size in the page, `dpr` times as many pixels."""
        url = f"{service.url}{service.media_path(photo)}?width=121"
        page = shop.page(f'<img src="{url}" srcset="{url}&dpr=2 2x, {url}&dpr=3 3x">')

        with browser.tab(density=density) as tab:
            tab.open(page)
            (picture,) = shown(tab)

        assert picture.url == f"{url}&dpr={density}"
        assert picture.pixels == (121 * density, round(90.75 * density))
        assert abs(picture.css[0] - 121) <= 1

    def test_canonical_urls_can_stand_in_a_srcset(
        self, browser: Browser, shop: Shop, service: Service, photo: str
    ) -> None:
        """Though they have commas, as it has."""
        query = "mode=crop&heightratio=0.5&center=0.2,0.4&format=webp"
        urls = [service.url + service.canonical_path(photo, f"width={width}&{query}") for width in (140, 280)]
        page = shop.page(f'<img srcset="{urls[0]}, {urls[1]} 2x">')

        for density, url in enumerate(urls, start=1):
            with browser.tab(density=density) as tab:
                tab.open(page)
                assert shown(tab) == [Shown(url, (140, 70), (140 * density, 70 * density))]

    def test_one_signature_serves_a_whole_srcset(
        self, browser: Browser, shop: Shop, service: Service, photo: str
    ) -> None:
        """Which a page writes itself from the ladder; what else it changes in the URL is refused."""
        path = f"{service.media_path(photo)}?mode=crop&heightratio=0.5&format=webp&width=160"
        signed = service.command("sign", "--floating", path).stdout.strip()
        page = shop.page(
            f"""<img id="ladder" sizes="310px"><img id="tampered" crossorigin onerror="refused = true"><script>
            refused = false;
            const url = "{service.url}{signed}";
            fetch("{service.url}/ladder.json").then(answer => answer.json()).then(ladder => {{
                document.getElementById("ladder").srcset =
                    ladder.sizes.map(size => `${{url.replace("width=160", `width=${{size}}`)}} ${{size}}w`);
                document.getElementById("tampered").src = url.replace("heightratio=0.5", "heightratio=0.6");
            }});
            </script>"""
        )

        with browser.tab(density=2) as tab:
            tab.open(page)
            tab.value("new Promise(done => setInterval(() => refused && done(), 5))")
            tab.value("document.getElementById('ladder').decode()")
            answers, drawn = pictures(tab), shown(tab)[0]

        assert drawn.pixels == (640, 320)
        assert [answer.status for answer in answers if "heightratio=0.6" in answer.url] == [403]


class TestFormats:
    def test_picture_takes_the_first_source_that_it_can_show(
        self, tab: Tab, shop: Shop, service: Service, photo: str
    ) -> None:
        """By type, each with the format its URL names; a viewport has a crop of its own."""
        url = f"{service.url}{service.media_path(photo)}?width=200"
        formats = "".join(f'<source type="image/{one}" srcset="{url}&format={one}">' for one in ("avif", "webp"))
        page = shop.page(
            f'<picture>{formats}<img src="{url}&format=jpg"></picture>'
            f'<picture><source type="image/nobodys" srcset="{url}&format=nobodys">'
            f'<source type="image/webp" srcset="{url}&format=webp"><img src="{url}&format=jpg"></picture>'
            f'<picture><source media="(max-width: 500px)" srcset="{url}&height=200&mode=crop&format=webp">'
            f'<source media="(min-width: 501px)" srcset="{url}&height=50&mode=crop&format=png">'
            f'<img src="{url}&format=jpg"></picture>'
        )

        tab.open(page)

        assert shown(tab) == [
            Shown(f"{url}&format=avif", (200, 150), (200, 150)),
            Shown(f"{url}&format=webp", (200, 150), (200, 150)),
            Shown(f"{url}&height=50&mode=crop&format=png", (200, 50), (200, 50)),
        ]
        assert {answer.media_type for answer in pictures(tab)} == {AVIF, WEBP, "image/png"}

    def test_auto_is_webp_at_once_and_avif_once_that_is_made(
        self, tab: Tab, shop: Shop, service: Service, photo: str
    ) -> None:
        """In a plain `img`, and opened by itself; scripts that accept anything get a JPEG, whatever is in the cache."""
        url = f"{service.url}{service.media_path(photo)}?width=202&format=auto"
        page = shop.page(f'<img src="{url}">')

        tab.open(page)
        assert (by_url(tab)[url], shown(tab)[0].pixels) == (WEBP, (202, 152))
        accepts = {"accept": "image/avif,image/webp,*/*"}
        poll(lambda: service.client.get(url, headers=accepts).headers["content-type"] == AVIF, for_what="the AVIF")
        tab.reload(past_cache=True)

        assert (by_url(tab)[url], shown(tab)[0].pixels) == (AVIF, (202, 152))
        assert shows_quadrants(tab.screenshot().crop(0, 0, 202, 152))
        assert tab.value(f"fetch('{url}').then(answer => answer.headers.get('content-type'))") == JPEG
        tab.open(url)
        assert tab.value("[document.contentType, document.images[0].naturalWidth]") == [AVIF, 202]
        assert tab.complaints == []

    def test_an_animation_plays(self, tab: Tab, shop: Shop, service: Service) -> None:
        """As WebP, where `auto` is asked: all frames, as long as each was, for ever. In its own format likewise."""
        path = service.media_path(service.add(originals.gif(frames=3, delay=120), "spin.gif"))
        page = shop.page("".join(f'<img src="{service.url}{path}?width=80{more}">' for more in ("&format=auto", "")))

        tab.open(page)

        for picture, media_type in zip(shown(tab), (WEBP, "image/gif"), strict=True):
            assert (picture.pixels, by_url(tab)[picture.url]) == ((80, 60), media_type)
            assert tab.value(_FILM % (picture.url, media_type)) == [3, "Infinity", [120_000] * 3, 80]


class TestLooks:
    def test_all_originals_look_alike(self, browser: Browser, shop: Shop, service: Service) -> None:
        """Upright and in their colours, as they are where browsers show them, as renditions wherever they come from."""
        turned = [service.add(originals.orientation_jpeg(orientation)) for orientation in range(1, 9)]
        wide = service.add(originals.jpeg(icc="p3"))
        others = [
            *(originals.png(), originals.png(sixteen_bit=True), originals.png(palette=True), originals.gif()),
            *(originals.webp(), originals.avif(), originals.tiff(), originals.bmp(), originals.svg()),
        ]
        paths = [f"/images/{guid}.jpg" for guid in (*turned, wide)]
        paths += [f"{service.media_path(guid)}?width=400&format=auto" for guid in (*turned, wide)]
        paths += [f"{service.media_path(service.add(data))}?width=400&format=auto" for data in others]
        page = shop.page(_grid(service.url + path for path in paths))

        with browser.tab(width=1000, height=500) as tab:
            tab.open(page)
            pictures, screen = shown(tab), tab.screenshot()

        assert [picture for picture in pictures if picture.css != (400, 300)] == []
        cells = [screen.crop(100 * (n % 10), 80 * (n // 10), 100, 75) for n in range(len(paths))]
        assert [path for path, cell in zip(paths, cells, strict=True) if not shows_quadrants(cell)] == []

    def test_a_page_shows_through_a_cut_out(self, browser: Browser, shop: Shop, service: Service) -> None:
        """Wholly where nothing is, by half where half is; where a colour was asked for, that lies under it."""
        path = service.media_path(service.add(originals.png(alpha=True)))
        asked = ("png", "webp", "avif", "auto", "png&bgcolor=fff", "jpg")
        page = shop.page(
            "<style>body { background: rgb(120, 0, 160) }</style>"
            + _grid(f"{service.url}{path}?width=100&format={one}" for one in asked)
        )

        with browser.tab() as tab:
            tab.open(page)
            screen = tab.screenshot()

        for n, one in enumerate(asked):
            under: Colour = (255, 255, 255) if one in ("png&bgcolor=fff", "jpg") else (120, 0, 160)
            half = tuple((above + below) // 2 for above, below in zip(COLOURS[1], under, strict=True))
            expected = (COLOURS[0], half, COLOURS[2], under)
            found = corners(screen.crop(100 * n, 0, 100, 75))
            assert all(close_to(*pair, TOLERANCE) for pair in zip(found, expected, strict=True)), (one, found)
        assert pixel(screen, 75, 56) == (120, 0, 160)


class TestOtherSites:
    def test_a_page_can_read_pixels(self, tab: Tab, shop: Shop, service: Service, photo: str) -> None:
        """Of a picture that it shows, also behind a redirect, and of one that it fetches."""
        urls = [f"{service.url}/images/{photo}?width=90", f"{service.url}{service.media_path(photo)}?width=90"]
        tab.open(shop.page("".join(f'<img crossorigin src="{url}">' for url in urls)))

        drawn = tab.value(f"[...document.images].map({_PIXELS})")
        fetched = tab.value(
            f"fetch('{urls[0]}', {{headers: {{'X-Shop': '1'}}}})"
            f".then(answer => answer.blob()).then(createImageBitmap).then({_PIXELS})"
        )

        for found in (*drawn, fetched):
            assert all(close_to(tuple(one), two, TOLERANCE) for one, two in zip(found, COLOURS, strict=True))

    def test_an_isolated_page_can_show_all_of_them(self, tab: Tab, shop: Shop, service: Service, photo: str) -> None:
        """Cross-Origin-Embedder-Policy demands leave of each answer, a redirect's too."""
        paths = [
            f"/images/{photo}?width=91",
            f"/images/{photo}",
            f"/images/{photo}.webp?width=91",
            f"/images/{photo}/preview/91/91",
            f"/cdn/default/{photo}/thumbnail/shirt.webp",
            service.media_path(photo),
            service.canonical_path(photo, "width=91"),
        ]
        page = shop.page(
            "".join(f'<img src="{service.url}{path}">' for path in paths),
            Cross_Origin_Embedder_Policy="require-corp",
            Cross_Origin_Opener_Policy="same-origin",
        )

        tab.open(page)

        assert tab.value("crossOriginIsolated") is True
        assert [picture.css[0] for picture in shown(tab)] == [91, 1280, 91, 91, 320, 1280, 91]
        assert tab.complaints == []

    def test_a_page_can_tell_how_long_pictures_took(self, tab: Tab, shop: Shop, service: Service, photo: str) -> None:
        """Resource Timing: also through a redirect, and of what was prepared already."""
        urls = [f"{service.url}/images/{photo}?width=92", f"{service.url}{service.media_path(photo)}?width=92"]
        tab.open(shop.page(""))

        for _ in range(2):
            for url in urls:
                length, started = tab.value(
                    f"fetch('{url}', {{cache: 'reload'}}).then(answer => answer.blob()).then(() => {{"
                    "const [entry] = performance.getEntriesByType('resource').slice(-1);"
                    "return [entry.encodedBodySize, entry.responseStart];})"
                )
                assert (length > 0, started > 0) == (True, True), url

    def test_a_page_can_read_why_it_got_no_picture(self, tab: Tab, shop: Shop, service: Service, photo: str) -> None:
        """Status and sentence, at every face, also where the browser asks for leave first."""
        refused = {
            f"{service.media_path(photo)}?width=x": 400,
            f"/images/{photo}?width=x": 400,
            f"/images/{NOBODY}": 404,
            f"/cdn/default/{NOBODY}/thumbnail/a.webp": 404,
            f"/images/{photo}.jpg?signature=nobodys": 403,
        }
        tab.open(shop.page(""))

        for path, status in refused.items():
            for options in ("{}", "{headers: {'X-Shop': '1'}}"):
                found = tab.value(
                    f"fetch({json.dumps(service.url + path)}, {options})"
                    ".then(async answer => [answer.status, (await answer.json()).status])"
                )
                assert found == [status, status], path


class TestFailures:
    def test_a_picture_that_fails_is_said_to(self, tab: Tab, shop: Shop, service: Service, photo: str) -> None:
        """`error` is fired, so that the page can show another."""
        media = f"{service.url}{service.media_path(photo)}"
        urls = [
            f"{media}?width=x",
            f"{service.url}/images/{NOBODY}.jpg",
            f"{media}?signature=nobodys",
            f"{media}?width=9",
        ]
        page = shop.page(
            "<script>fired = {}; fire = (n, event) => fired[n] = event.type</script>"
            + "".join(
                f'<img src="{url}" onload="fire({n}, event)" onerror="fire({n}, event)">' for n, url in enumerate(urls)
            )
        )

        tab.open(page)

        assert tab.value("fired") == {"0": "error", "1": "error", "2": "error", "3": "load"}

    def test_who_opens_its_url_can_read_why(self, tab: Tab, service: Service, photo: str) -> None:
        """In the tab itself: it is text, and not saved."""
        tab.open(f"{service.url}{service.media_path(photo)}?width=wide")

        assert 'width must be a number of pixels from 1 to 999999, with or without px; received \\"wide\\".' in read(
            tab
        )
        tab.open(f"{service.url}/images/{NOBODY}.jpg")
        assert "Resource not found" in read(tab)


class TestTabs:
    def test_a_drawing_shows_what_it_holds_and_runs_nothing(self, browser: Browser, service: Service) -> None:
        """The original, opened by itself: pictures within it are there, script is not."""
        held = f"data:image/png;base64,{b64encode(originals.png()).decode()}"
        drawing = originals.svg(
            body=f'<image href="{held}" width="400" height="300"/>'
            "<script>document.documentElement.setAttribute('ran', 'it')</script>"
        )
        path = f"/images/{service.add(drawing, 'drawing.svg')}.svg"

        with browser.tab(width=400, height=300) as tab:
            tab.open(service.url + path)

            assert tab.value("[document.contentType, document.documentElement.getAttribute('ran')]") == [
                "image/svg+xml",
                None,
            ]
            assert shows_quadrants(tab.screenshot())

    @pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/ladder.json", "/openapi.json"])
    def test_pages_for_operators_are_shown(self, tab: Tab, service: Service, path: str) -> None:
        """As text, without a complaint."""
        tab.open(service.url + path)

        assert read(tab) != ""
        assert tab.complaints == []

    def test_a_download_is_saved_under_its_name(
        self, browser: Browser, tab: Tab, shop: Shop, service: Service, photo: str, tmp_path: Path
    ) -> None:
        """Behind a redirect, too; the page stays."""
        browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path), eventsEnabled=True)
        page = shop.page(f'<a href="{service.url}/images/{photo}?width=93&format=webp&download=true">save</a>')
        tab.open(page)

        tab.value("document.querySelector('a').click()")
        browser.wait("Browser.downloadProgress", state="completed")

        assert [file.name for file in tmp_path.iterdir()] == ["red-shirt.webp"]
        assert decode((tmp_path / "red-shirt.webp").read_bytes()).width == 93
        assert tab.value("location.href") == page


_FILM = """fetch("%s", {headers: {accept: "%s"}}).then(async answer => {
    const film = new ImageDecoder({data: answer.body, type: answer.headers.get("content-type")});
    await film.completed;
    const track = film.tracks.selectedTrack;
    const frames = [];
    for (let n = 0; n < track.frameCount; n++) frames.push((await film.decode({frameIndex: n})).image);
    return [
        track.frameCount, String(track.repetitionCount), frames.map(one => one.duration), frames[0].displayWidth,
    ];
})"""

_PIXELS = """picture => {
    const {width, height} = picture;
    const canvas = new OffscreenCanvas(width, height).getContext("2d");
    canvas.drawImage(picture, 0, 0);
    return [[1, 1], [3, 1], [1, 3], [3, 3]].map(([x, y]) =>
        [...canvas.getImageData(x * width / 4, y * height / 4, 1, 1).data].slice(0, 3));
}"""


def candidates(service: Service, guid: str) -> str:
    return ", ".join(
        f"{service.url}/images/{guid}?width={width}&format=webp {width}w" for width in (320, 480, 640, 960, 1280)
    )


def read(tab: Tab) -> str:
    return tab.value("document.body.innerText")


def _grid(urls: Iterable[str]) -> str:
    """Ten in a row, each in 100 x 75 CSS pixels, 80 from row to row."""
    return "<style>img { position: absolute; width: 100px; height: 75px }</style>" + "".join(
        f'<img src="{url}" style="left: {100 * (n % 10)}px; top: {80 * (n // 10)}px">' for n, url in enumerate(urls)
    )
