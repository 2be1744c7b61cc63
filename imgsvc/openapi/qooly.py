"""Qooly's Asset API, described."""

from types import MappingProxyType

from imgsvc.apis.qooly.routes import DEFAULT_PAGE, LARGEST_PAGE, PART
from imgsvc.apis.qooly.shapes import AssetFields, AssetShape, NewAssetFields
from imgsvc.openapi.operation import (
    BEARER,
    NOT_NOW,
    NOT_PERMITTED,
    NOT_THERE,
    NUMBER,
    UNKNOWN_TOKEN,
    Answer,
    Operation,
    Operations,
    Parameter,
    failure,
)

_TAG = "Qooly"
_ID = MappingProxyType({"id": "the asset's number; its GUID or slug, too"})
_ASSET = Answer(meaning="The asset.", shape=AssetShape)

_NOT_TAKEN = {
    400: failure("A field is missing or wrong; `parameter` names it."),
    401: UNKNOWN_TOKEN,
    403: NOT_PERMITTED,
    413: failure("The file is too large."),
    415: failure("The file is empty, or no picture though its name says so."),
    422: failure("The picture cannot be decoded to its end, or has too many pixels."),
    502: failure("The file could not be fetched; `cause` says why."),
    503: NOT_NOW,
}

_UPDATE = Operation(
    summary="Change an asset; what is left out stays, and a new file is shown under all its URLs at once",
    tag=_TAG,
    scheme=BEARER,
    path=_ID,
    body=AssetFields,
    file_part=PART,
    answers={200: _ASSET, **_NOT_TAKEN, 404: NOT_THERE},
)

OPERATIONS: Operations = MappingProxyType(
    {
        "/qooly/v1/assets": {
            "get": Operation(
                summary="All assets, oldest first; with page or limit that many of them",
                tag=_TAG,
                scheme=BEARER,
                query={
                    "page": Parameter(meaning=f"from 1; of {DEFAULT_PAGE} assets without limit", schema=NUMBER),
                    "limit": Parameter(meaning="assets of a page", schema={**NUMBER, "maximum": LARGEST_PAGE}),
                },
                answers={
                    200: Answer(meaning="The assets.", shape=list[AssetShape]),
                    400: failure("A number that is none."),
                    401: UNKNOWN_TOKEN,
                    403: NOT_PERMITTED,
                    503: NOT_NOW,
                },
            ),
            "post": Operation(
                summary="Take a file in, by URL or as a part of a form",
                tag=_TAG,
                scheme=BEARER,
                body=NewAssetFields,
                file_part=PART,
                answers={201: _ASSET, **_NOT_TAKEN},
            ),
        },
        "/qooly/v1/assets/{id}": {
            "get": Operation(
                summary="An asset",
                tag=_TAG,
                scheme=BEARER,
                path=_ID,
                answers={200: _ASSET, 401: UNKNOWN_TOKEN, 403: NOT_PERMITTED, 404: NOT_THERE, 503: NOT_NOW},
            ),
            "put": _UPDATE,
            "patch": _UPDATE,
            "delete": Operation(
                summary="Delete an asset, and its file where no other asset shows it",
                tag=_TAG,
                scheme=BEARER,
                path=_ID,
                answers={
                    200: Answer(meaning="An empty object.", shape=dict[str, str]),
                    401: UNKNOWN_TOKEN,
                    403: NOT_PERMITTED,
                    404: NOT_THERE,
                    503: NOT_NOW,
                },
            ),
        },
    }
)
