"""`/openapi.json`: what this service answers, as OpenAPI 3.1, made of tables."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imgsvc.dialects.words import WORDS
from imgsvc.openapi import iqmetrix, operator, pictures, qooly, quable, struct
from imgsvc.openapi.operation import API_KEY, BEARER, TEXT, Answer, Operation, Operations, Schema

OPERATIONS: Operations = MappingProxyType(
    {
        **pictures.OPERATIONS,
        **struct.OPERATIONS,
        **iqmetrix.OPERATIONS,
        **quable.OPERATIONS,
        **qooly.OPERATIONS,
        **operator.OPERATIONS,
    }
)

_ABOUT = "Pictures by URL in exactly the size, crop and format asked for, and the asset APIs they are managed with."


def openapi_route() -> Route:
    text = msgspec.json.encode(openapi_document())

    async def show(request: Request) -> Response:
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-cache"})

    return Route("/openapi.json", show, methods=["GET"])


def openapi_document() -> dict[str, Any]:
    shapes = _Shapes()
    return {
        "openapi": "3.1.0",
        "info": {"title": "imgsvc", "version": version("imgsvc"), "description": _ABOUT},
        "paths": {
            path: {method: _operation_object(operation, shapes) for method, operation in methods.items()}
            for path, methods in OPERATIONS.items()
        },
        "components": {
            "schemas": shapes.components,
            "parameters": {word: _word_object(word) for word in WORDS},
            "securitySchemes": {
                BEARER: {"type": "http", "scheme": "bearer"},
                API_KEY: {"type": "apiKey", "in": "header", "name": "Authorization"},
            },
        },
    }


class _Shapes:
    """The schemas of all types that operations name."""

    def __init__(self) -> None:
        types = [
            shape
            for methods in OPERATIONS.values()
            for operation in methods.values()
            for shape in (operation.body, *(answer.shape for answer in operation.answers.values()))
            if shape is not None
        ]
        schemas, self.components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
        self._schemas: Mapping[int, Schema] = {id(shape): schema for shape, schema in zip(types, schemas, strict=True)}

    def schema(self, shape: Any) -> Schema:
        return self._schemas[id(shape)]


def _operation_object(operation: Operation, shapes: _Shapes) -> dict[str, Any]:
    parameters: list[Schema] = [
        {"name": name, "in": "path", "required": True, "description": meaning, "schema": TEXT}
        for name, meaning in operation.path.items()
    ]
    parameters += [
        {"name": name, "in": "query", "description": parameter.meaning, "schema": parameter.schema}
        for name, parameter in operation.query.items()
    ]
    if operation.takes_transform:
        parameters += [{"$ref": f"#/components/parameters/{word}"} for word in WORDS]
    described: dict[str, Any] = {
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": parameters,
        "responses": {str(status): _answer_object(answer, shapes) for status, answer in _answers(operation).items()},
    }
    if operation.scheme is not None:
        described["security"] = [{operation.scheme: []}]
    content = _request_content(operation, shapes)
    if content:
        described["requestBody"] = {"required": True, "content": content}
    return described


def _answers(operation: Operation) -> Mapping[int, Answer]:
    """With what any of them answers to a path that no URL can have, in its own words."""
    not_there = operation.answers.get(404)
    if not operation.path or not_there is None:
        return operation.answers
    return {400: replace(not_there, meaning="The path is not well-formed."), **operation.answers}


def _request_content(operation: Operation, shapes: _Shapes) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if operation.body is not None:
        content["application/json"] = {"schema": shapes.schema(operation.body)}
    if operation.file_part is not None:
        file: Schema = {"type": "string", "contentMediaType": "application/octet-stream"}
        schema: Schema = {
            "type": "object",
            "required": [operation.file_part],
            "properties": {operation.file_part: file},
        }
        content["multipart/form-data"] = {"schema": schema}
    return content


def _answer_object(answer: Answer, shapes: _Shapes) -> Schema:
    described: Schema = {"description": answer.meaning}
    content: dict[str, Schema] = {media_type: {} for media_type in answer.media_types}
    if answer.shape is not None:
        content[answer.media_type] = {"schema": shapes.schema(answer.shape)}
    if content:
        described["content"] = content
    if answer.headers:
        described["headers"] = {name: {"schema": TEXT} for name in answer.headers}
    return described


def _word_object(word: str) -> Schema:
    row = WORDS[word]
    return {
        "name": word,
        "in": "query",
        "description": f"{row.meaning}. Expected: {row.expected}.",
        "schema": TEXT,
    }
