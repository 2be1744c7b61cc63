"""What of an SVG is let in: py-svg-hush keeps what draws and drops what runs, loads or tells of its author."""

from xml.parsers.expat import ExpatError, ParserCreate

from py_svg_hush import filter_svg

_EMBEDDED = {"image": ["jpeg", "png", "gif", "webp"]}
"""Media types of `data:` URLs that stay."""

_DEEPEST = 256
"""Elements within each other: libxml2, which reads what is left, takes no more (xmlParserMaxDepth)."""


def sanitise_svg(data: bytes) -> bytes:
    """Raises ValueError for what is not well-formed, or too deep."""
    _refuse_depth(data)
    return filter_svg(data, _EMBEDDED)


def _refuse_depth(data: bytes) -> None:
    """py-svg-hush indents: 350 KB of elements within each other became five gigabytes. Raises ValueError."""
    depth = 0

    def begin(_name: str, _attributes: list[str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} elements within each other")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = ParserCreate()
    parser.ordered_attributes = True
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    try:
        parser.Parse(data, True)
    except ExpatError as error:
        raise ValueError("not well-formed XML") from error
