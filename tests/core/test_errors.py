"""The tree of failures and what their texts say."""

import inspect
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core import errors
from imgsvc.core.errors import ImgsvcError, InvalidParameter, NotFound, Overloaded, ServiceError, StoreFailure

CLASSES = tuple(cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, ImgsvcError))


def parents_drawn() -> dict[str, str | None]:
    """Every name of the drawing in the module's docstring, with the name above it."""
    parents: dict[str, str | None] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.fullmatch(r"    (?P<branches>[ │├└─]*)(?P<name>[A-Z][A-Za-z]+)(  .*)?", line)
        if match is None:
            continue
        depth, name = len(match["branches"]), match["name"]
        path = [(above, ancestor) for above, ancestor in path if above < depth]
        parents[name] = path[-1][1] if path else None
        path.append((depth, name))
    return parents


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_failure_stands_in_the_drawing_under_its_parent(cls: type[ImgsvcError]) -> None:
    """By whose fault it is."""
    parent = None if cls is ImgsvcError else cls.__mro__[1].__name__

    assert parents_drawn().get(cls.__name__, "not drawn") == parent


def test_nothing_is_drawn_that_does_not_exist() -> None:
    """A failure that was removed leaves the drawing too."""
    assert set(parents_drawn()) == {cls.__name__ for cls in CLASSES}


def test_the_text_is_the_detail() -> None:
    """`str(error)` is fit for a caller's eyes."""
    error = NotFound("There is no asset of that name.")

    assert str(error) == error.detail == "There is no asset of that name."


def test_a_bad_parameter_is_one_sentence() -> None:
    """For which name, what was expected, what came."""
    error = InvalidParameter("maxWidth", expected="a number", received="wide")

    assert error.name == "maxWidth"
    assert error.detail == 'maxWidth must be a number; received "wide".'


@given(st.text())
def test_what_was_received_is_shown_short_and_in_printable_ascii(received: str) -> None:
    """Nothing a caller sends reaches a log or a page as it came."""
    detail = InvalidParameter("width", expected="a number", received=received).detail

    assert detail.isascii()
    assert detail.isprintable()
    # Sixty characters, each at most ten as \\U0001f600.
    assert len(detail) <= len('width must be a number; received "".') + 600


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if issubclass(cls, ServiceError)], ids=lambda cls: cls.__name__)
def test_our_failures_say_when_to_ask_again(cls: type[ServiceError]) -> None:
    """Seconds; each class has a default."""
    assert cls("Try again later.").retry_after == cls.default_retry_after > 0


def test_a_failure_may_know_better_when_to_ask_again() -> None:
    """Also at once."""
    assert Overloaded("Busy.", retry_after=7).retry_after == 7
    assert StoreFailure("Full.", retry_after=0).retry_after == 0
