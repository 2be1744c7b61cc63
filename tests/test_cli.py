"""The command line, in processes of its own: what it prints, where, and with which status it ends."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests import originals
from tests.originals import close_to, decode, pixel
from tests.servers import poll, run_command, starting

MEDIA_URL = re.compile(r"(new|known) +(/media/[a-z0-5]{8}/\S+)")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, two of equal bytes, in a folder and one in it; two files that are none; hidden ones."""
    files = {
        "Red Shirt.png": originals.png(),
        "deep/er/trousers.jpg": originals.jpeg(),
        "deep/copy of shirt.png": originals.png(),
        "deep/notes.txt": b"nothing to see",
        "broken.png": originals.truncated(originals.png()),
        ".hidden.png": originals.png(10, 10),
        ".git/hidden.png": originals.png(11, 11),
    }
    for name, content in files.items():
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "pictures"


class TestHelp:
    @pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["serve", "--help"], ["token", "create", "--help"]])
    def test_it_is_there(self, data: Path, arguments: list[str]) -> None:
        """Without settings, a library or a mistake."""
        result = run_command(data, *arguments, port="nonsense")

        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith("Usage:")

    def test_it_names_what_people_use_and_no_more(self, data: Path) -> None:
        """The commands that `serve` starts for itself are hidden."""
        listed = run_command(data, "--help").stdout.partition("Commands:")[2]

        commands = re.findall(r"^  (\S+)", listed, re.MULTILINE)
        assert {"serve", "import", "replace", "samples", "render", "sign", "token"} <= set(commands)
        assert not {"broker", "server-process"} & set(commands)

    def test_the_version_is_told(self, data: Path) -> None:
        assert re.search(r"\d+\.\d+\.\d+", run_command(data, "--version").stdout)

    def test_it_makes_nothing(self, data: Path) -> None:
        """No data folder, no catalogue."""
        run_command(data, "--help")

        assert not data.exists()


class TestImport:
    def test_folders_are_taken_in_with_all_below(self, data: Path, folder: Path) -> None:
        """A line an asset with its URL on standard output; hidden files are passed over."""
        result = run_command(data, "import", str(folder))

        names = sorted(url.rpartition("/")[2] for word, url in MEDIA_URL.findall(result.stdout) if word == "new")
        assert names == ["copy-of-shirt.png", "red-shirt.png", "trousers.jpg"]

    def test_what_is_refused_is_told_why(self, data: Path, folder: Path) -> None:
        """One line each, with the file and the reason; status 1; the others are in all the same."""
        result = run_command(data, "import", str(folder))

        refused = sorted(line for line in result.stderr.splitlines() if line.startswith("refused"))
        assert result.returncode == 1
        assert len(refused) == 2
        assert (
            refused[0]
            == f"refused  {folder}/broken.png: The original cannot be decoded to its end in the memory allowed here."
        )
        assert refused[1].startswith(f"refused  {folder}/deep/notes.txt: The file is of another format; taken in are")
        assert "3 in the library, 2 refused." in result.stderr

    def test_repeating_it_changes_nothing(self, data: Path, folder: Path) -> None:
        """What is there under its name is known and keeps its URL."""
        first = run_command(data, "import", str(folder))
        second = run_command(data, "import", str(folder))

        urls = {url for _, url in MEDIA_URL.findall(first.stdout)}
        assert {word for word, _ in MEDIA_URL.findall(second.stdout)} == {"known"}
        assert {url for _, url in MEDIA_URL.findall(second.stdout)} == urls
        assert _count(data, "assets") == 3

    def test_equal_bytes_are_stored_once(self, data: Path, folder: Path) -> None:
        """Two names are two assets, of one original."""
        run_command(data, "import", str(folder))

        assert (_count(data, "assets"), _count(data, "originals")) == (3, 2)
        assert len(list((data / "originals").glob("??/??/*"))) == 2

    def test_equal_bytes_under_equal_names_are_one_asset(self, data: Path, tmp_path: Path) -> None:
        """Also in one go, from many folders at the same time."""
        for number in range(8):
            (tmp_path / "many" / str(number)).mkdir(parents=True)
            (tmp_path / "many" / str(number) / "shirt.png").write_bytes(originals.png())

        result = run_command(data, "import", str(tmp_path / "many"), render_workers="4")

        assert result.returncode == 0
        assert _count(data, "assets") == 1
        assert sorted(word for word, _ in MEDIA_URL.findall(result.stdout)) == ["known"] * 7 + ["new"]

    def test_single_files_are_taken_in(self, data: Path, folder: Path) -> None:
        """A hidden one, too, where it is named itself."""
        result = run_command(data, "import", str(folder / "Red Shirt.png"), str(folder / ".hidden.png"))

        assert result.returncode == 0
        assert len(MEDIA_URL.findall(result.stdout)) == 2

    def test_a_path_that_is_not_there_is_a_mistake(self, data: Path) -> None:
        result = run_command(data, "import", "no/such/folder")

        assert result.returncode == 2
        assert "no/such/folder" in result.stderr

    def test_nothing_is_left_of_what_was_refused(self, data: Path, folder: Path) -> None:
        """No spooled files."""
        run_command(data, "import", str(folder))

        assert list((data / "originals" / "incoming").iterdir()) == []

    def test_a_running_service_shows_it_at_once(self, data: Path, folder: Path) -> None:
        """Beside a server, without a restart."""
        with starting(data, workers=1) as service:
            result = service.command("import", str(folder / "Red Shirt.png"))
            ((_, url),) = MEDIA_URL.findall(result.stdout)

            assert poll(lambda: service.get(url), for_what="an answer").content == originals.png()


