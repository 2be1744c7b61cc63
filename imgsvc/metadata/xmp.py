"""XMP packets (ISO 16684-1): the simple properties, lists and texts in languages of the usual namespaces.

Expat alone, which recurses nowhere, and no document type: without one there are no entities to expand or fetch.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple
from xml.parsers import expat

from imgsvc.metadata.exif_words import COLOUR_SPACES, ORIENTATIONS, RESOLUTION_UNITS
from imgsvc.metadata.printing import word
from imgsvc.metadata.tags import Rank, Tags

MAX_PACKET = 1 << 19
MAX_DEPTH = 32
MAX_ITEMS = 1000

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_META = "adobe:ns:meta/"
_XML = "http://www.w3.org/XML/1998/namespace"
_DC = "http://purl.org/dc/elements/1.1/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_MM = "http://ns.adobe.com/xap/1.0/mm/"
_RIGHTS = "http://ns.adobe.com/xap/1.0/rights/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_EXIF = "http://ns.adobe.com/exif/1.0/"
_AUX = "http://ns.adobe.com/exif/1.0/aux/"


class Property(NamedTuple):
    """A property's name, and how its text is printed."""

    name: str
    print: Callable[[str], str] = str
    rank: Rank = Rank.USUAL


def _date(text: str) -> str:
    """ISO 8601 with colons for the day too, and a space."""
    return re.sub(r"^(\d{4})-(\d\d)(?:-(\d\d))?(?:T(.*))?$", _date_parts, text)


def _date_parts(match: re.Match[str]) -> str:
    day = ":".join(part for part in match.group(1, 2, 3) if part)
    return f"{day} {match[4]}" if match[4] else day


def _words(table: Mapping[int, str]) -> Callable[[str], str]:
    return lambda text: word(table, int(text)) if re.fullmatch(r"\d{1,6}", text, re.ASCII) else f"Unknown ({text})"


def _plain(namespace: str, *names: str, rank: Rank = Rank.USUAL) -> dict[str, Property]:
    """Properties that are called as in the namespace, but for a capital."""
    return {f"{namespace} {name}": Property(name[0].upper() + name[1:], rank=rank) for name in names}


# What stands in EXIF as well has the lower rank: there it comes from the camera.
PROPERTIES: Mapping[str, Property] = {
    **_plain(_DC, "contributor", "coverage", "creator", "description", "format", "identifier", "language"),
    **_plain(_DC, "publisher", "relation", "rights", "source", "subject", "title", "type"),
    **_plain(_XMP, "CreatorTool", "Identifier", "Label", "Nickname", "Rating"),
    f"{_XMP} CreateDate": Property("CreateDate", _date, Rank.LOW),
    f"{_XMP} ModifyDate": Property("ModifyDate", _date, Rank.LOW),
    f"{_XMP} MetadataDate": Property("MetadataDate", _date),
    **_plain(_MM, "DocumentID", "InstanceID", "OriginalDocumentID"),
    **_plain(_RIGHTS, "Certificate", "Marked", "Owner", "UsageTerms", "WebStatement"),
    **_plain(_PHOTOSHOP, "AuthorsPosition", "CaptionWriter", "Category", "City", "Country", "Credit"),
    **_plain(_PHOTOSHOP, "Headline", "History", "Instructions", "Source", "State", "SupplementalCategories"),
    **_plain(_PHOTOSHOP, "TransmissionReference"),
    f"{_PHOTOSHOP} DateCreated": Property("DateCreated", _date),
    f"{_PHOTOSHOP} ICCProfile": Property("ICCProfileName"),
    **_plain(_TIFF, "Artist", "Copyright", "ImageDescription", "Make", "Model", "Software", rank=Rank.LOW),
    f"{_TIFF} ImageWidth": Property("ImageWidth", rank=Rank.LOW),
    f"{_TIFF} ImageLength": Property("ImageHeight", rank=Rank.LOW),
    f"{_TIFF} Orientation": Property("Orientation", _words(ORIENTATIONS), Rank.LOW),
    f"{_TIFF} ResolutionUnit": Property("ResolutionUnit", _words(RESOLUTION_UNITS), Rank.LOW),
    f"{_EXIF} DateTimeOriginal": Property("DateTimeOriginal", _date, Rank.LOW),
    f"{_EXIF} DateTimeDigitized": Property("DateTimeDigitized", _date, Rank.LOW),
    f"{_EXIF} PixelXDimension": Property("ExifImageWidth", rank=Rank.LOW),
    f"{_EXIF} PixelYDimension": Property("ExifImageHeight", rank=Rank.LOW),
    f"{_EXIF} ColorSpace": Property("ColorSpace", _words(COLOUR_SPACES), Rank.LOW),
    **_plain(_AUX, "Lens", "SerialNumber"),
}


