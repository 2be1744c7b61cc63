"""`/openapi.json`: what this service answers, as OpenAPI 3.1, made of the tables that answer it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imgsvc.apis.iqmetrix.routes import PART
from imgsvc.apis.iqmetrix.shapes import AssetShape
from imgsvc.core.formats import FORMATS
from imgsvc.dialects.words import WORDS
from imgsvc.web.health import HealthShape
from imgsvc.web.problems import Problem

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. `answers`: status to what it means and the schema or media types of its body."""

    summary: str
    tag: str
    answers: Mapping[int, "Answer"]
    path: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    takes_transform: bool = False
    takes_file: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    meaning: str
    content: Mapping[str, Schema] = field(default_factory=lambda: MappingProxyType({}))
    headers: tuple[str, ...] = ()


def openapi_route() -> Route:
    text = msgspec.json.encode(openapi_document())

    async def show(request: Request) -> Response:
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-cache"})

    return Route("/openapi.json", show, methods=["GET"])


def openapi_document() -> dict[str, Any]:
    _, components = msgspec.json.schema_components(
        (AssetShape, Problem, HealthShape), ref_template="#/components/schemas/{name}"
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "imgsvc", "version": version("imgsvc"), "description": _ABOUT},
        "paths": {
            path: {method: _operation_object(operation) for method, operation in methods.items()}
            for path, methods in OPERATIONS.items()
        },
        "components": {
            "schemas": components,
            "parameters": {word: _word_object(word) for word in WORDS},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation_object(operation: Operation) -> dict[str, Any]:
    parameters: list[Schema] = [
        {"name": name, "in": "path", "required": True, "description": meaning, "schema": {"type": "string"}}
        for name, meaning in operation.path.items()
    ]
    if operation.takes_transform:
        parameters += [{"$ref": f"#/components/parameters/{word}"} for word in WORDS]
    described: dict[str, Any] = {
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": parameters,
        "responses": {str(status): _answer_object(answer) for status, answer in operation.answers.items()},
    }
    if operation.takes_file:
        described["security"] = [{"token": []}]
        file: Schema = {"type": "string", "contentMediaType": "application/octet-stream"}
        schema: Schema = {"type": "object", "required": [PART], "properties": {PART: file}}
        described["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    return described


def _answer_object(answer: Answer) -> Schema:
    described: Schema = {"description": answer.meaning}
    if answer.content:
        described["content"] = {kind: {"schema": schema} for kind, schema in answer.content.items()}
    if answer.headers:
        described["headers"] = {name: {"schema": {"type": "string"}} for name in answer.headers}
    return described


def _word_object(word: str) -> Schema:
    row = WORDS[word]
    return {
        "name": word,
        "in": "query",
        "description": f"{row.meaning}. Expected: {row.expected}.",
        "schema": {"type": "string"},
    }


_ABOUT = "Pictures by URL in exactly the size, crop and format asked for, and the asset APIs they are managed with."

_PROBLEM: Mapping[str, Schema] = MappingProxyType(
    {"application/problem+json": {"$ref": "#/components/schemas/Problem"}}
)
_PICTURE: Mapping[str, Schema] = MappingProxyType({row.media_type: {} for row in FORMATS.values()})
_ASSET: Mapping[str, Schema] = MappingProxyType({"application/json": {"$ref": "#/components/schemas/AssetShape"}})
_HEALTH: Mapping[str, Schema] = MappingProxyType({"application/json": {"$ref": "#/components/schemas/HealthShape"}})

_NOT_THERE = Answer(meaning="There is no such asset.", content=_PROBLEM)
_PICTURE_HEADERS = ("ETag", "Last-Modified", "Cache-Control", "Accept-Ranges")
_PICTURE_ANSWERS: Mapping[int, Answer] = MappingProxyType(
    {
        200: Answer(meaning="The picture.", content=_PICTURE, headers=_PICTURE_HEADERS),
        206: Answer(meaning="The range of it that was asked for.", content=_PICTURE, headers=("Content-Range",)),
        304: Answer(meaning="What the client has is still right."),
        400: Answer(meaning="A parameter has a value that cannot be meant.", content=_PROBLEM),
        403: Answer(meaning="Metadata is not given out.", content=_PROBLEM),
        404: _NOT_THERE,
        416: Answer(meaning="Nothing of the picture lies in that range."),
        422: Answer(meaning="The original cannot be decoded, or is too large.", content=_PROBLEM),
        503: Answer(meaning="Not now; Retry-After says when.", content=_PROBLEM, headers=("Retry-After",)),
    }
)
_REDIRECT = Answer(meaning="The picture's own URL.", headers=("Location", "Cache-Control"))

OPERATIONS: Mapping[str, Mapping[str, Operation]] = MappingProxyType(
    {
        "/media/{slug}/{file_name}": {
            "get": Operation(
                summary="A picture, by Struct PIM's address",
                tag="pictures",
                path={"slug": "the asset's eight characters", "file_name": "any; for people"},
                takes_transform=True,
                answers=_PICTURE_ANSWERS,
            )
        },
        "/images/{name}": {
            "get": Operation(
                summary="A picture with an extension, or without one a redirect to exactly that rendition",
                tag="pictures",
                path={"name": "the asset's GUID, or GUID.extension"},
                takes_transform=True,
                answers={**_PICTURE_ANSWERS, 303: _REDIRECT},
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
                answers={**_PICTURE_ANSWERS, 303: _REDIRECT},
            )
        },
        "/iqmetrix/assets": {
            "post": Operation(
                summary="Take a picture in",
                tag="iQmetrix",
                takes_file=True,
                answers={
                    201: Answer(meaning="The asset.", content=_ASSET),
                    400: Answer(meaning="No file, more than one, or no multipart/form-data.", content=_PROBLEM),
                    401: Answer(
                        meaning="No token, or an unknown one.", content=_PROBLEM, headers=("WWW-Authenticate",)
                    ),
                    403: Answer(meaning="The token does not permit to write.", content=_PROBLEM),
                    413: Answer(meaning="The file is too large.", content=_PROBLEM),
                    415: Answer(meaning="The file is of a format that is not taken in.", content=_PROBLEM),
                    422: Answer(meaning="The picture cannot be decoded, or is too large.", content=_PROBLEM),
                    503: Answer(meaning="Not now; Retry-After says when.", content=_PROBLEM, headers=("Retry-After",)),
                },
            )
        },
        "/iqmetrix/assets/{guid}": {
            "get": Operation(
                summary="An asset",
                tag="iQmetrix",
                path={"guid": "the asset's GUID"},
                answers={200: Answer(meaning="The asset.", content=_ASSET), 404: _NOT_THERE},
            )
        },
        "/healthz": {
            "get": Operation(
                summary="Whether the process lives",
                tag="operation",
                answers={200: Answer(meaning="It does.", content=_HEALTH)},
            )
        },
        "/readyz": {
            "get": Operation(
                summary="Whether catalogue and renderer answer",
                tag="operation",
                answers={
                    200: Answer(meaning="They do.", content=_HEALTH),
                    503: Answer(meaning="One does not; the body says which.", content=_HEALTH),
                },
            )
        },
        "/metrics": {
            "get": Operation(
                summary="Prometheus metrics of all processes",
                tag="operation",
                answers={200: Answer(meaning="The metrics.", content={"text/plain": {"type": "string"}})},
            )
        },
        "/openapi.json": {
            "get": Operation(
                summary="This document",
                tag="operation",
                answers={200: Answer(meaning="The document.", content={"application/json": {"type": "object"}})},
            )
        },
    }
)
