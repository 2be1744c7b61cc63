"""The picture URLs, described."""

from types import MappingProxyType

from imgsvc.core.formats import FORMATS
from imgsvc.core.media import MEDIA_TYPES, UNKNOWN
from imgsvc.dialects.words import WORDS
from imgsvc.openapi.operation import NOT_NOW, NOT_THERE, TEXT, Answer, Operation, Operations, Parameter, failure

_PICTURE = tuple(dict.fromkeys(row.media_type for row in FORMATS.values()))
_FILE = tuple(dict.fromkeys((*_PICTURE, *MEDIA_TYPES.values(), UNKNOWN)))
_HEADERS = ("ETag", "Last-Modified", "Cache-Control", "Accept-Ranges", "Vary", "Surrogate-Key", "Server-Timing")
_ANSWERS = {
    200: Answer(meaning="The picture.", media_types=_FILE, headers=_HEADERS),
    206: Answer(
        meaning="The ranges of it that were asked for.",
        media_types=(*_FILE, "multipart/byteranges"),
        headers=("Content-Range",),
    ),
    304: Answer(meaning="What the client has is still right."),
    400: failure("A parameter has a value that cannot be meant, or the path is not well-formed."),
    403: failure("A signature is missing, wrong or expired, or the URL asks for more than it may without one."),
    404: NOT_THERE,
    412: failure("The picture is not the one that If-Match or If-Unmodified-Since names."),
    416: failure("Nothing of the picture lies in those ranges."),
    422: failure("The original is no picture, cannot be decoded, is too large, or is set aside."),
    429: failure("This client asks for too many new renditions; Retry-After says when.", "Retry-After"),
    503: NOT_NOW,
}
_REDIRECT = Answer(meaning="The picture's own URL.", headers=("Location", "Cache-Control", "Vary"))
_QUERY = {
    word: Parameter(meaning=f"{WORDS[word].meaning}. Expected: {WORDS[word].expected}.", schema=TEXT)
    for word in ("expires", "kid", "signature")
}

OPERATIONS: Operations = MappingProxyType(
    {
        "/media/{slug}/{file_name}": {
            "get": Operation(
                summary="A picture, by Struct PIM's address",
                tag="pictures",
                path={"slug": "the asset's eight characters", "file_name": "any; for people"},
                takes_transform=True,
                answers=_ANSWERS,
            )
        },
        "/images/{name}": {
            "get": Operation(
                summary="A picture with an extension, or without one a redirect to exactly that rendition",
                tag="pictures",
                path={"name": "the asset's GUID, or GUID.extension"},
                takes_transform=True,
                answers={**_ANSWERS, 303: _REDIRECT},
            )
        },
        "/images/{guid}/preview/{width}/{height}": {
            "get": Operation(
                summary="A picture no larger than that, as iQmetrix' clients ask for it",
                tag="pictures",
                path={"guid": "the asset's GUID", "width": "at most, px", "height": "at most, px"},
                query=_QUERY,
                answers=_ANSWERS,
            )
        },
        "/images/{guid}/{transform}/{key}/{file_name}": {
            "get": Operation(
                summary="Exactly one rendition, for ever; a redirect where the original was replaced",
                tag="pictures",
                path={
                    "guid": "the asset's GUID",
                    "transform": "what was asked for, as a redirect wrote it",
                    "key": "32 hexadecimal digits",
                    "file_name": "any; for people",
                },
                query=_QUERY,
                answers={**_ANSWERS, 303: _REDIRECT},
            )
        },
        "/cdn/{instance}/{code}/{preset}/{file_name}": {
            "get": Operation(
                summary="A picture by Quable's address: the original, or a preset's rendition",
                tag="pictures",
                path={
                    "instance": "whose asset",
                    "code": "the asset's id at Quable's API",
                    "preset": "original, a preset's code, or a size such as 600x600, 1920x, x480",
                    "file_name": "any; its extension is the output format",
                },
                query=_QUERY,
                answers=_ANSWERS,
            )
        },
    }
)
