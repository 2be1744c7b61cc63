"""Zip archives as bytes: what is laid out beforehand is what readers of all kinds find, and names are safe anywhere."""

import io
import os
import shutil
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsvc.core.zip import (
    REPORT_NAME,
    FileName,
    Part,
    ZipEntry,
    ZipLayout,
    make_layout,
    safe_names,
)
from tests.fakes import NOON

_SECONDS = 60
"""Longest a reader may take."""

_UTF8 = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "Pacific/Auckland"}
"""A zone far from UTC, in which a time without a zone shows."""


class Packed(NamedTuple):
    """An archive and what is in it, by name."""

    layout: ZipLayout
    contents: Mapping[str, bytes]

    def whole(self) -> bytes:
        return self.cut(0, self.layout.length)

    def cut(self, start: int, stop: int) -> bytes:
        return b"".join(
            self._part(piece.part, piece.entry)[piece.start : piece.stop] for piece in self.layout.pieces(start, stop)
        )

    def _part(self, part: Part, entry: int) -> bytes:
        match part:
            case Part.HEADER:
                return self.layout.headers[entry]
            case Part.CONTENT:
                return self.contents[self.layout.entries[entry].name]
            case Part.DIRECTORY:
                return self.layout.directory


def pack(contents: Mapping[str, bytes], *, times: Sequence[datetime] = ()) -> Packed:
    """Modified at `times`, as far as they are given, else at noon."""
    moments = [*times, *[NOON] * len(contents)]
    entries = [
        ZipEntry(name=name, length=len(data), crc32=crc32(data), modified=modified)
        for (name, data), modified in zip(contents.items(), moments, strict=False)
    ]
    return Packed(make_layout(entries), contents)


file_names = st.text(max_size=40) | st.sampled_from(
    ["a.jpg", "A.JPG", "a (2).jpg", "a (3).jpg", "CON", "nul.txt", "../a.jpg", "errors.txt", "é.png", "e\u0301.png", ""]
)
"""As a library may have them: anything at all, and some that collide."""

packed = st.builds(
    lambda names, data, times: pack(
        dict(zip(safe_names(map(FileName, names)), data * len(names), strict=False)), times=times
    ),
    st.lists(file_names, max_size=6),
    st.lists(st.binary(max_size=60), min_size=1, max_size=6),
    st.lists(
        st.integers(0, 7 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)), min_size=6, max_size=6
    ),
)


class TestLayout:
    @given(packed)
    def test_python_reads_what_was_laid_out(self, archive: Packed) -> None:
        """Names, contents and their CRC-32."""
        with zipfile.ZipFile(io.BytesIO(archive.whole())) as read:
            assert read.testzip() is None
            assert {info.filename: read.read(info) for info in read.infolist()} == archive.contents

    @given(packed)
    def test_times_are_those_of_the_members(self, archive: Packed) -> None:
        """In UTC to two seconds within the years of MS-DOS, and to one, with the zone, while seconds are 31 bit."""
        with zipfile.ZipFile(io.BytesIO(archive.whole())) as read:
            for info, entry in zip(read.infolist(), archive.layout.entries, strict=True):
                modified = entry.modified.replace(microsecond=0)
                if 1980 <= modified.year <= 2107:
                    assert modified - datetime(*info.date_time, tzinfo=UTC) in (timedelta(0), timedelta(seconds=1))
                exact = timestamp_of(info.extra)
                assert exact == (modified if modified < datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC) else None)

    @given(packed)
    def test_the_length_is_known_before_the_bytes(self, archive: Packed) -> None:
        assert archive.layout.length == len(archive.whole())

    @given(packed, st.data())
    def test_a_range_is_the_slice_of_the_whole(self, archive: Packed, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, archive.layout.length - 1))
        stop = data.draw(st.integers(start + 1, archive.layout.length))

        assert archive.cut(start, stop) == archive.whole()[start:stop]

    @given(packed, st.data())
    def test_a_range_touches_nothing_outside(self, archive: Packed, data: st.DataObject) -> None:
        """One byte, one piece."""
        at = data.draw(st.integers(0, archive.layout.length - 1))

        assert len(list(archive.layout.pieces(at, at + 1))) == 1

    def test_nothing_is_an_archive_too(self) -> None:
        """The end record alone, 22 bytes."""
        archive = pack({})

        assert zipfile.ZipFile(io.BytesIO(archive.whole())).namelist() == []
        assert archive.layout.length == 22

    def test_members_are_plain_files_that_all_may_read(self) -> None:
        [info] = zipfile.ZipFile(io.BytesIO(pack({"a.txt": b"a"}).whole())).infolist()

        assert info.external_attr >> 16 == 0o100644

    def test_nothing_is_asked_of_readers_that_is_not_needed(self) -> None:
        """Version 1.0, no flag, no data descriptor; bit 11 where a name is not ASCII."""
        plain, other = zipfile.ZipFile(io.BytesIO(pack({"a.txt": b"a", "ä.txt": b"a"}).whole())).infolist()

        assert (plain.extract_version, plain.flag_bits) == (10, 0)
        assert (other.extract_version, other.flag_bits) == (10, 1 << 11)

    @pytest.mark.parametrize("change", [{"b": b"content"}, {"a": b"Content"}, {"a": b"content "}, {}])
    def test_a_directory_tells_archives_apart(self, change: Mapping[str, bytes]) -> None:
        """By name, CRC-32, length and time."""
        one = pack({"a": b"content"})
        other = pack(change or {"a": b"content"}, times=[] if change else [NOON + timedelta(seconds=1)])

        assert one.layout.directory != other.layout.directory


