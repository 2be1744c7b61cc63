"""Failures as answers: every class has its status, and every face its own words."""

import json
from collections.abc import Iterator, Mapping

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from imgsvc.core import errors
from imgsvc.core.errors import (
    CorruptOriginal,
    ImgsvcError,
    InvalidParameter,
    NotFound,
    OriginCause,
    OriginFailure,
    ServiceError,
    StoreFailure,
    TooManyRequests,
)
from imgsvc.web.problems import STATUS, Failures, problem_response

EXPECTED = {
    "InvalidParameter": 400,
    "Unauthenticated": 401,
    "NotPermitted": 403,
    "InvalidSignature": 403,
    "NotFound": 404,
    "Conflict": 409,
    "PayloadTooLarge": 413,
    "UnsupportedMedia": 415,
    "TooManyRequests": 429,
    "NotAnImage": 422,
    "CorruptOriginal": 422,
    "TooManyPixels": 422,
    "Quarantined": 422,
    "OriginFailure": 502,
    "Overloaded": 503,
    "RenderTimeout": 503,
    "RenderCrashed": 503,
    "StoreFailure": 503,
    "OriginalLost": 503,
}


def leaves(kind: type[ImgsvcError] = ImgsvcError) -> Iterator[type[ImgsvcError]]:
    """Classes that are raised: those without descendants."""
    below = kind.__subclasses__()
    if not below:
        yield kind
    for one in below:
        yield from leaves(one)


LEAVES = tuple(leaves())


def make_error(kind: type[ImgsvcError]) -> ImgsvcError:
    if issubclass(kind, InvalidParameter):
        return kind("Width", expected="a number", received="abc")
    if issubclass(kind, OriginFailure):
        return kind(OriginCause.TIMEOUT, "What happened.")
    return kind("What happened.")


def make_request(host: bytes = b"shop.example") -> Request:
    scope = {"type": "http", "method": "GET", "path": "/images/x", "query_string": b"", "scheme": "http"}
    return Request({**scope, "headers": [(b"host", host)]})


async def answer_of(failures: Failures, error: Exception, *, host: bytes = b"shop.example") -> Response:
    """By the handler of the nearest ancestor, as Starlette chooses it."""
    handlers = failures.handlers()
    handler = next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)
    return await handler(make_request(host), error)


def test_the_table_is_the_one_documented() -> None:
    """A status that changes is a change of the API."""
    assert {kind.__name__: status for kind, status in STATUS.items()} == EXPECTED


@pytest.mark.parametrize("kind", LEAVES)
def test_every_failure_has_a_status_of_its_own(kind: type[ImgsvcError]) -> None:
    """A row for the class itself or a parent of it; 500 is for mistakes alone."""
    assert Failures().status_of(make_error(kind)) in range(400, 600)
    assert Failures().status_of(make_error(kind)) != 500


@pytest.mark.parametrize("kind", LEAVES)
def test_whose_fault_it_is_shows_in_the_status(kind: type[ImgsvcError]) -> None:
    """The caller's and the picture's: 4xx. Another server's and ours: 5xx."""
    assert (Failures().status_of(make_error(kind)) >= 500) == issubclass(kind, ServiceError | OriginFailure)


def test_the_tree_at_the_top_of_the_module_is_the_tree() -> None:
    """It names every class there is."""
    drawn = errors.__doc__ or ""

    assert all(f" {kind.__name__} " in drawn.replace("\n", " ") for kind in LEAVES)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", LEAVES)
async def test_an_answer_says_what_happened_and_is_kept_by_nobody(kind: type[ImgsvcError]) -> None:
    """RFC 9457, and RFC 9111: no-store."""
    error = make_error(kind)

    answer = await answer_of(Failures(), error)

    problem = json.loads(bytes(answer.body))
    assert answer.status_code == problem["status"] == EXPECTED[kind.__name__]
    assert problem["detail"] == str(error)
    assert answer.media_type == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert ("retry-after" in answer.headers) == isinstance(error, ServiceError | TooManyRequests)
    assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)


@pytest.mark.anyio
async def test_a_parameter_is_named_as_it_was_spelled() -> None:
    answer = await answer_of(Failures(), InvalidParameter("WiDtH", expected="a number", received="abc"))

    assert json.loads(bytes(answer.body)) == {
        "title": "Bad Request",
        "status": 400,
        "detail": 'WiDtH must be a number; received "abc".',
        "parameter": "WiDtH",
    }


@pytest.mark.anyio
@pytest.mark.parametrize("cause", OriginCause)
async def test_another_servers_failure_says_its_cause(cause: OriginCause) -> None:
    """A word that programs can tell apart, beside the sentence for people."""
    answer = await answer_of(Failures(), OriginFailure(cause, "What happened."))

    assert json.loads(bytes(answer.body)) == {
        "title": "Bad Gateway",
        "status": 502,
        "detail": "What happened.",
        "cause": str(cause),
    }


