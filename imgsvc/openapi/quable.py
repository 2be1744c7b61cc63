"""Quable's API, described."""

from types import MappingProxyType

from imgsvc.apis.quable.failures import HydraError
from imgsvc.apis.quable.hydra import DEFAULT_LIMIT, MAX_LIMIT
from imgsvc.apis.quable.routes import PART
from imgsvc.apis.quable.shapes import AssetCollection, AssetInput, AssetOutput, FileOutput, LinkInput, LinkOutput
from imgsvc.openapi.operation import BEARER, NUMBER, Answer, Operation, Operations, Parameter

_LD_JSON = "application/ld+json"
_TAG = "Quable"


def _failure(meaning: str, *headers: str) -> Answer:
    return Answer(meaning=meaning, shape=HydraError, media_type=_LD_JSON, headers=headers)


_ASSET = Answer(meaning="The asset.", shape=AssetOutput, media_type=_LD_JSON)
_LINK = Answer(meaning="The link.", shape=LinkOutput, media_type=_LD_JSON)
_GONE = Answer(meaning="It is gone.")

_WRONG = _failure("A field or a parameter is not what it must be; the description names it.")
_NO_ASSET = _failure("There is no such asset, or no such file.")
_NO_LINK = _failure("There is no such link.")
_TAKEN = _failure("Another asset has that id.")
_TOO_LARGE = _failure("The file is too large.")
_UNFIT = _failure("The bytes are not what their name says, or cannot be decoded.")
_NOT_FETCHED = _failure("`remotePath` could not be fetched; `cause` says why.")

_GUARDED = {
    401: _failure("No token, or an unknown one.", "WWW-Authenticate"),
    403: _failure("The token does not permit it."),
    503: _failure("Not now; Retry-After says when.", "Retry-After"),
}

_ASSET_ID = {"id": "the asset's id, or its GUID"}
_LINK_ID = {"id": "the link's number"}

OPERATIONS: Operations = MappingProxyType(
    {
        "/quable/api/files": {
            "post": Operation(
                summary="Send a file ahead of its asset, within a week; a field `fileType` is `asset`",
                tag=_TAG,
                scheme=BEARER,
                file_part=PART,
                answers={
                    201: Answer(meaning="The file.", shape=FileOutput, media_type=_LD_JSON),
                    400: _WRONG,
                    413: _TOO_LARGE,
                    422: _UNFIT,
                    **_GUARDED,
                },
            )
        },
        "/quable/api/assets": {
            "get": Operation(
                summary="All assets, oldest first, page by page",
                tag=_TAG,
                scheme=BEARER,
                query={
                    "page": Parameter(meaning="from 1, which is the default", schema=NUMBER),
                    "limit": Parameter(
                        meaning=f"assets a page, {DEFAULT_LIMIT} by default", schema={**NUMBER, "maximum": MAX_LIMIT}
                    ),
                },
                answers={
                    200: Answer(meaning="A page.", shape=AssetCollection, media_type=_LD_JSON),
                    400: _WRONG,
                    **_GUARDED,
                },
            ),
            "post": Operation(
                summary="Create an asset of a file that was sent ahead, or of one at another server",
                tag=_TAG,
                scheme=BEARER,
                body=AssetInput,
                answers={
                    201: _ASSET,
                    400: _WRONG,
                    404: _NO_ASSET,
                    409: _TAKEN,
                    413: _TOO_LARGE,
                    422: _UNFIT,
                    502: _NOT_FETCHED,
                    **_GUARDED,
                },
            ),
        },
        "/quable/api/assets/{id}": {
            "get": Operation(
                summary="An asset",
                tag=_TAG,
                scheme=BEARER,
                path=_ASSET_ID,
                answers={200: _ASSET, 404: _NO_ASSET, **_GUARDED},
            ),
            "put": Operation(
                summary="Change what the body names: attributes one by one, their languages, too",
                tag=_TAG,
                scheme=BEARER,
                path=_ASSET_ID,
                body=AssetInput,
                answers={
                    200: _ASSET,
                    400: _WRONG,
                    404: _NO_ASSET,
                    413: _TOO_LARGE,
                    422: _UNFIT,
                    502: _NOT_FETCHED,
                    **_GUARDED,
                },
            ),
            "delete": Operation(
                summary="Delete an asset, its links, and bytes that nothing else shows",
                tag=_TAG,
                scheme=BEARER,
                path=_ASSET_ID,
                answers={204: _GONE, 404: _NO_ASSET, **_GUARDED},
            ),
        },
        "/quable/api/links": {
            "post": Operation(
                summary="Link a document to an asset",
                tag=_TAG,
                scheme=BEARER,
                body=LinkInput,
                answers={201: _LINK, 400: _WRONG, 404: _NO_ASSET, **_GUARDED},
            )
        },
        "/quable/api/links/{id}": {
            "get": Operation(
                summary="A link",
                tag=_TAG,
                scheme=BEARER,
                path=_LINK_ID,
                answers={200: _LINK, 404: _NO_LINK, **_GUARDED},
            ),
            "delete": Operation(
                summary="Take a link back",
                tag=_TAG,
                scheme=BEARER,
                path=_LINK_ID,
                answers={204: _GONE, 404: _NO_LINK, **_GUARDED},
            ),
        },
    }
)
