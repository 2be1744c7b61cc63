"""What agencies write about a picture: IPTC IIM 4.2, within Photoshop's image resources."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from imgsvc.metadata.printing import number_text, text_from_utf8, word
from imgsvc.metadata.tags import Tags

MAX_DATASETS = 1000
MAX_RESOURCES = 500

_RESOLUTION_RESOURCE, _IPTC_RESOURCE = 0x03ED, 0x0404
_CHARACTER_SET, _UTF8 = (1, 90), b"\x1b%G"


class Dataset(NamedTuple):
    """`several`: IIM allows the dataset more than once, and its texts are joined."""

    name: str
    print: Callable[[str], str] = str
    several: bool = False


def _date(text: str) -> str:
    return re.sub(r"^(\d{4})(\d\d)(\d\d)$", r"\1:\2:\3", text)


def _time(text: str) -> str:
    return re.sub(r"^(\d\d)(\d\d)(\d\d)(?:([+-]\d\d)(\d\d))?$", _time_parts, text)


def _time_parts(match: re.Match[str]) -> str:
    hours, minutes, seconds, zone_hours, zone_minutes = match.groups()
    zone = f"{zone_hours}:{zone_minutes}" if zone_hours else ""
    return f"{hours}:{minutes}:{seconds}{zone}"


_URGENCIES = {
    "0": "0 (reserved)",
    "1": "1 (most urgent)",
    **{digit: digit for digit in "23467"},
    "5": "5 (normal urgency)",
    "8": "8 (least urgent)",
    "9": "9 (user-defined priority)",
}


def _urgency(text: str) -> str:
    return _URGENCIES.get(text, f"Unknown ({text})")


# Record 2 of IIM 4.2, chapter 6.
DATASETS: Mapping[int, Dataset] = {
    5: Dataset("ObjectName"),
    7: Dataset("EditStatus"),
    10: Dataset("Urgency", _urgency),
    15: Dataset("Category"),
    20: Dataset("SupplementalCategories", several=True),
    22: Dataset("FixtureIdentifier"),
    25: Dataset("Keywords", several=True),
    30: Dataset("ReleaseDate", _date),
    35: Dataset("ReleaseTime", _time),
    37: Dataset("ExpirationDate", _date),
    38: Dataset("ExpirationTime", _time),
    40: Dataset("SpecialInstructions"),
    55: Dataset("DateCreated", _date),
    60: Dataset("TimeCreated", _time),
    62: Dataset("DigitalCreationDate", _date),
    63: Dataset("DigitalCreationTime", _time),
    65: Dataset("OriginatingProgram"),
    70: Dataset("ProgramVersion"),
    80: Dataset("By-line", several=True),
    85: Dataset("By-lineTitle", several=True),
    90: Dataset("City"),
    92: Dataset("Sub-location"),
    95: Dataset("Province-State"),
    100: Dataset("Country-PrimaryLocationCode"),
    101: Dataset("Country-PrimaryLocationName"),
    103: Dataset("OriginalTransmissionReference"),
    105: Dataset("Headline"),
    110: Dataset("Credit"),
    115: Dataset("Source"),
    116: Dataset("CopyrightNotice"),
    118: Dataset("Contact", several=True),
    120: Dataset("Caption-Abstract"),
    122: Dataset("Writer-Editor", several=True),
}


def read_photoshop(resources: bytes, tags: Tags) -> None:
    """Of the image resource blocks (Adobe Photoshop File Formats) those with IPTC and resolution are read."""
    for number, data in _resources(resources):
        if number == _IPTC_RESOURCE:
            read_iptc(data, tags)
        elif number == _RESOLUTION_RESOURCE and len(data) >= 16:
            _read_resolution(data, tags)


def _read_resolution(data: bytes, tags: Tags) -> None:
    """ResolutionInfo: for each axis pixels an inch, 16.16 bits, and the unit they are shown in."""
    for axis, at in (("X", 0), ("Y", 8)):
        resolution = int.from_bytes(data[at : at + 4]) / 65536
        tags.add(f"{axis}Resolution", number_text(round(resolution, 2)))
        tags.add(f"DisplayedUnits{axis}", word({1: "inches", 2: "cm"}, int.from_bytes(data[at + 4 : at + 6])))


def read_iptc(records: bytes, tags: Tags) -> None:
    """Texts are Latin-1 unless the envelope says UTF-8. What follows a broken dataset is left out."""
    encoding = "latin-1"
    found: dict[str, str] = {}
    for record, number, value in _datasets(records):
        if (record, number) == _CHARACTER_SET:
            encoding = "utf-8" if value == _UTF8 else encoding
            found["CodedCharacterSet"] = "UTF8" if value == _UTF8 else ""
        elif (record, number) in ((1, 0), (2, 0)) and len(value) == 2:
            name = "EnvelopeRecordVersion" if record == 1 else "ApplicationRecordVersion"
            found[name] = str(int.from_bytes(value))
        elif record == 2 and (dataset := DATASETS.get(number)) is not None:
            text = dataset.print(text_from_utf8(value) if encoding == "utf-8" else _latin(value))
            is_more = dataset.several and dataset.name in found
            found[dataset.name] = f"{found[dataset.name]}, {text}" if is_more else text
    for name, text in found.items():
        if text or name != "CodedCharacterSet":
            tags.add(name, text)


def _latin(value: bytes) -> str:
    return value.decode("cp1252", "replace").replace("\ufffd", "?").replace("\0", "")


def _resources(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Signature, number, name padded to an even length, length, data padded likewise."""
    at = 0
    for _ in range(MAX_RESOURCES):
        if data[at : at + 4] != b"8BIM" or len(data) < at + 12:
            return
        number = int.from_bytes(data[at + 4 : at + 6])
        at += 6 + (data[at + 6] + 2) // 2 * 2
        length = int.from_bytes(data[at : at + 4])
        yield number, data[at + 4 : at + 4 + length]
        at += 4 + length + length % 2


def _datasets(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """IIM 4.2, 1.5. Lengths beyond 32 767, which extended datasets have, do not occur in texts."""
    at = 0
    for _ in range(MAX_DATASETS):
        head = data[at : at + 5]
        if len(head) < 5 or head[0] != 0x1C:
            return
        length = int.from_bytes(head[3:])
        if length > 0x7FFF or at + 5 + length > len(data):
            return
        yield head[1], head[2], data[at + 5 : at + 5 + length]
        at += 5 + length
