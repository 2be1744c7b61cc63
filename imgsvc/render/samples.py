"""Sample products, drawn in code, that `imgsvc samples` takes into an empty library: one of each kind a shop sends.

They are drawn as SVG and rendered by libvips, so they must be drawn in a process whose SVG loader is open (the command
line, never a render worker). No text is drawn: a bare Debian has no fonts. Every seed is fixed, so one machine always
writes the same bytes.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sin
from pathlib import Path

import pyvips
from PIL import Image as Pillow


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One sample product; `draw` writes the file at exactly the path it is given, whose folder exists."""

    file_name: str
    draw: Callable[[Path], None]
    about: str


def _red_sneaker(path: Path) -> None:
    upper = "M225 770 C215 640 235 560 262 452 Q300 430 345 452 Q430 560 560 520 Q600 440 690 400 L735 420"
    upper += " C850 560 960 620 1120 650 C1290 680 1370 730 1392 800 L230 815 Z"
    eyelets = [(735 + 62 * i, 470 + 40 * i) for i in range(5)]
    laces = "".join(
        f'<path d="M{x - 75} {y + 42} Q{x - 30} {y - 22} {x + 30} {y - 12}" fill="none" stroke="#fff" stroke-width="20"'
        f' stroke-linecap="round"/><circle cx="{x - 78}" cy="{y + 46}" r="13" fill="#7d0f18"/>'
        for x, y in eyelets
    )
    body = (
        _backdrop(1600, 1200, "#fdf3ea", "#e9cdb9", floor=880)
        + _shadow(800, 900, 660, 34)
        + f'<path d="{upper}" fill="url(#red)"/>'
        + '<path d="M262 452 Q300 430 345 452 Q430 560 560 520 L575 560 Q420 620 318 500 L300 790 L225 790'
        ' C215 640 235 560 262 452Z" fill="#9c1420"/>'
        + '<path d="M560 520 Q600 440 690 400 L735 420 L800 500 L640 640 Z" fill="#b81a27"/>'
        + laces
        + '<path d="M470 790 L620 640 L735 690 L650 790 Z" fill="#fff" opacity=".92"/>'
        + '<path d="M1080 800 C1090 720 1150 665 1210 668 C1330 695 1380 745 1392 805 Z" fill="url(#rubber)"/>'
        + '<path d="M1080 800 C1090 720 1150 665 1210 668" fill="none" stroke="#c9bfb2" stroke-width="6"/>'
        + '<path d="M205 780 H1400 Q1432 800 1425 845 Q1418 895 1370 897 H250 Q205 895 203 850 Z" fill="url(#rubber)"/>'
        + '<path d="M208 862 H1422 Q1412 897 1370 897 H250 Q215 895 208 862Z" fill="#b5322f"/>'
        + '<path d="M212 815 H1420" stroke="#b5322f" stroke-width="9"/>'
        + '<path d="M300 690 C300 600 330 560 350 530" fill="none" stroke="#fff" stroke-width="12" opacity=".25"/>'
    )
    red = _gradient("red", "#f0454c", "#d81e2c", "#a51220")
    rubber = _gradient("rubber", "#ffffff", "#e4dccf")
    upright = _draw(1600, 1200, red + rubber + body)
    # EXIF 0x0112 = 6: the viewer turns the stored pixels 90° clockwise, so they are stored turned back.
    sideways = upright.rot270()
    sideways.set_type(pyvips.GValue.gint_type, "orientation", 6)
    sideways.jpegsave(path, Q=88)


