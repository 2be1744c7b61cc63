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


@given(actions=st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=100), most=st.integers(1, 5))
def test_nobody_has_more_under_way_than_he_may(actions: list[tuple[str, bool]], most: int) -> None:
    """Each for himself; what has ended makes room at once."""
    allowances = Allowances(0, at_once=most, clock=Clock())
    under_way = {"a": 0, "b": 0}

    for client, begins in actions:
        if begins:
            assert taken(allowances, client) == (under_way[client] < most)
            under_way[client] = min(under_way[client] + 1, most)
        elif under_way[client]:
            allowances.give_back(client)
            under_way[client] -= 1


def test_who_has_too_many_under_way_loses_no_token_over_it() -> None:
    """And is told when the bucket has one again, where it is empty, too."""
    clock = Clock()
    allowances = Allowances(0.2, at_once=1, clock=clock)
    refusals: list[int] = []

    for _ in range(2):
        allowances.take("a")
        for _ in range(10):
            with pytest.raises(TooManyRequests) as refused:
                allowances.take("a")
            refusals.append(refused.value.retry_after)
        allowances.give_back("a")

    assert refusals == [1] * 10 + [5] * 10


@pytest.mark.parametrize(("rate", "client"), [(0, "a"), (0.1, "")], ids=["no rate", "nobody"])
def test_some_are_not_bounded(rate: float, client: str) -> None:
    """Where the operator sets no bounds, and what is rendered on nobody's account: archives, uploads."""
    allowances = Allowances(rate, at_once=1 if rate else 0, clock=Clock())

    assert all(taken(allowances, client) for _ in range(1000))
