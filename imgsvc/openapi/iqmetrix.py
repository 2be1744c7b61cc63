"""iQmetrix' Assets API, described."""

from types import MappingProxyType

from imgsvc.apis.iqmetrix.routes import PART
from imgsvc.apis.iqmetrix.shapes import AssetShape
from imgsvc.openapi.operation import (
    BEARER,
    NOT_NOW,
    NOT_PERMITTED,
    NOT_THERE,
    UNKNOWN_TOKEN,
    Answer,
    Operation,
    Operations,
    failure,
)

_ASSET = Answer(meaning="The asset.", shape=AssetShape)

OPERATIONS: Operations = MappingProxyType(
    {
        "/iqmetrix/assets": {
            "post": Operation(
                summary="Take a file in",
                tag="iQmetrix",
                scheme=BEARER,
                file_part=PART,
                answers={
                    201: _ASSET,
                    400: failure("No file, more than one, no multipart/form-data, or no picture though it says so."),
                    401: UNKNOWN_TOKEN,
                    403: NOT_PERMITTED,
                    413: failure("The file is too large."),
                    503: NOT_NOW,
                },
            )
        },
        "/iqmetrix/assets/{id}": {
            "get": Operation(
                summary="An asset; without a token by its GUID alone",
                tag="iQmetrix",
                path={"id": "the asset's GUID"},
                answers={200: _ASSET, 401: UNKNOWN_TOKEN, 404: NOT_THERE, 503: NOT_NOW},
            )
        },
    }
)
