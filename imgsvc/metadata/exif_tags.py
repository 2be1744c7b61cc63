"""The fields of EXIF 2.32 and TIFF 6.0: exiftool's name for each, and how it is printed."""

from collections.abc import Mapping
from typing import NamedTuple

from imgsvc.metadata import exif_printing as printing
from imgsvc.metadata import exif_words
from imgsvc.metadata.exif_printing import Print, binary, plain, trimmed, unit, words
from imgsvc.metadata.tags import Rank

SUB_DIRECTORY, GPS_DIRECTORY, INTEROP_DIRECTORY = 0x8769, 0x8825, 0xA005
XMP_PACKET, IPTC_RECORDS, PHOTOSHOP_RESOURCES, COLOUR_PROFILE = 0x02BC, 0x83BB, 0x8649, 0x8773
THUMBNAIL_OFFSET, THUMBNAIL_LENGTH = 0x0201, 0x0202


class TagRow(NamedTuple):
    """A field's name, and its text."""

    name: str
    print: Print = plain
    rank: Rank = Rank.USUAL


# One table for all directories: programs write fields where they do not belong, and exiftool takes them.
EXIF_TAGS: Mapping[int, TagRow] = {
    0x00FE: TagRow("SubfileType", words(exif_words.PAGE_KINDS)),
    0x00FF: TagRow("OldSubfileType", words(exif_words.OLD_PAGE_KINDS)),
    0x0100: TagRow("ImageWidth", rank=Rank.LOW),
    0x0101: TagRow("ImageHeight", rank=Rank.LOW),
    0x0102: TagRow("BitsPerSample", rank=Rank.LOW),
    0x0103: TagRow("Compression", words(exif_words.COMPRESSIONS), Rank.LOW),
    0x0106: TagRow("PhotometricInterpretation", words(exif_words.PHOTOMETRICS), Rank.LOW),
    0x010A: TagRow("FillOrder", words({1: "Normal", 2: "Reversed"})),
    0x010D: TagRow("DocumentName"),
    0x010E: TagRow("ImageDescription", rank=Rank.LOW),
    0x010F: TagRow("Make", trimmed),
    0x0110: TagRow("Model", trimmed),
    0x0111: TagRow("StripOffsets", printing.short_list),
    0x0112: TagRow("Orientation", words(exif_words.ORIENTATIONS), Rank.LOW),
    0x0115: TagRow("SamplesPerPixel", rank=Rank.LOW),
    0x0116: TagRow("RowsPerStrip", rank=Rank.LOW),
    0x0117: TagRow("StripByteCounts", printing.short_list),
    0x011A: TagRow("XResolution", rank=Rank.LOW),
    0x011B: TagRow("YResolution", rank=Rank.LOW),
    0x011C: TagRow("PlanarConfiguration", words({1: "Chunky", 2: "Planar"}), Rank.LOW),
    0x011D: TagRow("PageName"),
    0x011E: TagRow("XPosition"),
    0x011F: TagRow("YPosition"),
    0x0128: TagRow("ResolutionUnit", words(exif_words.RESOLUTION_UNITS), Rank.LOW),
    0x0129: TagRow("PageNumber"),
    0x012D: TagRow("TransferFunction", binary),
    0x0131: TagRow("Software", trimmed),
    0x0132: TagRow("ModifyDate"),
    0x013B: TagRow("Artist", trimmed),
    0x013C: TagRow("HostComputer"),
    0x013D: TagRow("Predictor", words({1: "None", 2: "Horizontal differencing", 3: "Floating point"})),
    0x013E: TagRow("WhitePoint"),
    0x013F: TagRow("PrimaryChromaticities"),
    0x0142: TagRow("TileWidth"),
    0x0143: TagRow("TileLength"),
    0x0144: TagRow("TileOffsets", printing.short_list),
    0x0145: TagRow("TileByteCounts", printing.short_list),
    0x0152: TagRow("ExtraSamples", printing.word_list(exif_words.EXTRA_SAMPLES, ", ")),
    0x0153: TagRow("SampleFormat", printing.word_list(exif_words.SAMPLES, "; ")),
    0x0211: TagRow("YCbCrCoefficients"),
    0x0213: TagRow("YCbCrPositioning", words({1: "Centered", 2: "Co-sited"}), Rank.LOW),
    0x0214: TagRow("ReferenceBlackWhite"),
    0x4746: TagRow("Rating", rank=Rank.LOW),
    0x4749: TagRow("RatingPercent"),
    0x8298: TagRow("Copyright", printing.copyright_notice),
    0x829A: TagRow("ExposureTime", printing.exposure_time),
    0x829D: TagRow("FNumber", printing.f_number),
    0x8822: TagRow("ExposureProgram", words(exif_words.PROGRAMS)),
    0x8827: TagRow("ISO", printing.iso),
    0x8830: TagRow("SensitivityType", words(exif_words.SENSITIVITIES)),
    0x8831: TagRow("StandardOutputSensitivity"),
    0x8832: TagRow("RecommendedExposureIndex"),
    0x8833: TagRow("ISOSpeed"),
    0x9000: TagRow("ExifVersion"),
    0x9003: TagRow("DateTimeOriginal"),
    0x9004: TagRow("CreateDate"),
    0x9010: TagRow("OffsetTime"),
    0x9011: TagRow("OffsetTimeOriginal"),
    0x9012: TagRow("OffsetTimeDigitized"),
    0x9101: TagRow("ComponentsConfiguration", printing.components),
    0x9102: TagRow("CompressedBitsPerPixel"),
    0x9201: TagRow("ShutterSpeedValue", printing.shutter_speed),
    0x9202: TagRow("ApertureValue", printing.aperture),
    0x9203: TagRow("BrightnessValue"),
    0x9204: TagRow("ExposureCompensation", printing.compensation),
    0x9205: TagRow("MaxApertureValue", printing.aperture),
    0x9206: TagRow("SubjectDistance", unit("m")),
    0x9207: TagRow("MeteringMode", words(exif_words.METERING)),
    0x9208: TagRow("LightSource", words(exif_words.LIGHTS)),
    0x9209: TagRow("Flash", words(exif_words.FLASHES, hexadecimal=True)),
    0x920A: TagRow("FocalLength", printing.focal_length),
    0x9214: TagRow("SubjectArea"),
    0x9286: TagRow("UserComment", printing.comment),
    0x9290: TagRow("SubSecTime", trimmed),
    0x9291: TagRow("SubSecTimeOriginal", trimmed),
    0x9292: TagRow("SubSecTimeDigitized", trimmed),
    0x9C9B: TagRow("XPTitle", printing.windows_text),
    0x9C9C: TagRow("XPComment", printing.windows_text),
    0x9C9D: TagRow("XPAuthor", printing.windows_text),
    0x9C9E: TagRow("XPKeywords", printing.windows_text),
    0x9C9F: TagRow("XPSubject", printing.windows_text),
    0xA000: TagRow("FlashpixVersion"),
    0xA001: TagRow("ColorSpace", words(exif_words.COLOUR_SPACES, hexadecimal=True)),
    0xA002: TagRow("ExifImageWidth"),
    0xA003: TagRow("ExifImageHeight"),
    0xA004: TagRow("RelatedSoundFile"),
    0xA20B: TagRow("FlashEnergy"),
    0xA20E: TagRow("FocalPlaneXResolution"),
    0xA20F: TagRow("FocalPlaneYResolution"),
    0xA210: TagRow("FocalPlaneResolutionUnit", words({**exif_words.RESOLUTION_UNITS, 4: "mm", 5: "um"})),
    0xA214: TagRow("SubjectLocation"),
    0xA215: TagRow("ExposureIndex"),
    0xA217: TagRow("SensingMethod", words(exif_words.SENSORS)),
    0xA300: TagRow("FileSource", words({1: "Film Scanner", 2: "Reflection Print Scanner", 3: "Digital Camera"})),
    0xA301: TagRow("SceneType", words({1: "Directly photographed"})),
    0xA302: TagRow("CFAPattern", printing.colour_filters),
    0xA401: TagRow("CustomRendered", words(exif_words.RENDERINGS)),
    0xA402: TagRow("ExposureMode", words({0: "Auto", 1: "Manual", 2: "Auto bracket"})),
    0xA403: TagRow("WhiteBalance", words({0: "Auto", 1: "Manual"})),
    0xA404: TagRow("DigitalZoomRatio"),
    0xA405: TagRow("FocalLengthIn35mmFormat", unit("mm")),
    0xA406: TagRow("SceneCaptureType", words(exif_words.SCENES)),
    0xA407: TagRow("GainControl", words(exif_words.GAINS)),
    0xA408: TagRow("Contrast", words(exif_words.STRENGTHS)),
    0xA409: TagRow("Saturation", words(exif_words.STRENGTHS)),
    0xA40A: TagRow("Sharpness", words({0: "Normal", 1: "Soft", 2: "Hard"})),
    0xA40C: TagRow("SubjectDistanceRange", words({0: "Unknown", 1: "Macro", 2: "Close", 3: "Distant"})),
    0xA420: TagRow("ImageUniqueID"),
    0xA430: TagRow("OwnerName"),
    0xA431: TagRow("SerialNumber"),
    0xA432: TagRow("LensInfo", printing.lens_info),
    0xA433: TagRow("LensMake"),
    0xA434: TagRow("LensModel"),
    0xA435: TagRow("LensSerialNumber"),
    0xA460: TagRow("CompositeImage", words(exif_words.COMPOSITES)),
    0xA500: TagRow("Gamma"),
    0xEA1C: TagRow("Padding", binary),
}

# EXIF 2.32, 4.6.7, and DCF 2.0.
INTEROP_TAGS: Mapping[int, TagRow] = {
    0x0001: TagRow("InteropIndex", printing.letters(exif_words.INTEROPS)),
    0x0002: TagRow("InteropVersion"),
    0x1000: TagRow("RelatedImageFileFormat"),
    0x1001: TagRow("RelatedImageWidth"),
    0x1002: TagRow("RelatedImageHeight"),
}
