"""The gate in front of pictures: who comes in, until when, and what leads on from there."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from imgsvc.core.bounds import Bounds, OffLadder, Signatures, Unsigned
from imgsvc.core.errors import InvalidParameter, InvalidSignature, NotPermitted
from imgsvc.core.ladder import Ladder
from imgsvc.core.requests import PictureRequest
from imgsvc.core.signing import SigningKey, SigningKeys
from imgsvc.core.transform import Transform
from imgsvc.dialects.pictures import read_picture_url
from imgsvc.dialects.signed import Form, sign_query
from imgsvc.web.gate import Admitted, Gate
from tests.fakes import NOON

KEYS = SigningKeys((SigningKey(id="b", secret=b"new"), SigningKey(id="a", secret=b"old")))
PATH = "/media/abcdefgh/red shirt.jpg"
EXPIRES = int(NOON.timestamp()) + 60


@dataclass
class Doorkeeper:
    """A gate and its clock."""

    signatures: Signatures = Signatures.REQUIRED
    unsigned: Unsigned = Unsigned.ANYTHING
    off_ladder: OffLadder = OffLadder.SNAP
    now: datetime = NOON
    keys: SigningKeys = KEYS

    @property
    def gate(self) -> Gate:
        bounds = Bounds(unsigned=self.unsigned, ladder=Ladder((320, 640)), off_ladder=self.off_ladder, presets={})
        return Gate(signatures=self.signatures, bounds=bounds, keys=self.keys, now=lambda: self.now)

    def ask(self, query: str, path: str = PATH) -> Admitted:
        return self.gate.admit(path, query, wanted(query, path))


def wanted(query: str, path: str = PATH) -> PictureRequest:
    return read_picture_url(path, query, presets={})


def signed(query: str = "width=400", *, form: Form = Form.EXACT, expires: int | None = None, key: str = "b") -> str:
    return sign_query(PATH, query, KEYS, form=form, expires=expires, key_id=key)


class TestSignatures:
    @pytest.mark.parametrize("signatures", [Signatures.OPTIONAL, Signatures.REQUIRED])
    @pytest.mark.parametrize("key", ["a", "b"])
    def test_a_right_one_comes_in(self, signatures: Signatures, key: str) -> None:
        """By any key, for what was asked."""
        query = signed(key=key)

        assert Doorkeeper(signatures=signatures).ask(query) == Admitted(wanted("width=400"))

    def test_without_one_nobody_comes_in_where_it_is_required(self) -> None:
        with pytest.raises(InvalidSignature, match=r"^Pictures need a signature here\.$"):
            Doorkeeper().ask("width=400")

    @pytest.mark.parametrize(
        ("query", "says"),
        [
            ("signature=", "The URL's signature is not right."),
            ("signature=é", "The URL's signature is not right."),
            (signed().replace("400", "401"), "The URL's signature is not right."),
            (signed(key="a").replace("kid=a", "kid=b"), "The URL's signature is not right."),
            (signed().replace("kid=b", "kid=c"), "There is no signing key of that id."),
            (signed(expires=1).replace("expires=1", "expires=2"), "The URL's signature is not right."),
            (signed(expires=1), "The URL has expired."),
        ],
    )
    @pytest.mark.parametrize("signatures", [Signatures.OPTIONAL, Signatures.REQUIRED])
    def test_a_wrong_one_is_told_in_a_sentence(self, signatures: Signatures, query: str, says: str) -> None:
        """That it has expired only where it is right. Where none is needed, a wrong one is no better than none."""
        with pytest.raises(InvalidSignature) as refused:
            Doorkeeper(signatures=signatures).ask(query)

        assert refused.value.detail == says

    def test_where_they_are_off_nobody_looks(self) -> None:
        query = signed(expires=1).replace("400", "401")

        assert Doorkeeper(signatures=Signatures.OFF).ask(query) == Admitted(wanted("width=401"))

    def test_a_key_that_was_taken_out_lets_nobody_in(self) -> None:
        rotated = SigningKeys((SigningKey(id="b", secret=b"new"),))

        with pytest.raises(InvalidSignature):
            Doorkeeper(keys=rotated).ask(signed(key="a"))


class TestExpiry:
    @pytest.mark.parametrize(("seconds", "left"), [(0, 60), (0.5, 59), (59, 1), (59.999, 0), (60, 0)])
    def test_until_then_it_is_right(self, seconds: float, left: int) -> None:
        """The second itself included; what is left is never told too long."""
        keeper = Doorkeeper(now=NOON + timedelta(seconds=seconds))

        assert keeper.ask(signed(expires=EXPIRES)) == Admitted(wanted("width=400"), EXPIRES, left)

    def test_after_it_no_longer(self) -> None:
        keeper = Doorkeeper(now=NOON + timedelta(seconds=60.001))

        with pytest.raises(InvalidSignature, match="expired"):
            keeper.ask(signed(expires=EXPIRES))

    def test_the_longest_time_is_a_time(self) -> None:
        """Which datetime could not tell."""
        assert Doorkeeper().ask(signed(expires=10**11 - 1)).expires == 10**11 - 1

    def test_a_time_that_cannot_be_meant_is_a_bad_parameter(self) -> None:
        with pytest.raises(InvalidParameter):
            Doorkeeper().gate.admit(PATH, "signature=x&expires=soon", wanted(""))


class TestFloating:
    @pytest.mark.parametrize(
        ("query", "transform"),
        [
            ("", Transform(max_width=640)),
            ("width=320", Transform(width=320, max_width=640)),
            ("height=640", Transform(height=640, max_width=640)),
            ("maxwidth=640&maxheight=480", Transform(max_width=640, max_height=480)),
            ("width=320&dpr=2", Transform(width=640, max_width=640)),
            ("width=160&dpr=4", Transform(width=640, max_width=640)),
        ],
    )
    def test_on_the_ladder_sizes_are_free(self, query: str, transform: Transform) -> None:
        """After `dpr`; also where others are refused. Nothing is wider than the ladder's top, whatever is left out."""
        signature = signed("width=640", form=Form.FLOATING).removeprefix("width=640&")

        admitted = Doorkeeper(off_ladder=OffLadder.REFUSE).ask(f"{query}&{signature}")

        assert admitted.wanted.transform == transform

    def test_off_the_ladder_they_move_up(self) -> None:
        query = signed(form=Form.FLOATING)

        assert Doorkeeper().ask(query).wanted.transform == Transform(width=640, max_width=640)

    def test_or_are_refused(self) -> None:
        """The signature is right, so the ladder may be told."""
        with pytest.raises(NotPermitted, match=r"320, 640, .* asked for was width 400"):
            Doorkeeper(off_ladder=OffLadder.REFUSE).ask(signed(form=Form.FLOATING))

    def test_a_signed_ratio_makes_the_other_side(self) -> None:
        query = signed("width=320&heightratio=0.417", form=Form.FLOATING)

        admitted = Doorkeeper(off_ladder=OffLadder.REFUSE).ask(query.replace("width=320", "width=320&dpr=2"))

        assert admitted.wanted.transform == Transform(width=640, height=267, max_width=640)

    def test_an_exact_one_holds_for_no_other_size(self) -> None:
        """Not even one of the ladder."""
        with pytest.raises(InvalidSignature):
            Doorkeeper().ask(signed("width=320").replace("320", "640"))


