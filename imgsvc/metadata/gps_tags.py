"""The fields of EXIF's GPS directory: EXIF 2.32, 4.6.6."""

from collections.abc import Mapping

from imgsvc.metadata import exif_printing as printing
from imgsvc.metadata.exif_printing import comment, degrees, letters, unit, words
from imgsvc.metadata.exif_tags import TagRow

NORTH_SOUTH = {"N": "North", "S": "South"}
EAST_WEST = {"E": "East", "W": "West"}
_NORTHS = {"M": "Magnetic North", "T": "True North"}
_SPEEDS = {"K": "km/h", "M": "mph", "N": "knots"}
_DISTANCES = {"K": "Kilometers", "M": "Miles", "N": "Nautical Miles"}
_MODES = {"2": "2-Dimensional Measurement", "3": "3-Dimensional Measurement"}

GPS_TAGS: Mapping[int, TagRow] = {
    0x00: TagRow("GPSVersionID", printing.version),
    0x01: TagRow("GPSLatitudeRef", letters(NORTH_SOUTH)),
    0x02: TagRow("GPSLatitude", degrees),
    0x03: TagRow("GPSLongitudeRef", letters(EAST_WEST)),
    0x04: TagRow("GPSLongitude", degrees),
    0x05: TagRow("GPSAltitudeRef", words({0: "Above Sea Level", 1: "Below Sea Level"})),
    0x06: TagRow("GPSAltitude", unit("m")),
    0x07: TagRow("GPSTimeStamp", printing.time_stamp),
    0x08: TagRow("GPSSatellites"),
    0x09: TagRow("GPSStatus", letters({"A": "Measurement Active", "V": "Measurement Void"})),
    0x0A: TagRow("GPSMeasureMode", letters(_MODES)),
    0x0B: TagRow("GPSDOP"),
    0x0C: TagRow("GPSSpeedRef", letters(_SPEEDS)),
    0x0D: TagRow("GPSSpeed"),
    0x0E: TagRow("GPSTrackRef", letters(_NORTHS)),
    0x0F: TagRow("GPSTrack"),
    0x10: TagRow("GPSImgDirectionRef", letters(_NORTHS)),
    0x11: TagRow("GPSImgDirection"),
    0x12: TagRow("GPSMapDatum"),
    0x13: TagRow("GPSDestLatitudeRef", letters(NORTH_SOUTH)),
    0x14: TagRow("GPSDestLatitude", degrees),
    0x15: TagRow("GPSDestLongitudeRef", letters(EAST_WEST)),
    0x16: TagRow("GPSDestLongitude", degrees),
    0x17: TagRow("GPSDestBearingRef", letters(_NORTHS)),
    0x18: TagRow("GPSDestBearing"),
    0x19: TagRow("GPSDestDistanceRef", letters(_DISTANCES)),
    0x1A: TagRow("GPSDestDistance"),
    0x1B: TagRow("GPSProcessingMethod", comment),
    0x1C: TagRow("GPSAreaInformation", comment),
    0x1D: TagRow("GPSDateStamp", printing.date_stamp),
    0x1E: TagRow("GPSDifferential", words({0: "No Correction", 1: "Differential Corrected"})),
    0x1F: TagRow("GPSHPositioningError", unit("m")),
}