def read_xmp(packet: bytes, tags: Tags) -> None:
    """Structures and unknown properties are left out. Raises ValueError where this is no XML, or has a doctype."""
    if len(packet) > MAX_PACKET:
        raise ValueError(len(packet))
    reading = _Reading()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        # The wrapper's padding may be of any length, NUL among it.
        parser.Parse(packet.strip(b"\0 \t\r\n"), True)
    except expat.ExpatError as failure:
        raise ValueError(failure.code) from failure
    for name, (text, rank) in reading.found.items():
        tags.add(name, text, rank)


def _refuse_doctype(name: str, system: str | None, public: str | None, has_internal: int) -> None:
    raise ValueError(name)


class _Reading:
    """Elements by their way from rdf:Description down: a property, a container in it, its items."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[str, Rank]] = {}
        self._way: list[str] = []
        self._language = ""
        self._characters: list[str] = []
        self._items = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._way.append(name)
        if len(self._way) > MAX_DEPTH:
            raise ValueError(name)
        self._characters.clear()
        self._language = attributes.get(f"{_XML} lang", "")
        if name == f"{_META} xmpmeta" and f"{_META} xmptk" in attributes:
            self._keep(Property("XMPToolkit"), attributes[f"{_META} xmptk"])
        if name == f"{_RDF} Description" and len(self._way) <= self._root_depth:
            for attribute, value in attributes.items():
                if attribute in PROPERTIES:
                    self._keep(PROPERTIES[attribute], value)

    def text(self, data: str) -> None:
        self._characters.append(data)

    def end(self, name: str) -> None:
        way = self._way[self._root_depth :]
        match way:
            case [key] if key in PROPERTIES and self._characters:
                self._keep(PROPERTIES[key], "".join(self._characters))
            case [key, container, item] if key in PROPERTIES and item == f"{_RDF} li" and container in _CONTAINERS:
                self._keep(PROPERTIES[key], "".join(self._characters), container)
            case _:
                pass
        self._way.pop()
        self._characters.clear()

    @property
    def _root_depth(self) -> int:
        """Elements down to the outer rdf:Description; the wrapper x:xmpmeta may be missing."""
        return 3 if self._way[:1] == [f"{_META} xmpmeta"] else 2

    def _keep(self, row: Property, text: str, container: str | None = None) -> None:
        self._items += 1
        if self._items > MAX_ITEMS:
            raise ValueError(self._items)
        printed = row.print(text)
        if container == f"{_RDF} Alt":
            self.found[row.name + _language_suffix(self._language)] = (printed, row.rank)
        elif container is not None and row.name in self.found:
            self.found[row.name] = (f"{self.found[row.name][0]}, {printed}", row.rank)
        else:
            self.found[row.name] = (printed, row.rank)


def _language_suffix(language: str) -> str:
    """Languages are written small, countries in capitals: RFC 5646, 2.1.1."""
    if language in ("", "x-default"):
        return ""
    first, *others = language.split("-")
    return "-".join(("", first.lower(), *(part.upper() if len(part) == 2 else part for part in others)))


_CONTAINERS = frozenset(f"{_RDF} {kind}" for kind in ("Alt", "Bag", "Seq"))