def _perfume_bottle(path: Path) -> None:
    defs = (
        _gradient("amber", "#f7b267", "#e8743b", "#f9c784", across=True)
        + _gradient("glass", "#d9cbd3", "#f6ece8", "#fdf8f6", "#efe1dd", "#c9b8c2", across=True)
        + _gradient("gold", "#8a6424", "#f9e7a8", "#b98a35", "#fff3c4", "#8a6424", across=True)
        + _gradient("cap", "#14121a", "#5c5668", "#1d1a24", "#393443", "#0e0c13", across=True)
    )
    body = (
        _shadow(600, 1490, 430, 40)
        + '<rect x="230" y="590" width="740" height="900" rx="90" fill="url(#glass)" opacity=".78"/>'
        + '<rect x="592" y="560" width="16" height="830" fill="#d9b9a5" opacity=".8"/>'
        + '<path d="M285 820 H915 V1370 Q915 1435 850 1435 H350 Q285 1435 285 1370Z" fill="url(#amber)" opacity=".9"/>'
        + '<ellipse cx="600" cy="820" rx="315" ry="16" fill="#ffd9a8"/>'
        + '<rect x="265" y="640" width="46" height="780" rx="23" fill="#fff" opacity=".65"/>'
        + '<rect x="900" y="660" width="18" height="740" rx="9" fill="#fff" opacity=".5"/>'
        + '<circle cx="600" cy="1120" r="150" fill="none" stroke="url(#gold)" stroke-width="14"/>'
        + "".join(
            f'<path d="M600 1120 Q{600 + 60 * cos(a) - 40 * sin(a):.1f} {1120 + 60 * sin(a) + 40 * cos(a):.1f}'
            f" {600 + 115 * cos(a):.1f} {1120 + 115 * sin(a):.1f} Q{600 + 60 * cos(a) + 40 * sin(a):.1f}"
            f' {1120 + 60 * sin(a) - 40 * cos(a):.1f} 600 1120Z" fill="url(#gold)"/>'
            for a in (i * pi / 4 for i in range(8))
        )
        + '<rect x="470" y="500" width="260" height="100" rx="14" fill="url(#gold)"/>'
        + '<path d="M470 550 H730" stroke="#6f4f1a" stroke-width="5" opacity=".6"/>'
        + '<rect x="430" y="150" width="340" height="360" rx="36" fill="url(#cap)"/>'
        + '<ellipse cx="600" cy="172" rx="140" ry="12" fill="#8b8599" opacity=".7"/>'
    )
    _cut_out(1200, 1600, defs + body).pngsave(path)


