"""What is written about the product is what the product's tables say."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from openapi_spec_validator import validate

from imgsvc.dialects.words import WORDS
from imgsvc.openapi.document import OPERATIONS, openapi_document
from imgsvc.settings import SETTINGS, variable_name
from tests.architecture.routes import collect_routes

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "imgsvc" / "ARCHITECTURE.md").read_text()
OPENAPI = ROOT / "tests" / "golden" / "openapi.json"


def rows(text: str) -> dict[str, tuple[str, ...]]:
    """Table rows whose first cell is one word in backticks, by that word."""
    found = re.findall(r"^\| `([^`]+)` \| (.*) \|$", text, re.MULTILINE)
    return {name: tuple(cell.strip() for cell in cells.split(" | ")) for name, cells in found}


@pytest.mark.parametrize("field", SETTINGS)
def test_readme_tells_every_setting(field: str) -> None:
    """Name, default and meaning as the table has them; a default that depends on the machine is described."""
    default, meaning = rows(README)[variable_name(field)]

    row = SETTINGS[field]
    assert meaning == row.meaning.removesuffix("; by default one a core")
    assert default == "one a core" or default.strip("`") == row.default


def test_readme_tells_no_setting_that_is_not_there() -> None:
    """A row outlives no setting."""
    told = {name for name in rows(README) if name.startswith("IMGSVC_")}

    assert told == set(map(variable_name, SETTINGS))


@pytest.mark.parametrize("word", WORDS)
def test_readme_tells_every_parameter(word: str) -> None:
    """Name, expected value and meaning as the table has them."""
    expected, meaning = rows(README)[word]

    assert (expected, meaning) == (WORDS[word].expected, WORDS[word].meaning)


@pytest.mark.parametrize("newcomer", ["parameter", "format", "dialect", "API", "store", "setting", "failure", "column"])
def test_the_architecture_tells_where_a_newcomer_goes(newcomer: str) -> None:
    """Each has a recipe, and the modules that it names are there."""
    recipe = re.search(rf"^- \*\*{newcomer}\*\*: (.*?)(?=^- |\Z)", ARCHITECTURE, re.MULTILINE | re.DOTALL)

    assert recipe is not None
    for named in re.findall(r"`((?:core|dialects|render|web|apis|app|catalog|storage|settings)[\w./]*)`", recipe[1]):
        module = named.replace(".", "/")
        places = [ROOT / "imgsvc" / f"{part}" for part in (named, f"{module}.py", str(Path(module).parent) + ".py")]
        places += [ROOT / "imgsvc" / str(Path(module).parent.parent) / f"{Path(module).parent.name}.py"]
        assert any(place.exists() for place in places), named


def test_openapi_is_valid() -> None:
    """OpenAPI 3.1, by its own validator."""
    validate(openapi_document())


def test_openapi_is_the_one_that_was_agreed() -> None:
    """A change of the API shows in the change of this file: write it anew with the command below and read the diff.

    python -m tests.architecture.test_documentation
    """
    assert json.loads(OPENAPI.read_text()) == openapi_document()


def test_openapi_tells_every_route(tmp_path: Path) -> None:
    """Each path and method that the router answers is described, and no other. HEAD comes with GET."""
    described = {(path, method.upper()) for path, methods in OPERATIONS.items() for method in methods}

    answered = {(path.replace(":path}", "}"), method) for path, method in collect_routes(tmp_path)}
    assert described == answered


def test_the_image_is_built_by_the_same_step_as_everything_else() -> None:
    """The container differs from a machine in nothing but its base: `make install`, then `imgsvc serve`."""
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert re.findall(r"^RUN (?!apt-get)(.*)$", dockerfile, re.MULTILINE) == ["make install"]
    assert 'CMD [".venv/bin/imgsvc", "serve"]' in dockerfile
    assert "USER imgsvc" in dockerfile
    assert "HEALTHCHECK" in dockerfile


def test_the_image_gets_every_file_its_steps_need() -> None:
    """What the Dockerfile copies is let through by .dockerignore."""
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    names = {name for line in copied for name in line.split()}
    assert names == let_through
    assert all((ROOT / name).exists() for name in names)


if __name__ == "__main__":
    OPENAPI.write_bytes(msgspec.json.format(msgspec.json.encode(openapi_document()), indent=2) + b"\n")
