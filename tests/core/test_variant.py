"""The key: equal for equal results, another one for another original, plan or renderer."""

from dataclasses import replace

import pytest
from hypothesis import given

from imgsvc.core.assets import Digest, ImageInfo
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults, Plan, make_plan
from imgsvc.core.variant import provisional_key, variant_key, variant_key_from_text
from imgsvc.dialects.struct import read_transform
from tests.strategies import a_plan, original_of, pairs_of_plans

DIGEST = Digest("0123456789abcdef" * 4)


def test_a_key_is_read_back_from_its_text() -> None:
    """32 hexadecimal digits in lower case."""
    key = variant_key(DIGEST, a_plan().canonical(), revision="1")

    assert variant_key_from_text(str(key)) == key


@pytest.mark.parametrize("text", ["", "0" * 31, "0" * 33, "A" * 32, "g" * 32, "0" * 31 + "\n", "٣" * 32])
def test_other_text_is_no_key(text: str) -> None:
    """Capitals are none either: one key has one spelling."""
    assert variant_key_from_text(text) is None


def test_another_original_has_another_key() -> None:
    """A replaced picture can never be answered with what was made of the old one."""
    other = Digest("f" * 64)

    assert variant_key(DIGEST, a_plan().canonical(), revision="1") != variant_key(
        other, a_plan().canonical(), revision="1"
    )


def test_another_renderer_has_another_key() -> None:
    """Whatever changes bytes under the same plan."""
    assert variant_key(DIGEST, a_plan().canonical(), revision="1") != variant_key(
        DIGEST, a_plan().canonical(), revision="2"
    )


@given(pairs_of_plans())
def test_keys_are_equal_for_equal_plans_alone(pair: tuple[Plan, Plan]) -> None:
    """Any field makes the difference."""
    first, second = (variant_key(DIGEST, plan.canonical(), revision="1") for plan in pair)

    assert (first == second) == (pair[0] == pair[1])


def test_the_parts_of_a_key_do_not_run_into_one_another() -> None:
    """The revision's text is not the end of the plan's."""
    plan = a_plan()

    assert variant_key(DIGEST, plan.canonical(), revision="1") != variant_key(
        DIGEST, replace(plan, frames=11).canonical(), revision=""
    )


@given(pairs_of_plans())
def test_a_provisional_key_is_no_other_variants(pair: tuple[Plan, Plan]) -> None:
    """A key like any other, one for each variant and never a variant's own: it cannot be taken for a lasting one."""
    first, second = (variant_key(DIGEST, plan.canonical(), revision="1") for plan in pair)

    provisional = provisional_key(first)

    assert variant_key_from_text(provisional) == provisional
    assert provisional not in (first, second)
    assert (provisional == provisional_key(second)) == (first == second)
    assert provisional_key(provisional) not in (first, provisional)


@pytest.mark.parametrize(
    ("query", "spelled_otherwise"),
    [
        ("width=300&height=200", "HEIGHT=200px&Width=299.6"),
        ("width=300", "width=100&width=300"),
        ("width=300", "width=300&utm_source=newsletter"),
        ("width=300", "width=300&mode=pad&anchor=CENTER&upscale=true&autorotate=1"),
        ("width=300&v=1", "rnd=77&width=300"),
        ("width=300&format=jpg&quality=90", "quality=090&format=JPEG&width=300"),
        ("width=300&format=png", "width=300&format=png&quality=5"),
        ("maxWidth=300", "preset=300x"),
        ("width=300&height=300&bgcolor=red", "bgcolor=255,0,0&height=300&width=300"),
        ("width=300&height=300&bgcolor=%23fff", "bgcolor=ffFFffFF&height=300&width=300"),
        ("width=300", "width=300&download=true"),
        ("crop=0,0,100,100", "cropmode=pixels&crop=0.4,0,100,99.5"),
    ],
)
def test_the_spelling_has_no_part_in_the_key(query: str, spelled_otherwise: str) -> None:
    """Order, case, units, unknown words, what changes no pixel: one derivative serves them all."""
    keys = {key_of(spelling) for spelling in (query, spelled_otherwise)}

    assert len(keys) == 1


def key_of(query: str) -> str:
    original = original_of(ImageInfo(format=Format.JPEG, size=Size(600, 400)))
    plan = make_plan(original, read_transform(query, presets={}), defaults=Defaults(), limits=Limits())
    return variant_key(original.digest, plan.canonical(), revision="1")
