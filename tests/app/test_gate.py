"""Which keys hold, as settings and the data folder have them."""

from pathlib import Path

import pytest

from imgsvc.app.gate import load_signing_keys
from imgsvc.core.errors import StoreFailure
from imgsvc.core.signing import SigningKey, SigningKeys, sign
from imgsvc.settings import load_settings
from tests.servers import run_command


def load(data: Path, **settings: str) -> SigningKeys:
    return load_signing_keys(load_settings({}, data=str(data), **settings))


def test_a_key_is_made_once(tmp_path: Path) -> None:
    """For its owner alone, of 256 bits; every process has the same."""
    first, second = load(tmp_path / "data"), load(tmp_path / "data")

    path = tmp_path / "data" / "signing.key"
    assert first.signing() == second.signing() == SigningKey(id=None, secret=path.read_bytes())
    assert len(path.read_bytes()) == 64
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_an_operators_key_goes_before_it(tmp_path: Path) -> None:
    """None is made then."""
    assert load(tmp_path, signing_key="mine").signing() == SigningKey(id=None, secret=b"mine")
    assert list(tmp_path.iterdir()) == []


def test_keys_with_an_id_go_first_and_what_was_signed_before_holds(tmp_path: Path) -> None:
    """By the setting's key without an id, else by the data folder's where one is there already."""
    made = load(tmp_path).signing()

    keys = load(tmp_path, signing_keys="b: new; a: old")
    both = load(tmp_path, signing_keys="b: new; a: old", signing_key="mine")

    assert keys.signing().id == "b"
    assert keys.is_signed(sign(made.secret, "x"), None, "x")
    assert both.is_signed(sign(b"mine", "x"), None, "x")
    assert not both.is_signed(sign(made.secret, "x"), None, "x")


def test_no_key_is_made_where_there_are_some(tmp_path: Path) -> None:
    load(tmp_path, signing_keys="b: new")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "\n"])
def test_an_empty_key_signs_nothing(tmp_path: Path, content: str) -> None:
    """As a disk leaves it that was full: anybody could sign with it. It is said before anything is served."""
    (tmp_path / "signing.key").write_text(content)

    with pytest.raises(StoreFailure, match=r"^signing\.key in the data folder is empty\."):
        load(tmp_path)
    done = run_command(tmp_path, "serve", port="0")
    assert (done.returncode, "signing.key in the data folder is empty" in done.stderr) == (1, True), done.stderr
    assert load(tmp_path, signing_key="mine").signing() == SigningKey(id=None, secret=b"mine")