class TestZip64:
    def test_more_members_than_16_bits_count(self, tmp_path: Path) -> None:
        """Python counts and reads them, and so does every other reader that is here."""
        archive = pack({f"{number}.txt": b"%d" % number for number in range(65_600)})
        path = tmp_path / "many.zip"
        path.write_bytes(archive.whole())

        with zipfile.ZipFile(path) as read:
            assert len(read.infolist()) == 65_600
            assert read.read("65599.txt") == b"65599"
        for listing in ([UNZIP, "-Z1"], [SEVEN, "l", "-ba"], [BSDTAR, "-tf"]):
            if listing[0] is not None:
                assert len(run(*map(str, listing), str(path)).splitlines()) == 65_600

    @pytest.mark.parametrize("count", [65_534, 65_535])
    def test_only_where_the_count_does_not_fit(self, count: int) -> None:
        archive = pack({f"{number}": b"" for number in range(count)})

        assert (b"PK\6\6" in archive.layout.directory[-100:]) == (count == 65_535)

    @pytest.mark.parametrize("length", [2**32 - 2, 2**32 - 1, 2**32, 5 * 2**30])
    def test_members_and_offsets_beyond_32_bits(self, tmp_path: Path, length: int) -> None:
        """A hole of that length, and a small member behind it that every reader finds."""
        small, path = b"behind", tmp_path / "large.zip"
        layout = make_layout(
            [
                ZipEntry(name="large.bin", length=length, crc32=0, modified=NOON),
                ZipEntry(name="small.txt", length=len(small), crc32=crc32(small), modified=NOON),
            ]
        )
        with path.open("wb") as file:
            file.write(layout.headers[0])
            file.seek(layout.starts[1])
            file.write(layout.headers[1] + small + layout.directory)

        assert path.stat().st_size == layout.length
        with zipfile.ZipFile(path) as read:
            assert [info.file_size for info in read.infolist()] == [length, len(small)]
            assert read.read("small.txt") == small
            assert read.open("large.bin").read(10) == bytes(10)
        for extracting in ([UNZIP, "-p"], [SEVEN, "x", "-so"]):
            # Info-ZIP 6.00 itself takes the one length that equals the mark of a ZIP64 field for the mark.
            if extracting[0] is not None and (extracting[0], length) != (UNZIP, 2**32 - 1):
                assert run(*map(str, extracting), str(path), "small.txt") == small.decode()

    def test_a_header_has_both_lengths_or_none(self) -> None:
        """APPNOTE 4.5.3: in the header both must be there, in the record what does not fit."""
        large, behind = make_layout(
            [
                ZipEntry(name="a", length=2**32, crc32=0, modified=NOON),
                ZipEntry(name="b", length=1, crc32=0, modified=NOON),
            ]
        ).headers

        assert large[18:26] == b"\xff" * 8
        assert large[31:51] == b"\1\0\x10\0" + (2**32).to_bytes(8, "little") * 2
        assert len(behind) == 30 + 1 + 9


UNZIP = shutil.which("unzip")
BSDTAR = shutil.which("bsdtar")
SEVEN = shutil.which("7zz") or shutil.which("7z")
JAVA = shutil.which("java")


def run(*command: str, given: bytes = b"") -> str:
    """What it prints. Raises CalledProcessError."""
    done = subprocess.run(command, input=given, capture_output=True, timeout=_SECONDS, check=True, env=_UTF8)
    return done.stdout.decode()