def _ceramic_teapot(path: Path) -> None:
    defs = _gradient("glaze", "#4fc0b5", "#12897f", "#075d5a") + _gradient("lid", "#6fd6ca", "#12897f")
    dots = "".join(
        f'<circle cx="{760 + x * 80 + (y % 2) * 40}" cy="{640 + y * 62}" r="13" fill="#f8e9c8"/>'
        for y in range(4)
        for x in range(-4 + y // 2, 4 - y // 2)
    )
    body = (
        _backdrop(1500, 1200, "#fff6e5", "#f2c98f", floor=930)
        + _shadow(760, 965, 470, 34)
        + '<path d="M1120 560 C1400 430 1430 830 1070 850" fill="none" stroke="url(#glaze)" stroke-width="62"'
        ' stroke-linecap="round"/>'
        + '<path d="M480 800 C330 780 330 560 180 470 L262 432 C420 480 430 600 520 640Z" fill="url(#glaze)"/>'
        + '<ellipse cx="221" cy="450" rx="46" ry="15" transform="rotate(-25 221 450)" fill="#064a48"/>'
        + '<path d="M430 700 C430 500 590 430 760 430 C930 430 1090 500 1090 700 C1090 880 960 965 760 965'
        ' C560 965 430 880 430 700Z" fill="url(#glaze)"/>'
        + dots
        + '<path d="M560 465 C600 370 920 370 960 465 C900 500 620 500 560 465Z" fill="url(#lid)"/>'
        + '<path d="M560 465 C620 500 900 500 960 465" fill="none" stroke="#064a48" stroke-width="7"/>'
        + '<circle cx="760" cy="358" r="44" fill="#f2a65a"/><circle cx="746" cy="344" r="13" fill="#fff" opacity=".7"/>'
        + '<path d="M500 640 C520 550 570 520 620 500" fill="none" stroke="#fff" stroke-width="24" opacity=".5"'
        ' stroke-linecap="round"/>'
    )
    inks = _draw(1500, 1200, defs + body).icc_transform("cmyk", input_profile="srgb")
    inks.jpegsave(path, Q=88)


def _wool_blankets(path: Path) -> None:
    folded = (("#c8553d", "#f4e3c1"), ("#f2cc8f", "#81523f"), ("#588b8b", "#f4e3c1"), ("#2d3a57", "#e0a458"))
    layers = ""
    for i, (wool, stripe) in enumerate(folded):
        top, inset = 320 + 185 * i, 230 - 22 * i + 14 * (i % 2)
        wide = 1600 - 2 * inset
        layers += (
            f'<rect x="{inset}" y="{top}" width="{wide}" height="192" rx="90" fill="{wool}"/>'
            f'<path d="M{inset + 60} {top + 96} H{inset + wide - 20}" stroke="#000" stroke-width="9" opacity=".3"/>'
            f'<path d="M{inset + 60} {top + 104} H{inset + wide - 20}" stroke="#fff" stroke-width="5" opacity=".2"/>'
            + "".join(
                f'<rect x="{inset + 170 + at}" y="{top}" width="{w}" height="192" fill="{stripe}"/>'
                for at, w in ((0, 60), (90, 22), (140, 22))
            )
            + f'<rect x="{inset}" y="{top}" width="{wide}" height="192" rx="90" fill="url(#roll)"/>'
        )
    roll = (
        '<linearGradient id="roll" x2="0" y2=".5" spreadMethod="repeat"><stop offset="0" stop-color="#fff"'
        ' stop-opacity=".22"/><stop offset=".45" stop-color="#fff" stop-opacity="0"/>'
        '<stop offset="1" stop-color="#000" stop-opacity=".38"/></linearGradient>'
    )
    body = _backdrop(1600, 1200, "#efe9e1", "#b9aa98", floor=1010) + _shadow(800, 1064, 660, 30) + layers
    drawn = _draw(1600, 1200, roll + body)
    # Noise finer than one step of eight bits: the low byte of each sample says something too.
    wool = pyvips.Image.gaussnoise(1600, 1200, mean=0, sigma=9, seed=4).gaussblur(0.6)
    fine = (drawn + wool).linear([257.0], [0.0]).cast("ushort").copy(interpretation="rgb16")
    fine.tiffsave(path, compression="deflate", predictor="horizontal")


def _wall_clock(path: Path) -> None:
    ticks = "".join(
        f'<path d="M240 {top} V{end}" stroke="#243447" stroke-width="{thick}" stroke-linecap="round"'
        f' transform="rotate({30 * i} 240 240)"/>'
        for i, (top, end, thick) in enumerate(((70, 100, 9), (74, 88, 5), (74, 88, 5)) * 4)
    )
    face = (
        '<rect width="480" height="480" fill="#f6d55c"/><circle cx="250" cy="254" r="196" fill="#d8b63c"/>'
        '<circle cx="240" cy="240" r="196" fill="#243447"/><circle cx="240" cy="240" r="178" fill="#fffaf0"/>'
        + ticks
        + '<path d="M240 240 L172 196" stroke="#243447" stroke-width="13" stroke-linecap="round"/>'
        + '<path d="M240 240 L318 146" stroke="#243447" stroke-width="9" stroke-linecap="round"/>'
    )
    frames = [
        _draw(
            480,
            480,
            f'{face}<g transform="rotate({30 * i} 240 240)"><path d="M240 286 V94" stroke="#ed553b" stroke-width="5"/>'
            '<circle cx="240" cy="240" r="12" fill="#ed553b"/></g>',
        )
        for i in range(12)
    ]
    film = frames[0].pagejoin(frames[1:])
    film.set_type(pyvips.GValue.array_int_type, "delay", [250] * len(frames))
    film.set_type(pyvips.GValue.gint_type, "loop", 0)
    film.gifsave(path, dither=0, effort=1)


def _desk_lamp(path: Path) -> None:
    defs = (
        _gradient("enamel", "#2b8f86", "#5cc9bd", "#1c6b65", across=True)
        + _gradient("brass", "#f4d58d", "#b98b2f", across=True)
        + '<radialGradient id="glow"><stop offset="0" stop-color="#fff3c9"/>'
        '<stop offset="1" stop-color="#fff3c9" stop-opacity="0"/></radialGradient>'
    )
    body = (
        '<rect width="900" height="1200" fill="#f3e9dc"/><rect y="1010" width="900" height="190" fill="#d9b994"/>'
        '<path d="M610 420 L900 1010 H250 L350 520Z" fill="#fff6d8" opacity=".75"/>'
        '<ellipse cx="545" cy="520" rx="260" ry="190" fill="url(#glow)"/>'
        '<ellipse cx="330" cy="1068" rx="230" ry="22" fill="#a9825c" opacity=".5"/>'
        '<path d="M330 1030 L190 660 L420 300" fill="none" stroke="url(#brass)" stroke-width="22"'
        ' stroke-linejoin="round"/>'
        '<circle cx="190" cy="660" r="30" fill="#1c6b65"/><circle cx="190" cy="660" r="11" fill="#f4d58d"/>'
        '<path d="M140 1030 Q145 975 330 970 Q515 975 520 1030 V1052 Q520 1064 505 1064 H155 Q140 1064 140 1052Z"'
        ' fill="url(#enamel)"/>'
        '<g transform="rotate(-28 470 390)"><circle cx="470" cy="480" r="62" fill="#fff8dd"/>'
        '<path d="M420 230 H520 V290 Q640 330 660 470 H280 Q300 330 420 290Z" fill="url(#enamel)"/>'
        '<ellipse cx="470" cy="470" rx="190" ry="24" fill="#f9e3a3"/></g>'
        '<circle cx="420" cy="300" r="24" fill="#1c6b65"/><circle cx="420" cy="300" r="9" fill="#f4d58d"/>'
    )
    path.write_text(_svg(900, 1200, defs + body), encoding="utf-8")


def _tote_bag(path: Path) -> None:
    leaf = '<path d="M0 0 Q44 -62 0 -128 Q-44 -62 0 0Z" fill="{}" transform="translate({} {}) rotate({})"/>'
    sprig = "".join(
        leaf.format("#3f7d58" if i % 2 else "#5fa777", 400, 760 - 44 * (i // 2), 52 if i % 2 else -52) for i in range(8)
    ) + leaf.format("#5fa777", 400, 590, 0)
    body = (
        _gradient("canvas", "#faf3e3", "#e8dcc0")
        + _backdrop(800, 1000, "#f8e1da", "#e2a999", floor=880)
        + _shadow(400, 918, 285, 22)
        + '<path d="M265 420 C255 60 545 60 535 420" fill="none" stroke="#c9b78f" stroke-width="30"/>'
        + '<path d="M150 380 H650 L690 880 Q690 915 655 915 H145 Q110 915 110 880Z" fill="url(#canvas)"/>'
        + '<path d="M148 404 H652" stroke="#c9b78f" stroke-width="4" stroke-dasharray="14 9"/>'
        + '<path d="M280 420 C275 110 525 110 520 420" fill="none" stroke="#dccca4" stroke-width="30"/>'
        + '<path d="M262 392 h36 v70 h-36Z M502 392 h36 v70 h-36Z" fill="#dccca4"/>'
        + '<path d="M400 850 V600" stroke="#2f5d43" stroke-width="9" stroke-linecap="round"/>'
        + sprig
        + '<path d="M150 880 Q190 700 160 430" fill="none" stroke="#cdbd96" stroke-width="9" opacity=".5"/>'
    )
    drawn = _draw(800, 1000, body)
    # libvips writes BMP only through ImageMagick, which its wheel does not carry.
    with Pillow.frombytes("RGB", (drawn.width, drawn.height), drawn.write_to_memory()) as bitmap:
        bitmap.save(path, "BMP")


def _armchair(path: Path) -> None:
    defs = (
        _gradient("velvet", "#e9b44c", "#c98a1f")
        + _gradient("seat", "#f3c869", "#d39a2c")
        + _gradient("leg", "#7a4a2b", "#4a2a17")
    )
    legs = "".join(
        f'<path d="M{x} 900 h46 l{lean} 150 h-24Z" fill="url(#leg)"/>' for x, lean in ((470, -30), (1085, 8))
    )
    tufts = "".join(
        f'<circle cx="{x}" cy="{y}" r="11" fill="#9a6715"/>'
        for x, y in ((660, 420), (800, 400), (940, 420), (730, 540), (870, 540))
    )
    body = (
        '<rect width="1600" height="1200" fill="#2f4858"/><rect y="960" width="1600" height="240" fill="#a97c50"/>'
        '<rect y="945" width="1600" height="22" fill="#f3efe6"/>'
        '<circle cx="1330" cy="300" r="150" fill="#f26419" opacity=".85"/>'
        + "".join(
            f'<path d="M{x} 967 L{x * 2 - 800} 1200" stroke="#8d6540" stroke-width="4"/>'
            for x in range(-200, 1900, 190)
        )
        + _shadow(800, 1052, 450, 30)
        + legs
        + '<path d="M520 760 C480 300 580 250 800 250 C1020 250 1120 300 1080 760Z" fill="url(#velvet)"/>'
        + tufts
        + '<path d="M430 560 Q360 560 360 640 L385 880 Q390 925 440 925 H1160 Q1210 925 1215 880 L1240 640'
        ' Q1240 560 1170 560 Q1095 560 1090 650 L1085 760 H515 L510 650 Q505 560 430 560Z" fill="url(#velvet)"/>'
        + '<rect x="515" y="690" width="570" height="120" rx="54" fill="url(#seat)"/>'
        + '<path d="M515 818 Q800 842 1085 818" fill="none" stroke="#9a6715" stroke-width="7"/>'
        + '<path d="M396 640 Q398 596 436 592" fill="none" stroke="#fff" stroke-width="12" opacity=".4"'
        ' stroke-linecap="round"/>'
    )
    _draw(1600, 1200, defs + body).heifsave(path, compression="av1", Q=60, effort=2)


def _sunglasses(path: Path) -> None:
    lens = "M{0} 430 h360 Q{1} 430 {2} 500 C{3} 690 {4} 740 {5} 740 C{6} 740 {7} 690 {8} 500 Q{8} 430 {0} 430Z"
    left = lens.format(340, 740, 735, 715, 620, 515, 380, 290, 285)
    right = lens.format(900, 1300, 1315, 1310, 1220, 1085, 980, 885, 865)
    defs = _gradient("dusk", "#3a1c71", "#d76d77", "#ffaf7b") + _gradient("shell", "#8a4b2a", "#3c1d10")
    body = (
        _backdrop(1600, 1000, "#e3f4f4", "#92cfd0", floor=760)
        + _shadow(800, 790, 600, 22)
        + "".join(
            f'<path d="{shape}" fill="url(#dusk)" stroke="url(#shell)" stroke-width="46" stroke-linejoin="round"/>'
            for shape in (left, right)
        )
        + '<path d="M725 500 Q800 440 878 500" fill="none" stroke="#5a2e19" stroke-width="40"/>'
        + '<path d="M300 440 L215 420 Q190 430 205 480 L280 520Z'
        ' M1300 440 L1385 420 Q1410 430 1395 480 L1320 520Z" fill="#5a2e19"/>'
        + '<path d="M370 480 h90 L390 690 Q330 620 325 520Z'
        ' M930 480 h90 L960 690 Q905 620 900 520Z" fill="#fff" opacity=".28"/>'
        + '<path d="M490 480 h40 L450 725 L425 715Z M1050 480 h40 L1020 725 L995 715Z" fill="#fff" opacity=".2"/>'
    )
    _draw(1600, 1000, defs + body).webpsave(path, Q=82)


def _mountain_tent(path: Path) -> None:
    width, height = 4000, 3000
    chance = random.Random(7)
    ranges = "".join(
        f'<path d="{_ridge(chance, width, height, level, rough)}" fill="{colour}"/>'
        for level, rough, colour in (
            (1350, 620, "#8fa3c4"),
            (1650, 520, "#66799f"),
            (1950, 380, "#465a7c"),
            (2230, 180, "#2c4a4a"),
        )
    )
    tent = (
        '<ellipse cx="2050" cy="2690" rx="900" ry="60" fill="#0d1f1a" opacity=".6"/>'
        '<path d="M1250 2690 L1900 1930 L2850 2690Z" fill="url(#cloth)"/>'
        '<path d="M1900 1930 L2850 2690 L2260 2690Z" fill="#9e3412"/>'
        '<path d="M1900 1930 L1640 2690 H2080Z" fill="#ffdf8e"/><path d="M1900 1930 L1800 2690 H1980Z" fill="#fff3cf"/>'
        '<path d="M1900 1930 L1100 2720 M1900 1930 L3000 2720" stroke="#e8e2d0" stroke-width="7"/>'
    )
    defs = (
        _gradient("sky", "#27366b", "#8d6aa0", "#f3a183", "#ffe0a6")
        + _gradient("cloth", "#f4793b", "#d1491a")
        + '<radialGradient id="sun"><stop offset="0" stop-color="#fff6d6"/><stop offset=".12" stop-color="#ffe7a8"/>'
        '<stop offset="1" stop-color="#ffd27d" stop-opacity="0"/></radialGradient>'
    )
    sky = '<rect width="4000" height="2300" fill="url(#sky)"/><circle cx="2950" cy="1180" r="900" fill="url(#sun)"/>'
    meadow = f'<path d="{_ridge(chance, width, height, 2480, 90)}" fill="#1f3b2f"/>'
    drawn = _draw(width, height, defs + sky + ranges + meadow + tent)
    # Grain of two sizes, in tiles of 1000 px: to draw noise for all twelve megapixels takes longer than to encode them.
    coarse = pyvips.Image.gaussnoise(250, 250, mean=0, sigma=5, seed=12).resize(4, kernel="linear")
    grain = (pyvips.Image.gaussnoise(1000, 1000, mean=0, sigma=7, seed=13) + coarse).cast("short").copy_memory()
    grainy = (drawn + grain.replicate(4, 3)).cast("uchar")
    grainy.copy(interpretation="srgb").jpegsave(path, Q=86, interlace=True)


def _film_camera(path: Path) -> None:
    defs = (
        _gradient("steel", "#f4f4f4", "#b4b4b4", "#d8d8d8")
        + _gradient("leather", "#3b3b3b", "#1f1f1f")
        + _gradient("ring", "#6a6a6a", "#1b1b1b", "#555555", across=True)
        + '<radialGradient id="optic" cx=".4" cy=".35"><stop offset="0" stop-color="#c9c9c9"/>'
        '<stop offset=".35" stop-color="#5a5a5a"/><stop offset="1" stop-color="#050505"/></radialGradient>'
    )
    knurl = "".join(
        f'<path d="M700 378 v44" stroke="#8d8d8d" stroke-width="7" transform="rotate({i * 6} 700 640)"/>'
        for i in range(60)
    )
    body = (
        _backdrop(1400, 1100, "#f5f5f5", "#a9a9a9", floor=870)
        + _shadow(700, 905, 540, 30)
        + '<path d="M500 330 L560 225 H840 L900 330Z" fill="url(#steel)"/>'
        + '<rect x="615" y="250" width="170" height="62" rx="10" fill="#2a2a2a"/>'
        + '<rect x="230" y="275" width="130" height="60" rx="14" fill="url(#ring)"/>'
        + '<rect x="1010" y="255" width="90" height="80" rx="14" fill="url(#ring)"/>'
        + '<circle cx="1165" cy="312" r="26" fill="#dcdcdc"/>'
        + '<rect x="150" y="320" width="1100" height="580" rx="58" fill="url(#steel)"/>'
        + '<rect x="150" y="430" width="1100" height="370" fill="url(#leather)"/>'
        + '<rect x="1040" y="470" width="150" height="70" rx="14" fill="#8f8f8f"/>'
        + '<rect x="1052" y="482" width="126" height="46" rx="8" fill="#1a1a1a"/>'
        + '<circle cx="700" cy="640" r="268" fill="url(#ring)"/>'
        + knurl
        + '<circle cx="700" cy="640" r="205" fill="#111"/><circle cx="700" cy="640" r="188" fill="#3d3d3d"/>'
        + '<circle cx="700" cy="640" r="150" fill="url(#optic)"/>'
        + '<ellipse cx="648" cy="580" rx="48" ry="28" transform="rotate(-35 648 580)" fill="#fff" opacity=".75"/>'
        + '<circle cx="770" cy="712" r="17" fill="#fff" opacity=".35"/>'
    )
    _draw(1400, 1100, defs + body).colourspace("b-w").jpegsave(path, Q=88)


def _wooden_blocks(path: Path) -> None:
    blocks = (
        (170, 610, "#e4572e", "#f08060", "#b53f1c"),
        (480, 610, "#17bebb", "#66dcd9", "#0e8f8d"),
        (325, 330, "#ffc914", "#ffdd6b", "#d1a200"),
    )
    symbols = (
        '<circle cx="295" cy="755" r="72" fill="#fff"/>',
        '<path d="M605 675 L690 825 H520Z" fill="#fff"/>',
        '<rect x="382" y="408" width="136" height="136" fill="#fff"/>',
    )
    body = '<rect width="1000" height="1000" fill="#fdf6e3"/><path d="M0 860 H1000 V1000 H0Z" fill="#eadfc2"/>'
    body += '<path d="M170 890 H730 L810 830 H880 L790 925 H205Z" fill="#cdbf9a"/>'
    for (x, y, front, top, side), symbol in zip(blocks, symbols, strict=True):
        body += (
            f'<rect x="{x}" y="{y}" width="250" height="280" fill="{front}"/>'
            f'<path d="M{x} {y} l80 -60 h250 l-80 60Z" fill="{top}"/>'
            f'<path d="M{x + 250} {y} l80 -60 v280 l-80 60Z" fill="{side}"/>{symbol}'
        )
    _draw(1000, 1000, body).pngsave(path, palette=True, bitdepth=8, dither=0)


def _orange_headphones(path: Path) -> None:
    defs = (
        _gradient("band", "#ff8a1f", "#ff5a00")
        + _gradient("cup", "#ff9a3d", "#ff5a00", "#c43c00", across=True)
        + _gradient("pad", "#3b3b46", "#1c1c23", across=True)
    )
    cup = (
        '<rect x="250" y="640" width="96" height="330" rx="44" fill="url(#pad)" transform="translate(92 0)"/>'
        '<rect x="190" y="610" width="190" height="390" rx="88" fill="url(#cup)"/>'
        '<rect x="222" y="690" width="26" height="200" rx="13" fill="#fff" opacity=".4"/>'
    )
    body = (
        _backdrop(1200, 1200, "#eaf1ff", "#8fb3f5", floor=960)
        + _shadow(600, 1010, 430, 28)
        + '<path d="M285 700 V540 A315 330 0 0 1 915 540 V700" fill="none" stroke="#2a2a33" stroke-width="44"/>'
        + '<path d="M300 470 A315 330 0 0 1 900 470" fill="none" stroke="url(#band)" stroke-width="84"'
        ' stroke-linecap="round"/>'
        + '<path d="M352 360 A300 300 0 0 1 600 216" fill="none" stroke="#fff" stroke-width="14" opacity=".5"'
        ' stroke-linecap="round"/>' + cup + f'<g transform="matrix(-1 0 0 1 1200 0)">{cup}</g>'
    )
    # The numbers are taken as Display P3, not converted to it: so its orange lies outside sRGB.
    _draw(1200, 1200, defs + body).jpegsave(path, Q=90, profile="p3")


SAMPLES: tuple[Sample, ...] = (
    Sample(file_name="red-sneaker.jpg", draw=_red_sneaker, about="JPEG stored sideways, EXIF orientation 6"),
    Sample(file_name="perfume-bottle.png", draw=_perfume_bottle, about="RGBA PNG, a cut-out with a soft shadow"),
    Sample(file_name="ceramic-teapot.jpg", draw=_ceramic_teapot, about="CMYK JPEG with its ICC profile"),
    Sample(file_name="wool-blankets.tif", draw=_wool_blankets, about="TIFF of 16 bits a channel"),
    Sample(file_name="wall-clock.gif", draw=_wall_clock, about="animated GIF of twelve frames"),
    Sample(file_name="desk-lamp.svg", draw=_desk_lamp, about="SVG of shapes and gradients"),
    Sample(file_name="tote-bag.bmp", draw=_tote_bag, about="BMP, uncompressed"),
    Sample(file_name="velvet-armchair.avif", draw=_armchair, about="AVIF"),
    Sample(file_name="sunglasses.webp", draw=_sunglasses, about="lossy WebP"),
    Sample(
        file_name="mountain-tent.jpg",
        draw=_mountain_tent,
        about="progressive JPEG of 12 megapixels, grainy as a photograph",
    ),
    Sample(file_name="film-camera.jpg", draw=_film_camera, about="greyscale JPEG"),
    Sample(file_name="wooden-blocks.png", draw=_wooden_blocks, about="PNG with a palette"),
    Sample(
        file_name="orange-headphones.jpg", draw=_orange_headphones, about="JPEG in Display P3, colours outside sRGB"
    ),
)


def _svg(width: int, height: int, content: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f"{content}</svg>"
    )


def _draw(width: int, height: int, content: str) -> pyvips.Image:
    """The drawing as sRGB of eight bits without alpha, held in memory; what it leaves open is black."""
    return _cut_out(width, height, content).flatten().copy_memory()


def _cut_out(width: int, height: int, content: str) -> pyvips.Image:
    """The drawing as sRGB of eight bits with straight alpha."""
    return pyvips.Image.svgload_buffer(_svg(width, height, content).encode())


def _gradient(name: str, *colours: str, across: bool = False) -> str:
    """A linear gradient with evenly spaced stops, downwards unless `across`."""
    stops = "".join(
        f'<stop offset="{i / (len(colours) - 1):.3f}" stop-color="{colour}"/>' for i, colour in enumerate(colours)
    )
    way = "" if across else ' x2="0" y2="1"'
    return f'<linearGradient id="{name}"{way}>{stops}</linearGradient>'


def _backdrop(width: int, height: int, light: str, dark: str, *, floor: int) -> str:
    """A studio wall, lit from above, that turns into a floor at `floor` px from the top."""
    return (
        f'<radialGradient id="wall" cx=".5" cy=".35" r=".85"><stop offset="0" stop-color="{light}"/>'
        f'<stop offset="1" stop-color="{dark}"/></radialGradient>'
        f'<rect width="{width}" height="{height}" fill="url(#wall)"/>'
        f'<linearGradient id="floor" x2="0" y2="1"><stop offset="0" stop-color="{dark}" stop-opacity=".55"/>'
        f'<stop offset="1" stop-color="{light}" stop-opacity=".4"/></linearGradient>'
        f'<rect y="{floor}" width="{width}" height="{height - floor}" fill="url(#floor)"/>'
    )


def _shadow(x: int, y: int, half_width: int, half_height: int) -> str:
    """A soft ellipse on the floor, its centre at (x, y)."""
    return (
        '<filter id="soft" x="-20%" y="-200%" width="140%" height="500%">'
        f'<feGaussianBlur stdDeviation="{half_height * 0.6:.0f}"/></filter>'
        f'<ellipse cx="{x}" cy="{y}" rx="{half_width}" ry="{half_height}" fill="#1c120c" opacity=".45"'
        ' filter="url(#soft)"/>'
    )


def _ridge(chance: random.Random, width: int, height: int, level: int, rough: int) -> str:
    """A mountain range as a closed path, by midpoint displacement around `level` px from the top."""
    heights = [float(level), float(level)]
    swing = float(rough)
    while len(heights) < 200:
        between = [(a + b) / 2 + chance.uniform(-swing, swing) for a, b in pairwise(heights)]
        heights = [h for pair in zip(heights, between, strict=False) for h in pair] + heights[-1:]
        swing *= 0.52
    step = width / (len(heights) - 1)
    crest = " ".join(f"L{i * step:.0f} {h:.0f}" for i, h in enumerate(heights))
    return f"M0 {height} {crest} L{width} {height}Z"
