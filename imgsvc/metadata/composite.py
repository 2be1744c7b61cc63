"""What follows from other tags, under the names exiftool gives it; computations on lenses are not made."""

import math
import re

from imgsvc.metadata.tags import Tags

_SUB_SECONDS = (
    ("SubSecDateTimeOriginal", "DateTimeOriginal", "SubSecTimeOriginal", "OffsetTimeOriginal"),
    ("SubSecCreateDate", "CreateDate", "SubSecTimeDigitized", "OffsetTimeDigitized"),
    ("SubSecModifyDate", "ModifyDate", "SubSecTime", "OffsetTime"),
)
_POSITIONS = ("GPSLatitude", "GPSLongitude", "GPSDestLatitude", "GPSDestLongitude")


def add_composites(tags: Tags) -> None:
    """To be called once all else has been read."""
    _add_size(tags)
    _add_first(tags, "Aperture", ("FNumber", "ApertureValue"), "0")
    _add_first(tags, "ShutterSpeed", ("ExposureTime", "ShutterSpeedValue"))
    for name, date, fraction, offset in _SUB_SECONDS:
        _add_sub_seconds(tags, name, tags.get(date), tags.get(fraction), tags.get(offset))
    _add_place(tags)


def _add_size(tags: Tags) -> None:
    width, height = tags.get("ImageWidth"), tags.get("ImageHeight")
    if width is None or height is None or not re.fullmatch(r"\d{1,10} \d{1,10}", f"{width} {height}", re.ASCII):
        return
    if not int(width) or not int(height):
        return
    megapixels = int(width) * int(height) / 1e6
    decimals = 1 if megapixels >= 1 else 3 if megapixels >= 0.001 else 6
    tags.add("ImageSize", f"{width}x{height}")
    tags.add("Megapixels", f"{megapixels:.{decimals}f}")


def _add_first(tags: Tags, name: str, sources: tuple[str, ...], *unfit: str) -> None:
    text = next((text for source in sources if (text := tags.get(source)) is not None), None)
    if text is not None and text not in ("inf", "undef", "", *unfit):
        tags.add(name, text)


def _add_sub_seconds(tags: Tags, name: str, date: str | None, fraction: str | None, offset: str | None) -> None:
    """EXIF keeps a moment in three fields; they are joined where the date has neither fraction nor offset."""
    if date is None or not re.fullmatch(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d", date, re.ASCII):
        return
    digits = re.fullmatch(r"(\d{1,9}) *", fraction or "", re.ASCII)
    zone = re.fullmatch(r"[+-]\d\d:\d\d", offset or "", re.ASCII)
    if digits or zone:
        tags.add(name, f"{date}{'.' + digits[1] if digits else ''}{zone[0] if zone else ''}")


def _add_place(tags: Tags) -> None:
    date, time = tags.get("GPSDateStamp"), tags.get("GPSTimeStamp")
    if date and time:
        tags.add("GPSDateTime", f"{date} {time}Z")
    altitude, level = tags.get("GPSAltitude"), tags.get("GPSAltitudeRef")
    if altitude is not None and level in ("Above Sea Level", "Below Sea Level") and _METRES.fullmatch(altitude):
        metres = math.floor(float(altitude.removesuffix(" m")) * 10) / 10
        tags.add("GPSAltitude", f"{metres:.15g} m {level}")
    for name in _POSITIONS:
        angle, direction = tags.get(name), tags.get(f"{name}Ref")
        if angle is not None and direction is not None:
            positive, negative = "NS" if name.endswith("Latitude") else "EW"
            is_negative = direction.removeprefix("Unknown (").startswith(negative)
            tags.add(name, f"{angle} {negative if is_negative else positive}")
    latitude, longitude = tags.get("GPSLatitude"), tags.get("GPSLongitude")
    if latitude and longitude and latitude[-1] in "NS" and longitude[-1] in "EW":
        tags.add("GPSPosition", f"{latitude}, {longitude}")


_METRES = re.compile(r"-?\d+(\.\d+)?(e[+-]\d+)? m", re.ASCII)
