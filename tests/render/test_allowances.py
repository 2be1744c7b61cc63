"""Token buckets: nobody gets more than his rate, and who waits as he was told is answered."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.errors import TooManyRequests
from imgsvc.render.allowances import Allowances

BURST_SECONDS = 10
rates = st.floats(0.01, 1000)
pauses = st.lists(st.floats(0, 50), max_size=200)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(allowances: Allowances, client: str = "192.0.2.1") -> bool:
    try:
        allowances.take(client)
    except TooManyRequests:
        return False
    return True


@given(rate=rates, pauses=pauses)
def test_nobody_gets_more_than_his_rate(rate: float, pauses: list[float]) -> None:
    """Over any time, and not only from the beginning: what may come at once and the rate times the seconds."""
    clock = Clock()
    allowances = Allowances(rate, clock=clock)
    times: deque[float] = deque()
    for pause in pauses:
        clock.now += pause
        times.extend(clock.now for _ in range(3) if taken(allowances))

    for first, begun in enumerate(times):
        for last in range(first, len(times)):
            count, seconds = last - first + 1, times[last] - begun
            assert count <= max(1, rate * BURST_SECONDS) + rate * seconds + 1e-3


@given(rate=rates)
def test_who_comes_back_when_he_was_told_to_is_answered(rate: float) -> None:
    """Whole seconds, one at least."""
    clock = Clock()
    allowances = Allowances(rate, clock=clock)
    while taken(allowances):
        pass

    with pytest.raises(TooManyRequests) as refused:
        allowances.take("192.0.2.1")
    clock.now += refused.value.retry_after

    assert refused.value.retry_after >= 1
    assert taken(allowances)


def test_a_page_of_pictures_may_come_at_once() -> None:
    """Ten seconds' worth; a second later there is room for a second's."""
    clock = Clock()
    allowances = Allowances(2, clock=clock)

    at_once = sum(taken(allowances) for _ in range(100))
    clock.now += 1
    later = sum(taken(allowances) for _ in range(100))

    assert (at_once, later) == (20, 2)


def test_what_one_uses_up_is_not_anothers() -> None:
    allowances = Allowances(0.1, clock=Clock())

    assert [taken(allowances, client) for client in ("a", "a", "b")] == [True, False, True]


@pytest.mark.parametrize(("rate", "client"), [(0, "a"), (0.1, "")], ids=["no rate", "nobody"])
def test_some_are_not_bounded(rate: float, client: str) -> None:
    """Where the operator sets no rate, and what is rendered on nobody's account: archives, uploads."""
    allowances = Allowances(rate, clock=Clock())

    assert all(taken(allowances, client) for _ in range(1000))
