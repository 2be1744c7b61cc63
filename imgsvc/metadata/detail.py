"""What a picture's file tells about itself, under exiftool's names and in exiftool's printed form."""

from collections.abc import Callable, Mapping
from pathlib import Path

from imgsvc.core.formats import SNIFFED_BYTES, Format, sniff_format
from imgsvc.metadata.bmp import read_bmp
from imgsvc.metadata.composite import add_composites
from imgsvc.metadata.exif import read_tiff
from imgsvc.metadata.files import add_file_facts, add_type
from imgsvc.metadata.gif import read_gif
from imgsvc.metadata.jpeg import read_jpeg
from imgsvc.metadata.png import read_png
from imgsvc.metadata.source import Source
from imgsvc.metadata.tags import Detail, Tags
from imgsvc.metadata.webp import read_webp

# AVIF and SVG tell their type alone.
READERS: Mapping[Format, Callable[[Source, Tags], None]] = {
    Format.JPEG: read_jpeg,
    Format.PNG: read_png,
    Format.WEBP: read_webp,
    Format.GIF: read_gif,
    Format.TIFF: read_tiff,
    Format.BMP: read_bmp,
}


def read_detail(path: Path) -> Detail:
    """Blocks. What cannot be read is left out, whatever the bytes; lists come joined by a comma and a space.

    Raises OSError where the file itself cannot be read.
    """
    tags = Tags()
    add_file_facts(path, tags)
    with path.open("rb") as file:
        source = Source(file, size=path.stat().st_size)
        format = sniff_format(source.peek(0, SNIFFED_BYTES))
        if format is not None:
            add_type(format, tags)
            _read_container(format, source, tags)
    add_composites(tags)
    return tags.detail()


def _read_container(format: Format, source: Source, tags: Tags) -> None:
    reader = READERS.get(format)
    if reader is None:
        return
    try:
        reader(source, tags)
    except ValueError:
        return
