"""thumbor from PyPI in a virtual environment of its own, outside the project."""

import subprocess
import sys
from pathlib import Path

REQUIREMENT = "thumbor==7.8.*"

_INSTALLED_WITHIN = 600.0


class ThumborMissing(Exception):
    """thumbor could not be installed; the text ends with what pip said last."""


def install_thumbor(venv: Path) -> Path:
    """The program, installed into `venv` when it is not there yet. Raises ThumborMissing."""
    program = venv / "bin" / "thumbor"
    if not program.exists():
        _run(sys.executable, "-m", "venv", str(venv))
        _run(str(venv / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", REQUIREMENT)
    return program


def write_configuration(path: Path, *, originals: Path, results: Path | None, threads: int) -> None:
    """Originals from a folder, any URL served unsigned; `results` is where answers are kept, None for nowhere."""
    lines = [
        "LOADER = 'thumbor.loaders.file_loader'",
        f"FILE_LOADER_ROOT_PATH = {str(originals)!r}",
        "STORAGE = 'thumbor.storages.no_storage'",
        "ALLOW_UNSAFE_URL = True",
        # Not --processes: whichever of them wakes first accepts all connections that wait, so the others stay idle.
        f"ENGINE_THREADPOOL_SIZE = {threads}",
    ]
    if results is not None:
        lines += [
            "RESULT_STORAGE = 'thumbor.result_storages.file_storage'",
            f"RESULT_STORAGE_FILE_STORAGE_ROOT_PATH = {str(results)!r}",
            "RESULT_STORAGE_STORES_UNSAFE = True",
        ]
    path.write_text("\n".join(lines) + "\n")


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_INSTALLED_WITHIN)
    except subprocess.CalledProcessError as error:
        raise ThumborMissing(f"not installed: {error.stderr.decode(errors='replace').strip()[-300:]}") from error
    except subprocess.TimeoutExpired as error:
        raise ThumborMissing(f"not installed within {_INSTALLED_WITHIN:.0f} s") from error