def files_in(folder: Path) -> dict[str, tuple[bytes, float]]:
    """Content and time of each."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime) for path in folder.iterdir()}


@pytest.fixture(scope="module")
def mixed() -> Packed:
    return pack(
        {
            "Red Shirt.webp": bytes(range(256)) * 100,
            "Größe, 大きさ 🧥.webp": b"UTF-8",
            "nothing.txt": b"",
            "large.bin": os.urandom(1 << 20) * 4,
            REPORT_NAME: "größe.jpg: Broken off.\n".encode(),
        },
        times=[datetime(2021, 7, 4, 23, 59, 58, tzinfo=UTC)],
    )


@pytest.fixture(scope="module")
def path(mixed: Packed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mixed") / "mixed.zip"
    path.write_bytes(mixed.whole())
    return path


@pytest.fixture(scope="module")
def expected(mixed: Packed) -> dict[str, tuple[bytes, float]]:
    return {entry.name: (mixed.contents[entry.name], entry.modified.timestamp()) for entry in mixed.layout.entries}


class TestReaders:
    """Five that share no code, on names in several scripts, an empty file, a large one and a report."""

    def test_python(self, path: Path, mixed: Packed) -> None:
        with zipfile.ZipFile(path) as read:
            assert read.testzip() is None
            assert {name: read.read(name) for name in read.namelist()} == mixed.contents

    @pytest.mark.skipif(UNZIP is None, reason="unzip is not installed (apt-get install unzip)")
    def test_unzip(self, path: Path, expected: object, tmp_path: Path) -> None:
        """With the times of the members, in whatever zone."""
        run(str(UNZIP), str(path), "-d", str(tmp_path))

        assert files_in(tmp_path) == expected

    @pytest.mark.skipif(SEVEN is None, reason="7-Zip is not installed (apt-get install 7zip)")
    def test_seven_zip(self, path: Path, expected: object, tmp_path: Path) -> None:
        """Which warns where header and directory disagree."""
        said = run(str(SEVEN), "x", f"-o{tmp_path}", str(path))

        assert files_in(tmp_path) == expected
        assert "Warning" not in said

    @pytest.mark.skipif(BSDTAR is None, reason="bsdtar is not installed (apt-get install libarchive-tools)")
    def test_bsdtar(self, path: Path, expected: object, tmp_path: Path) -> None:
        run(str(BSDTAR), "-xf", str(path), "-C", str(tmp_path))

        assert files_in(tmp_path) == expected

    @pytest.mark.skipif(BSDTAR is None, reason="bsdtar is not installed (apt-get install libarchive-tools)")
    def test_bsdtar_out_of_a_pipe(self, path: Path, expected: object, tmp_path: Path) -> None:
        """From the headers alone, as they come."""
        run(str(BSDTAR), "-xf", "-", "-C", str(tmp_path), given=path.read_bytes())

        assert files_in(tmp_path) == expected

    @pytest.mark.skipif(JAVA is None, reason="Java is not installed (apt-get install default-jdk-headless)")
    def test_java_out_of_a_pipe(self, path: Path, mixed: Packed, tmp_path: Path) -> None:
        """java.util.zip.ZipInputStream, which refuses data descriptors behind stored members."""
        source = tmp_path / "Reader.java"
        source.write_text(_JAVA_READER)

        said = run(str(JAVA), "-XX:TieredStopAtLevel=1", str(source), given=path.read_bytes())

        assert said.splitlines() == [
            f"{entry.name}\t{entry.length}\t{entry.crc32}\t{entry.modified.timestamp():.0f}"
            for entry in mixed.layout.entries
        ]


def timestamp_of(extra: bytes) -> datetime | None:
    """Out of Info-ZIP's extended timestamp, which alone is there."""
    if not extra:
        return None
    assert extra[:5] == b"UT\5\0\1"
    return datetime.fromtimestamp(int.from_bytes(extra[5:9], "little"), UTC)


_JAVA_READER = """
import java.io.PrintStream;
import java.util.zip.*;

public class Reader {
    public static void main(String[] none) throws Exception {
        ZipInputStream archive = new ZipInputStream(System.in);
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        for (ZipEntry entry; (entry = archive.getNextEntry()) != null; ) {
            byte[] content = archive.readAllBytes();
            CRC32 sum = new CRC32();
            sum.update(content);
            long seconds = entry.getLastModifiedTime().toMillis() / 1000;
            out.println(entry.getName() + "\\t" + content.length + "\\t" + sum.getValue() + "\\t" + seconds);
        }
    }
}
"""


def named(*names: str, extension: str | None = None) -> list[str]:
    return safe_names(FileName(name, extension) for name in names)


