"""Peers from their registries: installed at first use, each into a folder of its own outside the project."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.contender import Unavailable

_INSTALLED_WITHIN = 900.0
_LAST_WORDS = 300  # characters of what an installer printed


def install_once(folder: Path, requirement: str, install: Callable[[], None]) -> None:
    """Nothing is done where `folder` holds what is required already, whole. Raises Unavailable."""
    complete = folder / "installed"
    if complete.is_file() and complete.read_text() == requirement:
        return
    folder.mkdir(parents=True, exist_ok=True)
    install()
    complete.write_text(requirement)


def install_python_packages(venv: Path, *requirements: str) -> None:
    """Raises Unavailable."""

    def install() -> None:
        make_venv(venv)
        run_pip(venv, "install", *requirements)

    install_once(venv, " ".join(requirements), install)


def make_venv(venv: Path) -> None:
    """Raises Unavailable."""
    run_installer((sys.executable, "-m", "venv", str(venv)))


def run_pip(venv: Path, verb: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
    """Raises Unavailable."""
    pip = (str(venv / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check")
    run_installer((*pip, verb, *arguments), environment=environment)


def install_node_package(folder: Path, *, name: str, version: str) -> str:
    """The program node, once `node_modules` in `folder` has the package. Raises Unavailable."""
    node, npm = find_program("node"), find_program("npm")

    def install() -> None:
        package = {"private": True, "dependencies": {name: version}}
        (folder / "package.json").write_text(json.dumps(package))
        run_installer((npm, "install", "--no-audit", "--no-fund"), folder=folder)

    install_once(folder, f"{name}@{version}", install)
    return node


def find_program(name: str) -> str:
    """Raises Unavailable."""
    # Programs of the system are not always in a user's path.
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise Unavailable(f"{name} is not installed")
    return found


def run_installer(
    command: Sequence[str], *, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> None:
    """Raises Unavailable, which ends with what was printed last."""
    try:
        subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            check=True,
            capture_output=True,
            timeout=_INSTALLED_WITHIN,
        )
    except subprocess.CalledProcessError as error:
        last_words = " ".join(error.stderr.decode(errors="replace").split())[-_LAST_WORDS:]
        raise Unavailable(f"not installed: {last_words}") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"not installed within {_INSTALLED_WITHIN:.0f} s") from error