class TestSamples:
    def test_they_are_taken_into_an_empty_library_alone(self, data: Path) -> None:
        """A dozen, with URLs that can be opened; another time nothing is done and nothing said."""
        first = run_command(data, "samples", public_url="https://pictures.example")
        count = _count(data, "assets")
        second = run_command(data, "samples")

        urls = re.findall(r"https://pictures\.example/media/[a-z0-5]{8}/\S+", first.stdout)
        assert first.returncode == second.returncode == 0
        assert len(set(urls)) == count >= 10
        assert second.stdout == ""
        assert _count(data, "assets") == count

    def test_they_are_not_mixed_with_ones_own(self, data: Path, folder: Path) -> None:
        """A library that holds anything is left alone."""
        run_command(data, "import", str(folder / "Red Shirt.png"))

        run_command(data, "samples")

        assert _count(data, "assets") == 1


class TestReplace:
    def test_an_id_that_is_not_there_is_told(self, data: Path, folder: Path) -> None:
        guid = "00000000-0000-4000-8000-000000000000"

        result = run_command(data, "replace", guid, str(folder / "Red Shirt.png"))

        assert (result.returncode, result.stderr) == (1, "Error: There is no asset of that id.\n")

    def test_what_says_it_is_a_picture_and_is_none_replaces_nothing(self, data: Path, folder: Path) -> None:
        """The asset shows what it showed."""
        run_command(data, "import", str(folder / "Red Shirt.png"))
        before = _rows(data, "SELECT id, digest FROM assets")
        (folder / "wrong.png").write_bytes(b"nothing to see")

        result = run_command(data, "replace", before[0][0], str(folder / "wrong.png"))

        assert result.returncode == 1
        assert result.stderr.startswith("Error: The file is of another format")
        assert _rows(data, "SELECT id, digest FROM assets") == before


class TestRender:
    def test_a_file_is_rendered_without_a_library(self, data: Path, folder: Path, tmp_path: Path) -> None:
        """The extension decides on the format; what came of it is told; no data folder is made."""
        output = tmp_path / "out.webp"

        result = run_command(data, "render", str(folder / "Red Shirt.png"), "width=300&height=300", str(output))

        image = decode(output.read_bytes())
        assert result.returncode == 0
        assert result.stdout == f"{output}: 300 x 300 WEBP, {output.stat().st_size} bytes\n"
        assert (image.width, image.height) == (300, 300)
        assert close_to(pixel(image, 20, 60)[:3], originals.RED, 30)
        assert close_to(pixel(image, 20, 240)[:3], originals.BLUE, 30)
        assert not data.exists()

    def test_a_format_asked_for_goes_before_the_extension(self, data: Path, folder: Path, tmp_path: Path) -> None:
        output = tmp_path / "out.bin"

        run_command(data, "render", str(folder / "Red Shirt.png"), "maxWidth=40&format=jpg", str(output))

        assert output.read_bytes().startswith(b"\xff\xd8\xff")

    @pytest.mark.parametrize(("name", "begins"), [("out.webp", b"RIFF"), ("out.bin", b"\x89PNG")])
    def test_auto_is_the_extensions_format_or_what_every_browser_shows(
        self, data: Path, folder: Path, tmp_path: Path, name: str, begins: bytes
    ) -> None:
        """There is nobody who accepts anything."""
        output = tmp_path / name

        run_command(data, "render", str(folder / "Red Shirt.png"), "maxWidth=40&format=auto", str(output))

        assert output.read_bytes().startswith(begins)

    @pytest.mark.parametrize(
        ("file", "query", "says"),
        [
            ("Red Shirt.png", "width=abc", 'width must be a number of pixels from 1 to 999999'),
            ("deep/notes.txt", "width=10", "notes.txt is of another format"),
            ("broken.png", "width=10", "The original cannot be decoded to its end in the memory allowed here."),
        ],
    )  # fmt: skip
    def test_a_failure_is_one_sentence(
        self, data: Path, folder: Path, tmp_path: Path, file: str, query: str, says: str
    ) -> None:
        """Status 1, no traceback, and what was there before is there still."""
        output = tmp_path / "out.png"
        output.write_bytes(b"before")

        result = run_command(data, "render", str(folder / file), query, str(output))

        assert result.returncode == 1
        assert f"Error: {says}" in result.stderr
        assert "Traceback" not in result.stderr
        assert output.read_bytes() == b"before"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out.png", "pictures"]

    def test_presets_are_known(self, data: Path, folder: Path, tmp_path: Path) -> None:
        """Those of the settings."""
        output = tmp_path / "out.png"

        run_command(
            data,
            "render",
            str(folder / "Red Shirt.png"),
            "preset=Icon",
            str(output),
            presets="icon: width=64&height=64",
        )

        assert (decode(output.read_bytes()).width, decode(output.read_bytes()).height) == (64, 64)


