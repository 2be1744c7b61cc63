"""The packages of the bench group, which nothing else needs: found where they are used, and named where they lack."""

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType


class PackageMissing(Exception):
    """A package of the bench group is not installed."""


def load_module(name: str) -> ModuleType:
    """Raises PackageMissing."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise PackageMissing(_sentence(name)) from error


def package_folder(name: str) -> Path:
    """Raises PackageMissing."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise PackageMissing(_sentence(name))
    return Path(found.origin).parent


def _sentence(name: str) -> str:
    return f"The quality bench needs {name.partition('.')[0]}, which is not installed: run make bench-setup."
