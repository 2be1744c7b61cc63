"""The words for numbers in EXIF 2.32 and TIFF 6.0, as exiftool has them."""

ORIENTATIONS = {
    1: "Horizontal (normal)",
    2: "Mirror horizontal",
    3: "Rotate 180",
    4: "Mirror vertical",
    5: "Mirror horizontal and rotate 270 CW",
    6: "Rotate 90 CW",
    7: "Mirror horizontal and rotate 90 CW",
    8: "Rotate 270 CW",
}
RESOLUTION_UNITS = {1: "None", 2: "inches", 3: "cm"}
COLOUR_SPACES = {1: "sRGB", 2: "Adobe RGB", 0xFFFD: "Wide Gamut RGB", 0xFFFE: "ICC Profile", 0xFFFF: "Uncalibrated"}

COMPRESSIONS = {
    1: "Uncompressed",
    2: "CCITT 1D",
    3: "T4/Group 3 Fax",
    4: "T6/Group 4 Fax",
    5: "LZW",
    6: "JPEG (old-style)",
    7: "JPEG",
    8: "Adobe Deflate",
    9: "JBIG B&W",
    10: "JBIG Color",
    99: "JPEG",
    32773: "PackBits",
    32946: "Deflate",
    34661: "JBIG",
    34676: "SGILog",
    34677: "SGILog24",
    34712: "JPEG 2000",
    34892: "Lossy JPEG",
}

PHOTOMETRICS = {
    0: "WhiteIsZero",
    1: "BlackIsZero",
    2: "RGB",
    3: "RGB Palette",
    4: "Transparency Mask",
    5: "CMYK",
    6: "YCbCr",
    8: "CIELab",
    9: "ICCLab",
    10: "ITULab",
}

PAGE_KINDS = {
    0: "Full-resolution image",
    1: "Reduced-resolution image",
    2: "Single page of multi-page image",
    3: "Single page of multi-page reduced-resolution image",
    4: "Transparency mask",
}

OLD_PAGE_KINDS = {
    1: "Full-resolution image",
    2: "Reduced-resolution image",
    3: "Single page of multi-page image",
}

PROGRAMS = {
    0: "Not Defined",
    1: "Manual",
    2: "Program AE",
    3: "Aperture-priority AE",
    4: "Shutter speed priority AE",
    5: "Creative (Slow speed)",
    6: "Action (High speed)",
    7: "Portrait",
    8: "Landscape",
    9: "Bulb",
}

SENSITIVITIES = {
    0: "Unknown",
    1: "Standard Output Sensitivity",
    2: "Recommended Exposure Index",
    3: "ISO Speed",
    4: "Standard Output Sensitivity and Recommended Exposure Index",
    5: "Standard Output Sensitivity and ISO Speed",
    6: "Recommended Exposure Index and ISO Speed",
    7: "Standard Output Sensitivity, Recommended Exposure Index and ISO Speed",
}

METERING = {
    0: "Unknown",
    1: "Average",
    2: "Center-weighted average",
    3: "Spot",
    4: "Multi-spot",
    5: "Multi-segment",
    6: "Partial",
    255: "Other",
}

LIGHTS = {
    0: "Unknown",
    1: "Daylight",
    2: "Fluorescent",
    3: "Tungsten (Incandescent)",
    4: "Flash",
    9: "Fine Weather",
    10: "Cloudy",
    11: "Shade",
    12: "Daylight Fluorescent",
    13: "Day White Fluorescent",
    14: "Cool White Fluorescent",
    15: "White Fluorescent",
    16: "Warm White Fluorescent",
    17: "Standard Light A",
    18: "Standard Light B",
    19: "Standard Light C",
    20: "D55",
    21: "D65",
    22: "D75",
    23: "D50",
    24: "ISO Studio Tungsten",
    255: "Other",
}

FLASHES = {
    0x00: "No Flash",
    0x01: "Fired",
    0x05: "Fired, Return not detected",
    0x07: "Fired, Return detected",
    0x08: "On, Did not fire",
    0x09: "On, Fired",
    0x0D: "On, Return not detected",
    0x0F: "On, Return detected",
    0x10: "Off, Did not fire",
    0x14: "Off, Did not fire, Return not detected",
    0x18: "Auto, Did not fire",
    0x19: "Auto, Fired",
    0x1D: "Auto, Fired, Return not detected",
    0x1F: "Auto, Fired, Return detected",
    0x20: "No flash function",
    0x30: "Off, No flash function",
    0x41: "Fired, Red-eye reduction",
    0x45: "Fired, Red-eye reduction, Return not detected",
    0x47: "Fired, Red-eye reduction, Return detected",
    0x49: "On, Red-eye reduction",
    0x4D: "On, Red-eye reduction, Return not detected",
    0x4F: "On, Red-eye reduction, Return detected",
    0x50: "Off, Red-eye reduction",
    0x58: "Auto, Did not fire, Red-eye reduction",
    0x59: "Auto, Fired, Red-eye reduction",
    0x5D: "Auto, Fired, Red-eye reduction, Return not detected",
    0x5F: "Auto, Fired, Red-eye reduction, Return detected",
}

SENSORS = {
    1: "Not defined",
    2: "One-chip color area",
    3: "Two-chip color area",
    4: "Three-chip color area",
    5: "Color sequential area",
    7: "Trilinear",
    8: "Color sequential linear",
}

RENDERINGS = {
    0: "Normal",
    1: "Custom",
    2: "HDR (no original saved)",
    3: "HDR (original saved)",
    4: "Original (for HDR)",
    6: "Panorama",
    7: "Portrait HDR",
    8: "Portrait",
}

GAINS = {0: "None", 1: "Low gain up", 2: "High gain up", 3: "Low gain down", 4: "High gain down"}
SCENES = {0: "Standard", 1: "Landscape", 2: "Portrait", 3: "Night", 4: "Other"}
STRENGTHS = {0: "Normal", 1: "Low", 2: "High"}
COMPOSITES = {
    0: "Unknown",
    1: "Not a Composite Image",
    2: "General Composite Image",
    3: "Composite Image Captured While Shooting",
}
SAMPLES = {1: "Unsigned", 2: "Signed", 3: "Float", 4: "Undefined", 5: "Complex int", 6: "Complex float"}
EXTRA_SAMPLES = {0: "Unspecified", 1: "Associated Alpha", 2: "Unassociated Alpha"}
INTEROPS = {
    "R98": "R98 - DCF basic file (sRGB)",
    "R03": "R03 - DCF option file (Adobe RGB)",
    "THM": "THM - DCF thumbnail file",
}