class TestTokens:
    def test_a_token_is_shown_once(self, data: Path) -> None:
        """When it is made; the list knows numbers, times, instances, scopes and names alone."""
        secret = run_command(data, "token", "create", "the shop").stdout.strip()
        run_command(data, "token", "create", "the press", "--scope", "read", "--instance", "press")

        listed = run_command(data, "token", "list").stdout

        assert re.fullmatch(r"imgsvc_[A-Za-z0-9_-]{43}", secret)
        assert re.search(r"^ +1  \d{4}-\d\d-\d\d \d\d:\d\d  default +read,write +the shop$", listed, re.MULTILINE)
        assert re.search(r"^ +2  \d{4}-\d\d-\d\d \d\d:\d\d  press +read +the press$", listed, re.MULTILINE)
        assert secret not in listed

    def test_a_token_is_revoked_by_name(self, data: Path) -> None:
        """All of that name; an unknown name is a mistake."""
        for _ in range(2):
            run_command(data, "token", "create", "the shop")

        first = run_command(data, "token", "revoke", "the shop")
        second = run_command(data, "token", "revoke", "the shop")

        assert (first.returncode, first.stdout) == (0, "Revoked: 2\n")
        assert (second.returncode, second.stderr) == (1, "Error: There is no token named the shop.\n")
        assert run_command(data, "token", "list").stdout == ""

    def test_an_instance_that_is_none_is_a_mistake(self, data: Path) -> None:
        """As in the settings."""
        result = run_command(data, "token", "create", "x", "--instance", "No Instance")

        assert result.returncode == 1
        assert "IMGSVC_INSTANCE must be a word of a-z, 0-9, - and _; it is 'No Instance'." in result.stderr

    def test_a_scope_that_is_none_is_a_mistake(self, data: Path) -> None:
        assert run_command(data, "token", "create", "x", "--scope", "everything").returncode == 2


class TestSettings:
    @pytest.mark.parametrize("command", [["serve"], ["samples"], ["token", "list"]], ids=" ".join)
    def test_all_mistakes_are_told_at_once(self, data: Path, command: list[str]) -> None:
        """By name, with what was expected and a hint; status 1 and no traceback."""
        result = run_command(data, *command, port="high", worker="3", cache_bytes="lots")

        assert result.returncode == 1
        assert result.stderr.splitlines() == [
            "Error: IMGSVC_WORKER is not a setting. Is IMGSVC_WORKERS meant?",
            "IMGSVC_PORT must be a port from 0 to 65535; it is 'high'.",
            "IMGSVC_CACHE_BYTES must be a number of bytes, such as 500000, 64MB or 10GB; it is 'lots'.",
        ]

    @pytest.mark.parametrize("command", ["serve", "render"])
    def test_a_preset_that_means_nothing_is_told_like_any_other(
        self, data: Path, folder: Path, tmp_path: Path, command: str
    ) -> None:
        """A sentence, no traceback."""
        arguments = {"serve": [], "render": [str(folder / "Red Shirt.png"), "", str(tmp_path / "out.png")]}

        result = run_command(data, command, *arguments[command], presets="hero: width=wide", port="0")

        assert result.returncode == 1
        assert "Traceback" not in result.stderr
        assert "IMGSVC_PRESETS: in hero, width must be" in result.stderr

    def test_an_option_goes_before_the_environment(self, data: Path) -> None:
        """And is checked as it is."""
        result = run_command(data, "serve", "--workers", "none", workers="2")

        assert result.stderr == "Error: IMGSVC_WORKERS must be a whole number from 1 to 256; it is 'none'.\n"


@pytest.mark.parametrize("command", [["serve"], ["samples"], ["token", "create", "x"], ["verify"]], ids=" ".join)
def test_what_a_later_release_left_is_refused_in_a_sentence(data: Path, command: list[str]) -> None:
    """By whatever command, without a traceback."""
    run_command(data, "token", "list")
    with closing(sqlite3.connect(data / "catalog.sqlite", isolation_level=None)) as catalog:
        catalog.execute("UPDATE alembic_version SET version_num = '9999'")

    result = run_command(data, *command, port="0")

    assert result.returncode == 1
    assert re.fullmatch("Error: The catalogue was written by a later release .+\n", result.stderr)


def _count(data: Path, table: str) -> int:
    return int(_rows(data, f"SELECT count(*) FROM {table}")[0][0])


def _rows(data: Path, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(data / "catalog.sqlite")) as catalog:
        return catalog.execute(query).fetchall()