class TestNames:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("Red Shirt.JPG", "Red Shirt.JPG"),
            ("Hemd, grün.png", "Hemd, grün.png"),
            ("シャツ 🧥.png", "シャツ 🧥.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\shirt.png", "shirt.png"),
            ("folder/", "folder"),
            ("a\tb\nc.png", "a_b_c.png"),
            ('a<b>c:d"e|f?g*h.png', "a_b_c_d_e_f_g_h.png"),
            ("gpj\u202egnp.exe", "gpj_gnp.exe"),
            ("\ud800.png", "_.png"),
            (".htaccess", "htaccess"),
            ("-rf.png", "rf.png"),
            ("shirt. . ", "shirt"),
            ("CON", "_CON"),
            ("nul.tar.gz", "_nul.tar.gz"),
            ("Com1 .png", "_Com1 .png"),
            ("LPT\u00b9.png", "_LPT\u00b9.png"),
            ("console.png", "console.png"),
            ("e\u0301.png", "\u00e9.png"),
            ("", "file"),
            ("..", "file"),
            ("errors.txt", "errors (2).txt"),
            ("Errors.TXT", "Errors (2).TXT"),
        ],
    )
    def test_a_name_is_made_safe(self, name: str, expected: str) -> None:
        """No more is changed than has to be."""
        assert named(name) == [expected]

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("Red Shirt.JPG", "Red Shirt.webp"),
            ("shirt.png.jpg", "shirt.png.webp"),
            ("shirt", "shirt.webp"),
            ("Dr. Martens", "Dr. Martens.webp"),
            ("Shirt v1.5", "Shirt v1.5.webp"),
            ("shirt.", "shirt.webp"),
            ("", "file.webp"),
            ("aux.png", "_aux.webp"),
        ],
    )
    def test_the_extension_is_that_of_the_bytes(self, name: str, expected: str) -> None:
        """What is no extension stays."""
        assert named(name, extension="webp") == [expected]

    @pytest.mark.parametrize(
        ("names", "expected"),
        [
            (["a.jpg", "a.jpg", "a.jpg"], ["a.jpg", "a (2).jpg", "a (3).jpg"]),
            (["a.jpg", "A.JPG", "a.Jpg"], ["a.jpg", "A (2).JPG", "a (3).Jpg"]),
            (["a (2).jpg", "a.jpg", "a.jpg"], ["a (2).jpg", "a.jpg", "a (3).jpg"]),
            (["a.jpg", "a.jpg", "a (2).jpg"], ["a.jpg", "a (2).jpg", "a (2) (2).jpg"]),
            (["e\u0301", "\u00e9", "\u00c9"], ["\u00e9", "\u00e9 (2)", "\u00c9 (3)"]),
            (["Straße", "STRASSE"], ["Straße", "STRASSE (2)"]),
            (["x/a.jpg", "y/a.jpg"], ["a.jpg", "a (2).jpg"]),
        ],
    )
    def test_equals_are_numbered(self, names: list[str], expected: list[str]) -> None:
        """Case and normal form aside; a number that is given already is passed over."""
        assert named(*names) == expected

    def test_two_become_equal_by_their_extension(self) -> None:
        assert named("a.png", "a.jpg", extension="webp") == ["a.webp", "a (2).webp"]

    @pytest.mark.parametrize("letter", ["x", "ü", "シ", "🧥"])
    def test_a_long_name_keeps_its_extension(self, letter: str) -> None:
        """At most 255 bytes, whole characters, numbered too."""
        first, second = named(letter * 300 + ".jpeg", letter * 300 + ".jpeg")

        assert first.startswith(letter * 60)
        assert first.endswith(f"{letter}.jpeg")
        assert second.endswith(f"{letter} (2).jpeg")
        assert 250 < len(first.encode()) <= 255
        assert len(second.encode()) <= 255

    def test_many_equals_take_no_longer_each(self) -> None:
        """100,000 of them, and as many that only cutting makes equal, are numbered in one go."""
        names = named(*["a.jpg"] * 100_000)

        assert names[-1] == "a (100000).jpg"
        assert len(set(names)) == 100_000

    @given(st.lists(file_names | st.text("aA\u0301é.(2) ", max_size=8), max_size=30))
    def test_no_two_are_equal_on_any_file_system(self, names: list[str]) -> None:
        """Nor is one the report's."""
        folded = [normalize("NFD", normalize("NFD", name).casefold()) for name in named(*names)]

        assert len({*folded, REPORT_NAME}) == len(names) + 1

    @given(st.lists(file_names | st.text(max_size=400), max_size=10), st.sampled_from([None, "webp", "jpg"]))
    def test_every_name_is_safe_everywhere(self, names: list[str], extension: str | None) -> None:
        for name in named(*names, extension=extension):
            assert 1 <= len(name.encode()) <= 255
            assert name[0] not in " .-"
            assert name[-1] not in " ."
            assert not set(name) & set('<>:"/\\|?*\0\r\n\x7f')
            assert name.partition(".")[0].strip().upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}
            assert normalize("NFC", name) == name
            assert extension is None or name.endswith(f".{extension}")

    @settings(max_examples=300)
    @given(st.lists(file_names | st.text(max_size=400) | st.text(" .-(2)aCON", max_size=300), max_size=10))
    def test_safe_names_stay_as_they_are(self, names: list[str]) -> None:
        safe = named(*names)

        assert named(*safe) == safe
