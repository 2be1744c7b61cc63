"""Formats by negotiation over HTTP: who accepts what gets what, caches are told, and nobody waits for an AVIF."""

import os
import signal
import subprocess
from collections.abc import Generator, Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

import httpx
import pytest

from tests import originals
from tests.originals import COLOURS, close_to, corners, decode, decode_frames
from tests.servers import TOKEN, Service, poll, serving

ACCEPTS: Mapping[str, str] = MappingProxyType(
    {
        "chrome": "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
        "avif": "image/avif,*/*;q=0.5",
        "safari": "image/webp,image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5",
        "curl": "*/*",
    }
)
"""A client of each class, by its Accept header."""

AVIF, WEBP, JPEG, PNG, GIF = (f"image/{name}" for name in ("avif", "webp", "jpeg", "png", "gif"))
PROVISIONAL = "public, max-age=10"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    """Negotiates where it is asked to, and waits for every AVIF."""
    presets = "fitting: maxWidth=44&format=auto; plain: maxWidth=44"
    folder = tmp_path_factory.mktemp("shop") / "data"
    with serving(folder, workers=1, avif_seconds="60", presets=presets) as service:
        yield service


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    """Negotiates wherever no format is asked for, and waits for no AVIF."""
    folder = tmp_path_factory.mktemp("hasty") / "data"
    with serving(folder, workers=2, avif_seconds="0.000001", negotiate="true") as service:
        yield service


@pytest.fixture(scope="module")
def photo(shop: Service) -> str:
    """400 x 300 px, JPEG: too small for a pyramid."""
    return shop.add(originals.jpeg(), "Red Shirt.jpg")


def ask(service: Service, path: str, client: str = "chrome", **headers: str) -> httpx.Response:
    answer = service.get(path, Accept=ACCEPTS[client], **headers)
    assert answer.status_code < 400, answer.text
    return answer


def vary(answer: httpx.Response) -> str | None:
    return answer.headers.get("vary")


def path_of(answer: httpx.Response) -> str:
    assert answer.status_code == 303
    return urlsplit(answer.headers["location"]).path


def media_type(answer: httpx.Response) -> str:
    """What it says, and is."""
    if answer.content:
        begins = {AVIF: b"ftypavif", WEBP: b"WEBP", JPEG: b"\xff\xd8\xff", PNG: b"\x89PNG", GIF: b"GIF8"}
        assert begins[answer.headers["content-type"]] in answer.content[:16]
    return answer.headers["content-type"]


