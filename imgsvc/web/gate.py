"""Which picture URLs are answered: those that were signed, and of the others those that ask for little enough."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote

from imgsvc.core.bounds import Bounds, Signatures, Unsigned
from imgsvc.core.errors import InvalidSignature
from imgsvc.core.requests import PictureRequest
from imgsvc.core.signing import SigningKeys
from imgsvc.dialects.signed import Claim, Form, is_signed, read_claim, sign_query, signed_shape


class Admitted(NamedTuple):
    """`wanted` as it may be answered. `expires`: Unix time until which its URL holds, None for ever."""

    wanted: PictureRequest
    expires: int | None = None
    seconds_left: int | None = None


class Gate:
    """`now` is UTC."""

    def __init__(
        self, *, signatures: Signatures, bounds: Bounds, keys: SigningKeys, now: Callable[[], datetime]
    ) -> None:
        self._is_required = signatures is Signatures.REQUIRED
        self._is_open = signatures is Signatures.OFF and bounds.unsigned is Unsigned.ANYTHING
        self._signs_redirects = self._is_required or bounds.unsigned is not Unsigned.ANYTHING
        self._bounds = bounds
        self._keys = keys
        self._now = now

    def admit(self, path: str, query: str, wanted: PictureRequest) -> Admitted:
        """`path` decoded, as the service itself has it. Raises InvalidSignature, NotPermitted, InvalidParameter."""
        if self._is_open:
            return Admitted(wanted)
        claim = read_claim(query)
        if claim is None:
            if self._is_required:
                raise InvalidSignature("Pictures need a signature here.")
            return Admitted(self._bounds.bound_unsigned(wanted))
        admitted = self._signed_request(claim, path, query, wanted)
        if claim.expires is None:
            return Admitted(admitted)
        left = claim.expires - self._now().timestamp()
        if left < 0:
            raise InvalidSignature("The URL has expired.")
        return Admitted(admitted, claim.expires, int(left))

    def redirect(self, url: str, admitted: Admitted) -> str:
        """A path and query of ours, signed where nobody could follow it otherwise, no longer than what led to it."""
        return self._sign(url, admitted.expires) if self._signs_redirects else url

    def link(self, url: str) -> str:
        """A path and query of ours for an API's answer, signed where pictures need it; it does not expire."""
        return self._sign(url, None) if self._is_required else url

    def _signed_request(self, claim: Claim, path: str, query: str, wanted: PictureRequest) -> PictureRequest:
        """Both forms are tried: nothing in a URL says which it is."""
        exact, floating = (is_signed(claim, form, path, query, self._keys) for form in Form)
        if exact:
            return wanted
        if not floating:
            raise InvalidSignature("The URL's signature is not right.")
        return self._bounds.bound_floating(wanted, shape=signed_shape(query))

    def _sign(self, url: str, expires: int | None) -> str:
        path, _, query = url.partition("?")
        return f"{path}?{sign_query(unquote(path), query, self._keys, expires=expires)}"
