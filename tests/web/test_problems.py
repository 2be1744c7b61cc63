"""Failures as answers: every class has its status."""

import json
from collections.abc import Awaitable, Callable, Iterator

import pytest
from starlette.requests import Request
from starlette.responses import Response

from imgsvc.core import errors
from imgsvc.core.errors import ImgsvcError, InvalidParameter, ServiceError
from imgsvc.web.problems import STATUS, answer_bug, answer_failure, problem_response, status_of

Answer = Callable[[Request, Exception], Awaitable[Response]]

EXPECTED = {
    "InvalidParameter": 400,
    "Unauthenticated": 401,
    "NotPermitted": 403,
    "NotFound": 404,
    "Conflict": 409,
    "PayloadTooLarge": 413,
    "UnsupportedMedia": 415,
    "NotAnImage": 422,
    "CorruptOriginal": 422,
    "TooManyPixels": 422,
    "Overloaded": 503,
    "RenderTimeout": 503,
    "RenderCrashed": 503,
    "StoreFailure": 503,
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
    return kind("What happened.")


def make_request() -> Request:
    return Request({"type": "http", "method": "GET", "path": "/images/x", "query_string": b"", "headers": []})


def test_the_table_is_the_one_documented() -> None:
    """A status that changes is a change of the API."""
    assert {kind.__name__: status for kind, status in STATUS.items()} == EXPECTED


@pytest.mark.parametrize("kind", LEAVES)
def test_every_failure_has_a_status_of_its_own(kind: type[ImgsvcError]) -> None:
    """A row for the class itself or a parent of it; 500 is for mistakes alone."""
    assert status_of(make_error(kind)) in range(400, 600)
    assert status_of(make_error(kind)) != 500


@pytest.mark.parametrize("kind", LEAVES)
def test_whose_fault_it_is_shows_in_the_status(kind: type[ImgsvcError]) -> None:
    """The caller's and the picture's: 4xx. Ours: 5xx, worth asking again."""
    assert (status_of(make_error(kind)) >= 500) == issubclass(kind, ServiceError)


def test_the_tree_at_the_top_of_the_module_is_the_tree() -> None:
    """It names every class there is."""
    drawn = errors.__doc__ or ""

    assert all(f" {kind.__name__} " in drawn.replace("\n", " ") for kind in LEAVES)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", LEAVES)
async def test_an_answer_says_what_happened_and_is_kept_by_nobody(kind: type[ImgsvcError]) -> None:
    """RFC 9457, and RFC 9111: no-store."""
    error = make_error(kind)

    answer = await answer_failure(make_request(), error)

    problem = json.loads(bytes(answer.body))
    assert answer.status_code == problem["status"] == status_of(error)
    assert problem["detail"] == str(error)
    assert answer.media_type == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert ("retry-after" in answer.headers) == isinstance(error, ServiceError)
    assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)


@pytest.mark.anyio
async def test_a_parameter_is_named_as_it_was_spelled() -> None:
    answer = await answer_failure(make_request(), InvalidParameter("WiDtH", expected="a number", received="abc"))

    assert json.loads(bytes(answer.body)) == {
        "title": "Bad Request",
        "status": 400,
        "detail": 'WiDtH must be a number; received "abc".',
        "parameter": "WiDtH",
    }


@pytest.mark.anyio
@pytest.mark.parametrize("host", [b"[", b"", b"\xff"])
@pytest.mark.parametrize("answer", [answer_failure, answer_bug])
async def test_a_strange_host_does_not_hide_a_failure(answer: Answer, host: bytes) -> None:
    """What is logged of the request must not fail itself."""
    scope = {"type": "http", "method": "GET", "path": "/images/x", "query_string": b"", "scheme": "http"}
    request = Request({**scope, "headers": [(b"host", host)]})

    response = await answer(request, errors.StoreFailure("What happened."))

    assert response.status_code in (500, 503)


@pytest.mark.anyio
async def test_a_bug_says_nothing_of_itself() -> None:
    """The log says all."""
    answer = await answer_bug(make_request(), RuntimeError("secret"))

    assert answer.status_code == 500
    assert b"secret" not in bytes(answer.body)


def test_what_is_empty_is_left_out() -> None:
    assert json.loads(bytes(problem_response(404).body)) == {"title": "Not Found", "status": 404}
