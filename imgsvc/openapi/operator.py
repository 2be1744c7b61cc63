"""What operators ask, described."""

from types import MappingProxyType

from imgsvc.openapi.operation import Answer, Operation, Operations
from imgsvc.web.health import HealthShape
from imgsvc.web.ladder import LadderShape

OPERATIONS: Operations = MappingProxyType(
    {
        "/healthz": {
            "get": Operation(
                summary="Whether the process lives",
                tag="operation",
                answers={200: Answer(meaning="It does.", shape=HealthShape)},
            )
        },
        "/readyz": {
            "get": Operation(
                summary="Whether catalogue and renderer answer",
                tag="operation",
                answers={
                    200: Answer(meaning="They do.", shape=HealthShape),
                    503: Answer(meaning="One does not; the body says which.", shape=HealthShape),
                },
            )
        },
        "/metrics": {
            "get": Operation(
                summary="Prometheus metrics of all processes",
                tag="operation",
                answers={200: Answer(meaning="The metrics.", media_types=("text/plain",))},
            )
        },
        "/ladder.json": {
            "get": Operation(
                summary="The sizes that a floating signature holds for",
                tag="operation",
                answers={200: Answer(meaning="Ascending, and what becomes of any other.", shape=LadderShape)},
            )
        },
        "/openapi.json": {
            "get": Operation(
                summary="This document",
                tag="operation",
                answers={200: Answer(meaning="The document.", media_types=("application/json",))},
            )
        },
    }
)