@pytest.mark.anyio
@pytest.mark.parametrize("host", [b"[", b"", b"\xff"])
@pytest.mark.parametrize("error", [StoreFailure("What happened."), RuntimeError("secret")], ids=["failure", "bug"])
async def test_a_strange_host_does_not_hide_a_failure(error: Exception, host: bytes) -> None:
    """What is logged of the request must not fail itself."""
    answer = await answer_of(Failures(), error, host=host)

    assert answer.status_code in (500, 503)


@pytest.mark.anyio
async def test_a_bug_says_nothing_of_itself() -> None:
    """The log says all."""
    answer = await answer_of(Failures(), RuntimeError("secret"))

    assert answer.status_code == 500
    assert b"secret" not in bytes(answer.body)


def test_what_is_empty_is_left_out() -> None:
    assert json.loads(bytes(problem_response(404).body)) == {"title": "Not Found", "status": 404}


class TestAFacesOwn:
    """A vendor's statuses, words and shape."""

    @pytest.mark.anyio
    async def test_its_status_goes_before_the_tables(self) -> None:
        """For the class itself and what is below it; all others keep theirs."""
        failures = Failures(status={errors.OriginalError: 418, CorruptOriginal: 400})

        statuses = [
            failures.status_of(error)
            for error in (CorruptOriginal("?"), errors.TooManyPixels("?"), NotFound("?"), StoreFailure("?"))
        ]

        assert statuses == [400, 422, 404, 503]

    @pytest.mark.anyio
    @pytest.mark.parametrize(
        ("error", "status", "detail", "headers"),
        [
            (NotFound("There is none."), 404, "There is none.", {}),
            (StoreFailure("Full.", retry_after=7), 503, "Full.", {"Retry-After": "7"}),
            (HTTPException(405, headers={"Allow": "GET"}), 405, "", {"Allow": "GET"}),
            (RuntimeError("secret"), 500, "The service made a mistake.", {}),
        ],
        ids=["failure", "ours", "Starlette's", "bug"],
    )
    async def test_every_answer_is_made_by_its_own_shape(
        self, error: Exception, status: int, detail: str, headers: Mapping[str, str]
    ) -> None:
        """With the status, the sentence, the failure and the headers that are due."""
        told: list[tuple[int, str, ImgsvcError | None, Mapping[str, str]]] = []

        def respond(status: int, *, detail: str, error: ImgsvcError | None, headers: Mapping[str, str]) -> Response:
            told.append((status, detail, error, headers))
            return PlainTextResponse("theirs", status_code=status)

        answer = await answer_of(Failures(respond=respond), error)

        assert told == [(status, detail, error if isinstance(error, ImgsvcError) else None, headers)]
        assert answer.body == b"theirs"

    @pytest.mark.anyio
    async def test_all_below_its_prefix_is_answered_in_its_words(self) -> None:
        """Unknown paths, other methods, failures and mistakes; beside it nothing is."""

        def respond(status: int, *, detail: str, error: ImgsvcError | None, headers: Mapping[str, str]) -> Response:
            return PlainTextResponse("theirs", status_code=status, headers=dict(headers))

        async def fail(request: Request) -> Response:
            raise RuntimeError if "bug" in request.url.query else NotFound("There is none.")

        route = Route("/there", fail, methods=["GET"])
        app = Starlette(
            routes=[Failures(respond=respond).mount("/face", [route])], exception_handlers=Failures().handlers()
        )
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
            below = [
                await client.request(method, path)
                for method, path in (
                    ("GET", "/face/there"),
                    ("GET", "/face/nowhere"),
                    ("GET", "/face/"),
                    ("GET", "/face/there/"),
                    ("POST", "/face/there"),
                    ("GET", "/face/there?bug"),
                )
            ]
            beside = await client.get("/nowhere")

        assert [(answer.status_code, answer.text) for answer in below] == [
            (404, "theirs"),
            (404, "theirs"),
            (404, "theirs"),
            (404, "theirs"),
            (405, "theirs"),
            (500, "theirs"),
        ]
        assert set(below[4].headers["allow"].split(", ")) == {"GET", "HEAD"}
        assert beside.headers["content-type"] == "application/problem+json"


@pytest.mark.anyio
async def test_a_path_that_is_none_is_told_where_to_look() -> None:
    """Who opens the address in a browser learns what there is."""
    app = Starlette(exception_handlers=Failures().handlers())

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.example") as client:
        answer = await client.get("/")

    assert answer.status_code == 404
    assert "/openapi.json" in answer.json()["detail"]
