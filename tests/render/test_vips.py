"""What a process that touches pixels refuses to open."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import pyvips

from imgsvc.core.errors import CorruptOriginal
from imgsvc.render.vips import MINIMUM_VERSION, decoding, set_up_vips
from tests.originals import avif, gif, jpeg, png, quadrants, svg, tiff, webp

UNTRUSTED = {
    "csv": b"1,2,3\n4,5,6\n",
    "mat": b"3 2\n1 2 3\n4 5 6\n",
    "ppm": b"P6 2 1 255\n" + bytes(6),
    "hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\n" + bytes(4),
}


@pytest.mark.parametrize("extension", UNTRUSTED)
def test_an_untrusted_loader_is_refused(extension: str, tmp_path: Path) -> None:
    """By content and by name; libvips marks them VIPS_OPERATION_UNTRUSTED."""
    path = tmp_path / f"picture.{extension}"
    path.write_bytes(UNTRUSTED[extension])

    with pytest.raises(pyvips.Error):
        pyvips.Image.new_from_file(str(path))
    with pytest.raises(pyvips.Error):
        pyvips.Image.new_from_buffer(UNTRUSTED[extension], "")


def test_libvips_own_format_is_refused(tmp_path: Path) -> None:
    """A .v file may name any memory layout it likes."""
    path = tmp_path / "picture.v"
    quadrants().write_to_file(str(path))

    with pytest.raises(pyvips.Error):
        pyvips.Image.new_from_file(str(path))


@pytest.mark.parametrize("draw", [jpeg, png, webp, gif, tiff, avif, svg])
def test_the_loaders_in_use_are_open(draw: Callable[[], bytes]) -> None:
    assert pyvips.Image.new_from_buffer(draw(), "").width == 400


def test_nothing_is_cached() -> None:
    assert pyvips.cache_get_max() == 0


def test_avif_can_be_refused_alone() -> None:
    """The switch for the decoder with the most advisories. In a process of its own, for it holds for all of it."""
    code = (
        "from imgsvc.render.vips import set_up_vips; set_up_vips(avif_input=False)\n"
        "import pyvips; from tests.originals import avif, webp\n"
        "pyvips.Image.new_from_buffer(webp(), '')\n"
        "try: pyvips.Image.new_from_buffer(avif(), '')\n"
        "except pyvips.Error: print('refused')\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)

    assert done.stdout == b"refused\n"


def test_setting_up_twice_is_as_good_as_once() -> None:
    set_up_vips()

    assert pyvips.Image.new_from_buffer(svg(), "").width == 400


def test_the_librarys_words_do_not_reach_the_caller() -> None:
    """Its error buffer is shared between threads, so they may be about another picture."""
    with pytest.raises(CorruptOriginal) as caught, decoding():
        pyvips.Image.new_from_buffer(png()[:100], "", fail_on="truncated").avg()

    assert str(caught.value) == "The original cannot be decoded to its end in the memory allowed here."
    assert isinstance(caught.value.__cause__, pyvips.Error)


def test_the_library_is_the_wheels() -> None:
    assert (pyvips.version(0), pyvips.version(1)) >= MINIMUM_VERSION
