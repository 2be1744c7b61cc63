"""Whether an answer is the picture that was asked for; a server that is quick and wrong is not compared."""

import io

import httpx
from PIL import Image

from benchmarks.jobs import Ask
from benchmarks.originals import ORIGINALS

_CONTENT_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "avif": "image/avif"}
_NEARLY_WHITE = 248


class WrongAnswer(Exception):
    """The text says what was expected and what came."""


def check_answer(response: httpx.Response, *, ask: Ask, original: str) -> None:
    """Raises WrongAnswer."""
    if response.status_code != 200:
        raise WrongAnswer(f"expected status 200, got {response.status_code}")
    content_type = response.headers.get("content-type", "nothing")
    if content_type != _CONTENT_TYPES[ask.extension]:
        raise WrongAnswer(f"expected {_CONTENT_TYPES[ask.extension]}, got {content_type}")
    try:
        with Image.open(io.BytesIO(response.content)) as picture:
            picture.load()
            _check_picture(picture, ask=ask, original=original)
    except OSError as error:
        raise WrongAnswer(f"the {ask.extension} answered does not decode") from error


def _check_picture(picture: Image.Image, *, ask: Ask, original: str) -> None:
    width, height = ORIGINALS[original].width, ORIGINALS[original].height
    if picture.format != {"jpg": "JPEG"}.get(ask.extension, ask.extension.upper()):
        raise WrongAnswer(f"expected {ask.extension}, got {picture.format}")
    # Heights may be rounded either way.
    if picture.width != ask.width or abs(picture.height - ask.width * height / width) >= 1:
        raise WrongAnswer(f"expected {ask.width} px wide of {width}x{height}, got {picture.width}x{picture.height}")
    if original != "cut4k":
        return
    # Bytes rather than getpixel(), which is typed as anything an image of any mode may hold.
    red, green, blue, alpha = picture.convert("RGBA").crop((0, 0, 1, 1)).tobytes()
    if ask.extension == "jpg" and min(red, green, blue) < _NEARLY_WHITE:
        raise WrongAnswer(f"expected white around the subject, got {red, green, blue}")
    if ask.extension != "jpg" and alpha != 0:
        raise WrongAnswer("expected nothing around the subject, got it opaque")
