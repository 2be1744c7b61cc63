"""How an operation is described: the values that the tables of this package are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from imgsvc.web.problems import Problem

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`shape`: a type that msgspec makes a schema of; `media_types`: of a body that is none."""

    meaning: str
    shape: Any = None
    media_type: str = "application/json"
    media_types: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """Of a query."""

    meaning: str
    schema: Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. `body`: a type, as an answer's shape. `file_part`: the part that holds the one file."""

    summary: str
    tag: str
    answers: Mapping[int, Answer]
    path: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    query: Mapping[str, Parameter] = field(default_factory=lambda: MappingProxyType({}))
    body: Any = None
    file_part: str | None = None
    takes_transform: bool = False
    scheme: str | None = None


Operations = Mapping[str, Mapping[str, Operation]]
"""By path and by method in lower case."""

BEARER = "bearer"
API_KEY = "apiKey"


def failure(meaning: str, *headers: str) -> Answer:
    return Answer(meaning=meaning, shape=Problem, media_type="application/problem+json", headers=headers)


NOT_NOW = failure("Not now; Retry-After says when.", "Retry-After")
UNKNOWN_TOKEN = failure("No token, or an unknown one.", "WWW-Authenticate")
NOT_PERMITTED = failure("The token does not permit it.")
NOT_THERE = failure("There is no such asset.")
"""In RFC 9457's shape; a face with a shape of its own has answers of its own."""

NUMBER: Schema = {"type": "integer", "minimum": 1}
TEXT: Schema = {"type": "string"}
