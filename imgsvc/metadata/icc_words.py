"""Signatures in colour profiles, by the names exiftool gives them.

Makers register theirs with the ICC (registry.color.org); here are those that profiles in use carry.
"""

PROFILE_CLASSES = {
    "scnr": "Input Device Profile",
    "mntr": "Display Device Profile",
    "prtr": "Output Device Profile",
    "link": "DeviceLink Profile",
    "spac": "ColorSpace Conversion Profile",
    "abst": "Abstract Profile",
    "nmcl": "NamedColor Profile",
    "cenc": "ColorEncodingSpace Profile",
    "mid ": "MultiplexIdentification Profile",
    "nkpf": "Nikon Input Device Profile (NON-STANDARD!)",
}

PLATFORMS = {
    "APPL": "Apple Computer Inc.",
    "MSFT": "Microsoft Corporation",
    "SGI ": "Silicon Graphics Inc.",
    "SUNW": "Sun Microsystems Inc.",
    "TGNT": "Taligent Inc.",
}

MAKERS = {
    "ACER": "Acer Peripherals",
    "ADBE": "Adobe Systems Inc.",
    "AGFA": "Agfa Graphics N.V.",
    "APPL": "Apple Computer Inc.",
    "CANO": "Canon, Inc. (Canon Development Americas, Inc.)",
    "DELL": "Dell Computer Corporation",
    "EPSO": "Epson",
    "FFEI": "FujiFilm Electronic Imaging, Ltd.",
    "FNRD": "fnord software",
    "FUJI": "Fujitsu",
    "GMB ": "Gretagmacbeth",
    "GMG ": "GMG GmbH & Co. KG",
    "GOOG": "Google",
    "HDM ": "Heidelberger Druckmaschinen AG",
    "HP  ": "Hewlett-Packard",
    "IBM ": "IBM Corporation",
    "IEC ": "Hewlett-Packard",
    "KNCA": "Konica Corporation",
    "KODA": "Kodak",
    "LEXM": "Lexmark International, Inc.",
    "LINO": "Linotronic",
    "Lino": "Linotronic",
    "MINO": "Minolta",
    "MITS": "Mitsubishi Electronics America, Inc.",
    "MSFT": "Microsoft Corporation",
    "NEC ": "NEC Corporation",
    "NKON": "Nikon Corporation",
    "NONE": "none",
    "OKI ": "Oki",
    "OLYM": "OLYMPUS OPTICAL CO., LTD",
    "PHIL": "Philips Consumer Electronics Co.",
    "RICO": "Ricoh Corporation",
    "SAMS": "Samsung, Inc.",
    "SEC ": "SAMSUNG ELECTRONICS CO.,LTD",
    "SHAR": "Sharp Laboratories",
    "SONY": "SONY Corporation",
    "TOSH": "Toshiba, Inc.",
    "VIEW": "Viewsonic",
    "XERX": "Xerox Corporation",
    "XRIT": "X-Rite",
    "appl": "Apple Computer Inc.",
    "bICC": "basICColor GmbH",
    "lcms": "Little CMS",
    "none": "none",
}

INTENTS = {0: "Perceptual", 1: "Media-Relative Colorimetric", 2: "Saturation", 3: "ICC-Absolute Colorimetric"}

# ICC.1:2010, 9.2.47.
TECHNOLOGIES = {
    "fscn": "Film Scanner",
    "dcam": "Digital Camera",
    "rscn": "Reflective Scanner",
    "ijet": "Ink Jet Printer",
    "twax": "Thermal Wax Printer",
    "epho": "Electrophotographic Printer",
    "esta": "Electrostatic Printer",
    "dsub": "Dye Sublimation Printer",
    "rpho": "Photographic Paper Printer",
    "fprn": "Film Writer",
    "vidm": "Video Monitor",
    "vidc": "Video Camera",
    "pjtv": "Projection Television",
    "CRT ": "Cathode Ray Tube Display",
    "PMD ": "Passive Matrix Display",
    "AMD ": "Active Matrix Display",
    "KPCD": "Photo CD",
    "imgs": "Photo Image Setter",
    "grav": "Gravure",
    "offs": "Offset Lithography",
    "silk": "Silkscreen",
    "flex": "Flexography",
    "mpfs": "Motion Picture Film Scanner",
    "mpfr": "Motion Picture Film Recorder",
    "dmpc": "Digital Motion Picture Camera",
    "dcpj": "Digital Cinema Projector",
}

# ICC.1:2010, table 31.
COLORANTS = {0: "Unknown", 1: "ITU-R BT.709", 2: "SMPTE RP145-1994", 3: "EBU Tech.3213-E", 4: "P22"}

# ICC.1:2010, 10.12 and 10.25: measurementType and viewingConditionsType.
OBSERVERS = {1: "CIE 1931", 2: "CIE 1964"}
GEOMETRIES = {0: "Unknown", 1: "0/45 or 45/0", 2: "0/d or d/0"}
ILLUMINANTS = {1: "D50", 2: "D65", 3: "D93", 4: "F2", 5: "D55", 6: "A", 7: "Equi-Power (E)", 8: "F8"}
