"""What of an SVG is let in: py-svg-hush keeps what draws and drops what runs, loads or tells of its author."""

from py_svg_hush import filter_svg

_EMBEDDED = {"image": ["jpeg", "png", "gif", "webp"]}
"""Media types of `data:` URLs that stay."""


def sanitise_svg(data: bytes) -> bytes:
    """Raises ValueError for what is not well-formed."""
    return filter_svg(data, _EMBEDDED)
