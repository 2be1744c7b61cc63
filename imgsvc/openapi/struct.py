"""Struct PIM's Assets API, described."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from imgsvc.apis.struct.batches import LinkShape
from imgsvc.apis.struct.routes import PART
from imgsvc.apis.struct.shapes import (
    AssetUpdate,
    FolderUpdate,
    NewFolder,
    StructAsset,
    StructFolder,
    StructReferences,
)
from imgsvc.dialects.words import WORDS
from imgsvc.openapi.operation import (
    API_KEY,
    NOT_NOW,
    NOT_PERMITTED,
    NOT_THERE,
    NUMBER,
    TEXT,
    UNKNOWN_TOKEN,
    Answer,
    Operation,
    Operations,
    Parameter,
    failure,
)

_DONE = Answer(meaning="It is done; the body is empty.")
_ASSET = Answer(meaning="The asset.", shape=StructAsset)
_ASSETS = Answer(meaning="The assets.", shape=list[StructAsset])
_FOLDERS = Answer(meaning="The folders.", shape=list[StructFolder])

_ID = {"id": "the asset's id; its GUID or its slug will do"}
_FOLDER_ID = {"id": "the folder's id"}
_PLACE_ID = {"id": "the folder's id, or root"}
_FOLDER_QUERY = {"folderId": Parameter(meaning="The folder it shall lie in; without one, the root.", schema=TEXT)}

_NO_SUCH_FOLDER = failure("There is no such folder.")
_NO_SUCH_ASSET_OR_FOLDER = failure("There is no such asset, or no such folder; nothing is changed.")
_TAKEN = failure("A folder would lie in itself, or the name is taken beside it; nothing is changed.")
_NOT_EMPTY = failure("Something lies in the folder; nothing is deleted.")
_TOO_LARGE = failure("The body is too large.")
_WRONG_BODY = failure("The body is not what is described.")
_NO_FILE = failure("No file, more than one, or no multipart/form-data.")

_READING: Mapping[int, Answer] = {401: UNKNOWN_TOKEN, 403: NOT_PERMITTED, 503: NOT_NOW}
_SENDING: Mapping[int, Answer] = {**_READING, 400: _WRONG_BODY, 413: _TOO_LARGE}
_UPLOADING: Mapping[int, Answer] = {
    **_READING,
    400: _NO_FILE,
    404: _NO_SUCH_ASSET_OR_FOLDER,
    413: failure("The file is too large."),
    415: failure("The file is empty, or says that it is a picture and is none."),
    422: failure("The picture cannot be decoded, or has too many pixels."),
}

_ZIP = Answer(
    meaning="The archive; with its length, an ETag and ranges where all of it is known.",
    media_types=("application/zip",),
    headers=("Content-Disposition",),
)
_ZIP_RANGE = Answer(
    meaning="The range of it that was asked for.", media_types=("application/zip",), headers=("Content-Range",)
)
_NO_ZIP_RANGE = Answer(meaning="Nothing of the archive lies in that range.")
_PACKING: Mapping[int, Answer] = {
    **_SENDING,
    400: failure("The body is not a list of 1 to 100,000 ids, or a parameter has a value that cannot be meant."),
    404: failure("There is no such asset; the body says which."),
}
_RENDITION_QUERY = {
    "maxWidth": Parameter(meaning="Pictures are scaled into this width, px.", schema=NUMBER),
    "maxHeight": Parameter(meaning="Pictures are scaled into this height, px.", schema=NUMBER),
    "format": Parameter(meaning=f"Of pictures. Expected: {WORDS['format'].expected}.", schema=TEXT),
    "bgcolor": Parameter(
        meaning=f"Where the canvas is expanded, and under alpha. Expected: {WORDS['bgcolor'].expected}.", schema=TEXT
    ),
}


def _operation(summary: str, answers: Mapping[int, Answer], **described: Any) -> Operation:
    return Operation(
        summary=summary, tag="Struct PIM", scheme=API_KEY, answers=dict(sorted(answers.items())), **described
    )


OPERATIONS: Operations = MappingProxyType(
    {
        "/struct/assets": {
            "post": _operation("Take a file in", {**_UPLOADING, 200: _ASSET}, query=_FOLDER_QUERY, file_part=PART),
            "put": _operation(
                "Names and folders of assets by id: all or none",
                {**_SENDING, 200: _DONE, 404: _NO_SUCH_ASSET_OR_FOLDER},
                body=dict[str, AssetUpdate],
            ),
            "delete": _operation(
                "Delete assets by id: all or none",
                {**_SENDING, 200: _DONE, 404: NOT_THERE},
                body=list[str],
            ),
        },
        "/struct/assets/ids": {
            "get": _operation(
                "The ids of all assets", {**_READING, 200: Answer(meaning="The ids, oldest first.", shape=list[str])}
            ),
        },
        "/struct/assets/batch": {
            "post": _operation(
                "Assets by id, in the order asked; unknown ones are left out",
                {**_SENDING, 200: _ASSETS},
                body=list[str],
            ),
        },
        "/struct/assets/batch/data": {
            "post": _operation(
                "Originals or renditions of assets as one zip",
                {**_PACKING, 200: _ZIP, 206: _ZIP_RANGE, 416: _NO_ZIP_RANGE},
                body=list[str],
                query=_RENDITION_QUERY,
            ),
        },
        "/struct/assets/batch/data/link": {
            "post": _operation(
                "A link to that zip which holds for a while and needs no token",
                {**_PACKING, 200: Answer(meaning="The link.", shape=LinkShape)},
                body=list[str],
                query=_RENDITION_QUERY,
            ),
        },
        "/struct/assets/batch/data/{download}": {
            "get": Operation(
                summary="The zip that a link was made to",
                tag="Struct PIM",
                path={"download": "as the link has it"},
                query={
                    "expires": Parameter(meaning="As the link has it.", schema=TEXT),
                    "kid": Parameter(meaning="As the link has it.", schema=TEXT),
                    "signature": Parameter(meaning="As the link has it.", schema=TEXT),
                },
                answers={
                    200: _ZIP,
                    206: _ZIP_RANGE,
                    304: Answer(meaning="What the client has is still right."),
                    403: failure("The signature is not right, or the link has expired."),
                    404: failure("An asset was deleted since the link was made."),
                    416: _NO_ZIP_RANGE,
                    503: NOT_NOW,
                },
            ),
        },
        "/struct/assets/{id}": {
            "get": _operation("An asset", {**_READING, 200: _ASSET, 404: NOT_THERE}, path=_ID),
            "put": _operation(
                "An asset's name and folder; what is left out stays",
                {**_SENDING, 200: _DONE, 404: _NO_SUCH_ASSET_OR_FOLDER},
                path=_ID,
                body=AssetUpdate,
            ),
            "delete": _operation("Delete an asset", {**_READING, 200: _DONE, 404: NOT_THERE}, path=_ID),
        },
        "/struct/assets/{id}/data": {
            "put": _operation(
                "Let an asset show another file; ids and URLs stay",
                {**_UPLOADING, 200: _DONE, 404: NOT_THERE},
                path=_ID,
                file_part=PART,
            ),
        },
        "/struct/assets/{id}/references": {
            "get": _operation(
                "What refers to an asset",
                {**_READING, 200: Answer(meaning="The ids, by kind.", shape=StructReferences), 404: NOT_THERE},
                path=_ID,
            ),
        },
        "/struct/assets/folders": {
            "post": _operation(
                "Make folders: all or none",
                {
                    **_SENDING,
                    200: Answer(meaning="Their ids, by name.", shape=dict[str, str]),
                    404: _NO_SUCH_FOLDER,
                    409: failure("The name is taken beside it, or two of them have the same; nothing is made."),
                },
                body=list[NewFolder],
            ),
            "put": _operation(
                "Names and parents of folders by id: all or none",
                {**_SENDING, 200: _DONE, 404: _NO_SUCH_FOLDER, 409: _TAKEN},
                body=dict[str, FolderUpdate],
            ),
            "delete": _operation(
                "Delete folders by id: all or none",
                {**_SENDING, 200: _DONE, 404: _NO_SUCH_FOLDER, 409: _NOT_EMPTY},
                body=list[str],
            ),
        },
        "/struct/assets/folders/batch": {
            "post": _operation(
                "Folders by id, in the order asked; unknown ones are left out",
                {**_SENDING, 200: _FOLDERS},
                body=list[str],
            ),
        },
        "/struct/assets/folders/{id}": {
            "get": _operation(
                "A folder",
                {**_READING, 200: Answer(meaning="The folder.", shape=StructFolder), 404: _NO_SUCH_FOLDER},
                path=_FOLDER_ID,
            ),
            "put": _operation(
                "A folder's name and parent; what is left out stays",
                {**_SENDING, 200: _DONE, 404: _NO_SUCH_FOLDER, 409: _TAKEN},
                path=_FOLDER_ID,
                body=FolderUpdate,
            ),
            "delete": _operation(
                "Delete an empty folder",
                {**_READING, 200: _DONE, 404: _NO_SUCH_FOLDER, 409: _NOT_EMPTY},
                path=_FOLDER_ID,
            ),
        },
        "/struct/assets/folders/{id}/subfolders": {
            "get": _operation(
                "The folders in a folder, by name", {**_READING, 200: _FOLDERS, 404: _NO_SUCH_FOLDER}, path=_PLACE_ID
            ),
        },
        "/struct/assets/folders/{id}/assets": {
            "get": _operation(
                "The assets in a folder, by name", {**_READING, 200: _ASSETS, 404: _NO_SUCH_FOLDER}, path=_PLACE_ID
            ),
        },
        "/struct/assets/folders/{id}/assets/{filename}": {
            "get": _operation(
                "An asset in a folder by its name",
                {**_READING, 200: _ASSET, 404: failure("There is no such folder, or no asset of that name in it.")},
                path={**_PLACE_ID, "filename": "the asset's name, with its extension or without"},
            ),
        },
    }
)