class TestChoice:
    def test_each_client_gets_what_it_accepts(self, shop: Service, photo: str) -> None:
        """Of one URL, in any order, the first time and again; the picture is the same."""
        path = f"{shop.media_path(photo)}?width=50&format=auto"
        expected = {"curl": JPEG, "chrome": AVIF, "avif": AVIF, "safari": WEBP}

        answers = [(client, ask(shop, path, client)) for _ in range(3) for client in expected]

        for client, answer in answers:
            assert (media_type(answer), vary(answer)) == (expected[client], "Accept")
            assert answer.headers["cache-control"] == "public, max-age=300, must-revalidate"
            assert all(
                close_to(one[:3], two, 40) for one, two in zip(corners(decode(answer.content)), COLOURS, strict=True)
            )
        assert len({answer.headers["etag"] for _, answer in answers}) == 3

    def test_who_accepts_nothing_in_particular_gets_what_all_can_show(self, shop: Service, photo: str) -> None:
        """Without the header, with an empty one, and with what is no such header."""
        path = f"{shop.media_path(photo)}?width=51&format=auto"

        for header in ("", "image/*", "text/html", "image/avif;q=0", ";;;,,=", "text/x," * 2000 + "image/avif"):
            answer = shop.get(path, Accept=header)
            assert (answer.status_code, media_type(answer)) == (200, JPEG)
        with httpx.Client(base_url=shop.url, trust_env=False) as client:
            del client.headers["accept"]
            assert media_type(client.get(path)) == JPEG

    def test_curl_gets_what_it_asks_for(self, shop: Service, photo: str, curl: str) -> None:
        """As it is, and told to accept WebP."""
        url = f"{shop.url}{shop.media_path(photo)}?width=52&format=auto"

        types = [
            subprocess.run(
                [curl, "-sS", "--noproxy", "*", "-o", "/dev/null", "-w", "%{content_type}", *options, url],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for options in ([], ["-H", "Accept: image/webp,*/*"], ["-H", "Accept:"])
        ]

        assert types == [JPEG, WEBP, JPEG]

    @pytest.mark.parametrize(
        ("data", "family"),
        [
            (originals.png(), PNG),
            (originals.png(alpha=True), PNG),
            (originals.webp(), JPEG),
            (originals.webp(alpha=True), PNG),
            (originals.avif(), JPEG),
            (originals.avif(alpha=True), PNG),
            (originals.tiff(), JPEG),
            (originals.bmp(), JPEG),
            (originals.svg(), PNG),
            (originals.gif(), GIF),
        ],
        ids=["png", "png alpha", "webp", "webp alpha", "avif", "avif alpha", "tiff", "bmp", "svg", "gif"],
    )
    def test_every_original_has_something_for_everybody(self, shop: Service, data: bytes, family: str) -> None:
        """Alpha is never lost, and nobody gets what browsers do not show."""
        path = f"{shop.media_path(shop.add(data, 'picture'))}?width=60&format=auto"

        answers = {client: ask(shop, path, client) for client in ("chrome", "safari", "curl")}

        types = {client: media_type(answer) for client, answer in answers.items()}
        assert types == {"chrome": AVIF, "safari": WEBP, "curl": family}
        if family == PNG and data != originals.png():
            assert all(decode(answer.content).hasalpha() for answer in answers.values())

    @pytest.mark.parametrize("data", [originals.gif(frames=3), originals.animated_webp()], ids=["gif", "webp"])
    def test_an_animation_stays_one(self, shop: Service, data: bytes) -> None:
        """AVIF would be a still."""
        path = f"{shop.media_path(shop.add(data, 'film'))}?width=60&format=auto"

        answers = {client: ask(shop, path, client) for client in ACCEPTS}

        types = {client: media_type(answer) for client, answer in answers.items()}
        assert types == {"chrome": WEBP, "safari": WEBP, "avif": GIF, "curl": GIF}
        assert all(len(decode_frames(answer.content)) == 3 for answer in answers.values())

    @pytest.mark.parametrize(("client", "extension"), [("chrome", "avif"), ("safari", "webp"), ("curl", "jpg")])
    def test_it_is_the_rendition_that_is_asked_for_by_name(
        self, shop: Service, photo: str, client: str, extension: str
    ) -> None:
        """Same bytes, same tag, rendered once."""
        negotiated = ask(shop, f"{shop.media_path(photo)}?width=53&format=auto", client)
        before = shop.renders()

        named = ask(shop, f"/images/{photo}.{extension}?width=53", "curl")

        assert (named.content, named.headers["etag"]) == (negotiated.content, negotiated.headers["etag"])
        assert (vary(named), shop.renders()) == (None, before)

    def test_a_preset_may_leave_it_to_the_client(self, shop: Service, photo: str) -> None:
        """A word beside it, and an extension, say it otherwise."""
        media = shop.media_path(photo)
        paths = {
            f"{media}?preset=fitting": (AVIF, "Accept"),
            f"{media}?preset=fitting&format=png": (PNG, None),
            f"{media}?preset=plain&format=auto": (AVIF, "Accept"),
            f"{media}?preset=plain": (JPEG, None),
            f"/images/{photo}.png?preset=fitting": (PNG, None),
            f"/cdn/default/{photo}/fitting/red-shirt-jpg.webp": (WEBP, None),
        }

        for path, (expected, varies) in paths.items():
            answer = ask(shop, path)
            assert (media_type(answer), vary(answer)) == (expected, varies), path

    def test_an_extension_and_auto_contradict(self, shop: Service, photo: str) -> None:
        """400, as with any other format, and nothing varies."""
        answer = shop.get(f"/images/{photo}.png?format=auto", Accept=ACCEPTS["chrome"])

        assert (answer.status_code, answer.json()["parameter"], vary(answer)) == (400, "format", None)


class TestCaches:
    """RFC 9110, section 12.5.5; RFC 9111, section 4.1."""

    def test_validators_hold_for_one_class(self, shop: Service, photo: str) -> None:
        """304 with Vary for who has what it would get, be it prepared or not; another's tag is none of its own."""
        path = f"{shop.media_path(photo)}?width=54&format=auto"
        keys = {
            client: path_of(ask(shop, f"/images/{photo}?width=54&format=auto", client)).split("/")[4]
            for client in ("chrome", "safari", "curl")
        }
        before = shop.renders()

        cold = {client: ask(shop, path, client, If_None_Match=f'"{key}"') for client, key in keys.items()}
        rendered = shop.renders() - before
        crossed = ask(shop, path, "safari", If_None_Match=f'"{keys["chrome"]}"')
        warm = {client: ask(shop, path, client) for client in keys}
        again = {client: ask(shop, path, client, If_None_Match=one.headers["etag"]) for client, one in warm.items()}

        assert rendered == 0
        for answers in (cold, again):
            assert {client: answer.status_code for client, answer in answers.items()} == dict.fromkeys(keys, 304)
            assert {client: answer.headers["etag"] for client, answer in answers.items()} == {
                client: f'"{key}"' for client, key in keys.items()
            }
            assert {vary(answer) for answer in answers.values()} == {"Accept"}
        assert (crossed.status_code, media_type(crossed)) == (200, WEBP)

    def test_head_and_parts_say_it_too(self, shop: Service, photo: str) -> None:
        """Every time as the whole does."""
        path = f"{shop.media_path(photo)}?width=55&format=auto"
        headers = {"Accept": ACCEPTS["chrome"]}

        heads = [shop.client.head(path, headers=headers) for _ in range(2)]
        whole = ask(shop, path)
        heads.append(shop.client.head(path, headers=headers))
        part = ask(shop, path, Range="bytes=4-11", If_Range=whole.headers["etag"])
        other = ask(shop, path, "safari", Range="bytes=4-11", If_Range=whole.headers["etag"])

        for head in heads:
            assert _lasting(head) == _lasting(whole)
        assert (part.status_code, part.content, vary(part)) == (206, b"ftypavif", "Accept")
        assert (other.status_code, media_type(other), vary(other)) == (200, WEBP, "Accept")

    @pytest.mark.parametrize(("client", "name"), [("chrome", "avif"), ("safari", "webp"), ("curl", "jpeg")])
    def test_a_redirect_names_the_format(self, shop: Service, photo: str, client: str, name: str) -> None:
        """So what it points to is right for everybody, and for ever: a cache may ignore Vary there."""
        redirect = ask(shop, f"/images/{photo}?width=56&format=auto", client)

        path = path_of(redirect)
        answers = [ask(shop, path, one) for one in ACCEPTS]

        assert vary(redirect) == "Accept"
        assert redirect.headers["cache-control"] == "public, max-age=300, must-revalidate"
        assert path.split("/")[3] == f"width=56,format={name}"
        assert path.endswith({"jpeg": ".jpg"}.get(name, f".{name}"))
        assert {media_type(answer) for answer in answers} == {f"image/{name}"}
        assert len({answer.content for answer in answers}) == 1
        for answer in answers:
            assert (vary(answer), "immutable" in answer.headers["cache-control"]) == (None, True)

    def test_where_nothing_is_negotiated_nothing_varies(self, shop: Service, photo: str) -> None:
        """Whatever is accepted; problems neither."""
        media = shop.media_path(photo)
        paths = (
            media,
            f"{media}?width=57",
            f"{media}?width=57&format=webp",
            f"/images/{photo}.jpg",
            f"/images/{photo}/preview/50/50",
            f"/images/{photo}?width=57",
            f"/images/{photo}",
            "/media/aaaaaaaa/x?format=auto",
        )

        answers = [shop.get(path, Accept=ACCEPTS["chrome"]) for path in paths for _ in range(2)]

        assert [vary(answer) for answer in answers] == [None] * len(answers)

    def test_what_is_saved_is_called_what_it_is(self, shop: Service, photo: str) -> None:
        """Through the redirect, too."""
        direct = ask(shop, f"{shop.media_path(photo)}?width=58&format=auto&download=true")
        redirect = ask(shop, f"/images/{photo}?width=58&format=auto&download=true", "safari")
        followed = ask(shop, f"{path_of(redirect)}?download=true", "safari")

        assert direct.headers["content-disposition"] == 'attachment; filename="red-shirt.avif"'
        assert followed.headers["content-disposition"] == 'attachment; filename="red-shirt.webp"'


class TestByDefault:
    """`IMGSVC_NEGOTIATE=true`."""

    def test_a_url_that_names_no_format_is_negotiated(self, hasty: Service) -> None:
        """In every dialect whose URLs need not name one."""
        guid = hasty.add(originals.jpeg(), "shirt.jpg")
        media = hasty.media_path(guid)

        for path in (f"{media}?width=40", f"{media}?preset=40x40&v=2", f"/images/{guid}/preview/40/40"):
            answers = {client: ask(hasty, path, client) for client in ("safari", "curl")}
            assert {client: media_type(answer) for client, answer in answers.items()} == {"safari": WEBP, "curl": JPEG}
            assert {vary(answer) for answer in answers.values()} == {"Accept"}
        redirect = ask(hasty, f"/images/{guid}?width=40", "safari")
        assert ("format=webp" in path_of(redirect), vary(redirect)) == (True, "Accept")

    def test_a_url_that_names_its_format_is_not(self, hasty: Service) -> None:
        """By a word, an extension or as a canonical URL; nothing varies."""
        data = originals.jpeg()
        guid = hasty.add(data, "shirt.jpg")
        media = hasty.media_path(guid)
        canonical = path_of(ask(hasty, f"/images/{guid}?width=40&format=png"))
        paths = {
            f"{media}?width=40&format=png": PNG,
            f"/images/{guid}.jpg?width=40": JPEG,
            f"/images/{guid}.png": PNG,
            f"/cdn/default/{guid}/thumbnail/shirt-jpg.jpg": JPEG,
            canonical: PNG,
        }

        for path, expected in paths.items():
            answers = [ask(hasty, path) for _ in range(2)]
            assert [(media_type(one), vary(one)) for one in answers] == [(expected, None)] * 2, path

    def test_originals_are_what_came(self, hasty: Service) -> None:
        """Byte for byte, also of what is no picture, and nothing varies."""
        data = originals.jpeg(90, 60)
        guid = hasty.add(data, "shirt.jpg")
        media = hasty.media_path(guid)
        pdf = hasty.client.post(
            "/struct/assets",
            headers={"Authorization": "a token that permits everything"},
            files={"uploadedFile": ("a.pdf", originals.pdf())},
        ).json()["Url"]

        for path in (media, f"{media}?v=3", f"/images/{guid}.jpg", f"/cdn/default/{guid}/original/shirt.jpg"):
            answer = ask(hasty, path)
            assert (answer.content, vary(answer)) == (data, None), path
        redirect = ask(hasty, f"/images/{guid}")
        assert (path_of(redirect), vary(redirect)) == (f"/images/{guid}.jpg", None)
        paper = ask(hasty, urlsplit(pdf).path)
        assert (paper.content, vary(paper)) == (originals.pdf(), None)


class TestBudget:
    """An AVIF that is not there yet."""

    @pytest.mark.parametrize(
        ("client", "instead", "extension", "width"), [("chrome", WEBP, "webp", 41), ("avif", JPEG, "jpg", 46)]
    )
    def test_nobody_waits_for_it_and_the_next_one_gets_it(
        self, hasty: Service, client: str, instead: str, extension: str, width: int
    ) -> None:
        """Meanwhile the next best goes out as what it is, for seconds; then every process has the AVIF."""
        guid = hasty.add(originals.jpeg(), "shirt.jpg")
        path = f"{hasty.media_path(guid)}?width={width}"
        named = ask(hasty, f"/images/{guid}.{extension}?width={width}")

        first = ask(hasty, path, client)
        part = ask(hasty, path, client, Range="bytes=0-3", If_Range=first.headers["etag"])
        final = poll(lambda: _if_final(ask(hasty, path, client)), for_what="the AVIF")
        with hasty.connections_to_every_process() as dealt:
            again: list[tuple[str | None, str | None]] = []
            for connection in [one for connections in dealt.values() for one in connections] * 2:
                connection.request("GET", path, headers={"Accept": ACCEPTS[client]})
                answer = connection.getresponse()
                assert answer.read() == final.content
                again.append((answer.headers["etag"], answer.headers["vary"]))

        assert (media_type(first), vary(first)) == (instead, "Accept")
        assert (first.content, first.headers["etag"]) == (named.content, named.headers["etag"])
        assert first.headers["cache-control"] == PROVISIONAL
        assert part.status_code in (206, 200)
        assert vary(part) == "Accept"
        assert media_type(final) == AVIF
        assert set(again) == {(final.headers["etag"], "Accept")}

    def test_a_tag_names_bytes_whatever_is_ready(self, hasty: Service) -> None:
        """What stands in is told by its own tag; who has the AVIF has it, made or not."""
        guid = hasty.add(originals.jpeg(), "shirt.jpg")
        path = f"{hasty.media_path(guid)}?width=42"
        avif = path_of(ask(hasty, f"/images/{guid}?width=42&format=avif")).split("/")[4]
        before = hasty.renders()

        known = ask(hasty, path, If_None_Match=f'"{avif}"')
        rendered = hasty.renders() - before
        contents: dict[str, set[bytes]] = {}

        def look() -> bool:
            answer = ask(hasty, path)
            contents.setdefault(answer.headers["etag"], set()).add(answer.content)
            return media_type(answer) == AVIF

        poll(look, for_what="the AVIF")

        assert (known.status_code, rendered) == (304, 0)
        assert f'"{avif}"' in contents
        assert len(contents) == 2
        assert all(len(bodies) == 1 for bodies in contents.values())

    def test_a_redirect_that_was_found_too_late_is_kept_by_nobody(self, hasty: Service) -> None:
        """The asset changes while the broker, which does not answer, is asked what is there."""
        guid, broker = hasty.add(originals.jpeg(70, 50)), hasty.broker()
        with hasty.connections_to_every_process(each=2) as dealt:
            asking, other = next(iter(dealt.values()))[:2]
            os.kill(broker, signal.SIGSTOP)
            try:
                asking.request("GET", f"/images/{guid}?width=33", headers={"Accept": ACCEPTS["chrome"]})
                # The same process, so that it has begun with the other.
                other.request("GET", "/healthz")
                assert other.getresponse().read()
                renamed = hasty.client.put(
                    f"/struct/assets/{guid}", json={"Filename": "other"}, headers={"Authorization": TOKEN}
                )
            finally:
                os.kill(broker, signal.SIGCONT)
            answer = asking.getresponse()

        assert renamed.is_success, renamed.text
        assert (answer.status, answer.getheader("cache-control")) == (303, "no-store")

    def test_a_redirect_points_to_what_is_there_sooner(self, hasty: Service) -> None:
        """And soon to the AVIF, which it has made; what it points to says what it is."""
        guid = hasty.add(originals.jpeg(), "shirt.jpg")
        path = f"/images/{guid}?width=43"

        first = ask(hasty, path)
        final = poll(lambda: _if_final(ask(hasty, path)), for_what="the AVIF")

        assert first.headers["cache-control"] == PROVISIONAL
        assert {vary(first), vary(final)} == {"Accept"}
        assert media_type(ask(hasty, path_of(first), "curl")) == WEBP
        assert media_type(ask(hasty, path_of(final), "curl")) == AVIF

    def test_what_is_saved_is_waited_for(self, hasty: Service) -> None:
        """Nobody looks at it meanwhile."""
        guid = hasty.add(originals.jpeg(), "shirt.jpg")

        answer = ask(hasty, f"{hasty.media_path(guid)}?width=44&download=true")

        assert media_type(answer) == AVIF
        assert answer.headers["content-disposition"].endswith('.avif"')

    def test_an_avif_that_is_asked_for_by_name_is_waited_for(self, hasty: Service) -> None:
        """Whoever names it means it."""
        guid = hasty.add(originals.jpeg(), "shirt.jpg")

        assert media_type(ask(hasty, f"{hasty.media_path(guid)}?width=45&format=avif", "curl")) == AVIF


def _if_final(answer: httpx.Response) -> httpx.Response | None:
    return None if answer.headers["cache-control"] == PROVISIONAL else answer


def _lasting(answer: httpx.Response) -> dict[str, str]:
    """Header fields that do not depend on when it was asked for."""
    return {name: value for name, value in answer.headers.items() if name not in ("date", "server-timing")}
