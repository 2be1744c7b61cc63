"""What operators ask, described."""

from types import MappingProxyType

from imgsvc.openapi.operation import BEARER, NOT_PERMITTED, UNKNOWN_TOKEN, Answer, Operation, Operations, failure
from imgsvc.web.health import HealthShape
from imgsvc.web.ladder import LadderShape
from imgsvc.web.purge import PurgeBody, PurgeShape

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
        "/purge": {
            "post": Operation(
                summary="Have caches drop what is named, ours and those in front",
                tag="operation",
                body=PurgeBody,
                scheme=BEARER,
                answers={
                    200: Answer(meaning="The receipt.", shape=PurgeShape, headers=("Location",)),
                    202: Answer(
                        meaning="It goes on; Location says where to ask after it.",
                        shape=PurgeShape,
                        headers=("Location",),
                    ),
                    400: failure("Something is not what it must be, or nothing is named."),
                    401: UNKNOWN_TOKEN,
                    403: NOT_PERMITTED,
                    404: failure("Something that is named is not there; nothing is purged."),
                    413: failure("The body is too large."),
                },
            )
        },
        "/purge/{id}": {
            "get": Operation(
                summary="What has become of a purge, until a day after its end",
                tag="operation",
                path={"id": "the purge's id"},
                scheme=BEARER,
                answers={
                    200: Answer(meaning="The receipt so far.", shape=PurgeShape),
                    401: UNKNOWN_TOKEN,
                    403: NOT_PERMITTED,
                    404: failure("There is no such purge."),
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