class TestWithoutSignature:
    @pytest.mark.parametrize("signatures", [Signatures.OFF, Signatures.OPTIONAL])
    def test_a_request_is_bounded(self, signatures: Signatures) -> None:
        """Also where signatures are off: then they are not."""
        keeper = Doorkeeper(signatures=signatures, unsigned=Unsigned.LADDER)

        assert keeper.ask("width=400").wanted.transform == Transform(width=640)
        assert keeper.ask(signed()).wanted.transform == Transform(width=400)

    def test_presets_alone(self) -> None:
        keeper = Doorkeeper(signatures=Signatures.OPTIONAL, unsigned=Unsigned.PRESETS)

        assert keeper.ask("preset=thumbnail").wanted == wanted("preset=thumbnail")
        with pytest.raises(NotPermitted):
            keeper.ask("width=320")


class TestWhatLeadsOn:
    @pytest.mark.parametrize(
        ("signatures", "unsigned", "redirects", "links"),
        [
            (Signatures.OFF, Unsigned.ANYTHING, False, False),
            (Signatures.OPTIONAL, Unsigned.ANYTHING, False, False),
            (Signatures.OFF, Unsigned.LADDER, True, False),
            (Signatures.OPTIONAL, Unsigned.PRESETS, True, False),
            (Signatures.REQUIRED, Unsigned.ANYTHING, True, True),
        ],
    )
    def test_it_is_signed_where_it_has_to_be(
        self, signatures: Signatures, unsigned: Unsigned, redirects: bool, links: bool
    ) -> None:
        """Originals, which APIs tell of, may be had without where they may be had at all."""
        gate = Doorkeeper(signatures=signatures, unsigned=unsigned).gate
        url = "/media/abcdefgh/red%20shirt.jpg?download=true"

        assert ("signature=" in gate.redirect(url, Admitted(wanted("")))) == redirects
        assert ("signature=" in gate.link(url)) == links

    def test_it_is_admitted(self) -> None:
        keeper = Doorkeeper()

        _, _, query = keeper.gate.link("/media/abcdefgh/red%20shirt.jpg").partition("?")

        assert keeper.ask(query) == Admitted(wanted(""))

    def test_it_holds_no_longer_than_what_led_to_it(self) -> None:
        keeper = Doorkeeper()
        admitted = keeper.ask(signed(expires=EXPIRES))

        _, _, query = keeper.gate.redirect("/media/abcdefgh/red%20shirt.jpg", admitted).partition("?")

        assert keeper.ask(query).expires == EXPIRES
