"""Bytes in memory: never more than the budget, and the ones that are wanted stay."""

from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.variant import VariantKey
from imgsvc.storage.memory import RecentBytes

BUDGET = 100_000
KEYS = [VariantKey(f"{number:032x}") for number in range(40)]


def data_of(bodies: RecentBytes, key: VariantKey) -> bytes | None:
    return bodies.find(key).data


def test_what_is_used_stays() -> None:
    """The rest goes in the order it came."""
    bodies = RecentBytes(budget=BUDGET)
    hot = bodies.keep(KEYS[0], b"hot")
    for key in KEYS[1:]:
        hot.used = True
        bodies.keep(key, bytes(5_000))

    assert data_of(bodies, KEYS[0]) == hot.data == b"hot"
    assert data_of(bodies, KEYS[1]) is None
    assert data_of(bodies, KEYS[-1]) is not None


def test_what_is_used_no_longer_goes() -> None:
    """It is spared once; whoever holds on to it sees that it is gone, so that its memory is free."""
    bodies = RecentBytes(budget=BUDGET)
    cold = bodies.keep(KEYS[0], bytes(5_000))
    cold.used = True
    for key in KEYS[1:]:
        bodies.keep(key, bytes(5_000))

    assert (cold.data, data_of(bodies, KEYS[0])) == (None, None)


def test_nothing_takes_more_than_its_share() -> None:
    """One large picture would drive out many small ones."""
    bodies = RecentBytes(budget=BUDGET)
    bodies.keep(KEYS[0], b"small")
    bodies.keep(KEYS[1], bytes(BUDGET // 10))

    assert (data_of(bodies, KEYS[0]), data_of(bodies, KEYS[1])) == (b"small", None)


def test_a_large_budget_takes_no_large_picture_either() -> None:
    """Above 256 KB the time goes into sending."""
    bodies = RecentBytes(budget=1 << 40)
    bodies.keep(KEYS[0], bytes(255 * 1024))
    bodies.keep(KEYS[1], bytes(257 * 1024))

    assert (data_of(bodies, KEYS[0]) is None, data_of(bodies, KEYS[1]) is None) == (False, True)


def test_without_a_budget_nothing_is_kept() -> None:
    bodies = RecentBytes(budget=0)
    bodies.keep(KEYS[0], b"")

    assert data_of(bodies, KEYS[0]) is None


@given(
    steps=st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 7_000), st.booleans()), max_size=200),
    budget=st.integers(0, BUDGET),
)
def test_the_budget_holds_whatever_happens(steps: list[tuple[VariantKey, int, bool]], budget: int) -> None:
    """And what it says it takes is what it takes."""
    bodies, lengths = RecentBytes(budget=budget), dict[VariantKey, int]()

    for key, length, asked in steps:
        if asked:
            bodies.find(key).used = True
        else:
            bodies.keep(key, bytes(lengths.setdefault(key, length)))
        assert bodies.length <= budget

    kept = [data for key in KEYS if (data := data_of(bodies, key)) is not None]
    assert sum(map(len, kept)) <= bodies.length
    bodies.clear()
    assert (bodies.length, [data_of(bodies, key) for key in KEYS]) == (0, [None] * len(KEYS))
