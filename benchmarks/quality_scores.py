"""What a rendition is compared with, and by which measures."""

from io import BytesIO
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import pyvips

from benchmarks.quality_packages import load_module
from imgsvc.core.geometry import Size

_WHITE = [255.0, 255.0, 255.0]
_SCORED_SIDE = 512
"""Smaller pictures are mirrored outwards before SSIMULACRA2, px. Below 225 px a side the package drops the sixth scale,
below 113 every implementation does, and weights then fall on the wrong ones; near borders the package blurs unlike the
others. Mirrored, it is within 0.3 of the Rust port on average and 1.2 at worst; as they were, it was up to 69 off."""


class Scores(NamedTuple):
    """`ssimulacra2` 100 for equal pictures, 90 hardly to be told apart, 70 high, 50 medium quality.

    `error`: mean of the squared differences, in 8-bit levels; PSNR is made of it. `ssim` 0..1.
    """

    ssimulacra2: float
    error: float
    ssim: float


class Scorer:
    """Raises PackageMissing."""

    def __init__(self) -> None:
        self._metrics = cast("_Metrics", load_module("skimage.metrics"))
        self._ssimulacra2 = cast("_Ssimulacra2", load_module("ssimulacra2"))

    def score(self, reference: pyvips.Image, rendition: pyvips.Image) -> Scores:
        """Of pictures in 8-bit sRGB and of one size, both laid on white."""
        first, second = _lay_on_white(reference), _lay_on_white(rendition)
        pixels = first.numpy(), second.numpy()
        return Scores(
            ssimulacra2=float(self._ssimulacra2.compute_ssimulacra2(_png(first), _png(second))),
            error=float(self._metrics.mean_squared_error(*pixels)),
            # As its authors compute it (Wang et al. 2004, section III-C): not scikit-image's own defaults.
            ssim=float(
                self._metrics.structural_similarity(
                    *pixels,
                    data_range=255,
                    channel_axis=2,
                    gaussian_weights=True,
                    sigma=1.5,
                    use_sample_covariance=False,
                )
            ),
        )


def make_reference(path: Path, size: Size) -> pyvips.Image:
    """All of the original, in linear light and under its alpha, by Lanczos 3 alone: 8-bit sRGB in memory."""
    original = pyvips.Image.new_from_file(str(path))
    linear = original.colourspace("scrgb")
    if original.hasalpha():
        linear = linear.premultiply()
    # A gap of 0 keeps libvips from shrinking by a box first.
    scale = size.width / original.width
    resampled = linear.resize(scale, vscale=size.height / original.height, kernel="lanczos3", gap=0)
    assert (resampled.width, resampled.height) == size
    if original.hasalpha():
        resampled = resampled.unpremultiply()
    return resampled.colourspace("srgb").copy_memory()


def _lay_on_white(image: pyvips.Image) -> pyvips.Image:
    opaque = image.flatten(background=_WHITE) if image.hasalpha() else image
    return opaque.colourspace("srgb").copy_memory()


def _png(image: pyvips.Image) -> BytesIO:
    width, height = max(image.width, _SCORED_SIDE), max(image.height, _SCORED_SIDE)
    left, top = (width - image.width) // 2, (height - image.height) // 2
    mirrored = image.embed(left, top, width, height, extend="mirror")
    return BytesIO(mirrored.pngsave_buffer(compression=0, keep=0))


class _Metrics(Protocol):
    def mean_squared_error(self, image0: object, image1: object) -> float: ...

    def structural_similarity(
        self,
        im1: object,
        im2: object,
        *,
        data_range: float,
        channel_axis: int,
        gaussian_weights: bool,
        sigma: float,
        use_sample_covariance: bool,
    ) -> float: ...


class _Ssimulacra2(Protocol):
    def compute_ssimulacra2(self, orig_path: BytesIO, dist_path: BytesIO) -> float: ...
