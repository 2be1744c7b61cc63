"""Originals that harmed the renderer: what speaks against one, and how it is refused afterwards."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from imgsvc.core.cost import estimate_cost
from imgsvc.core.errors import Quarantined
from imgsvc.core.harm import Harm, SetAside
from imgsvc.render.messages import Build, Job, Probe, Render, RenderSiblings

_EXPLAINED = 1 / 4
"""Of the deadline: what was estimated to take so long may time out by what was asked for, on a slow machine."""

_HARMS: Mapping[Harm, str] = {
    Harm.CRASH: "made the renderer end",
    Harm.TIMEOUT: "took the renderer too long",
}


class Aside(Protocol):
    """Which originals are set aside. All methods block briefly; a source is an original's file name."""

    def strike(self, source: str, harm: Harm) -> bool: ...
    def find(self, source: str) -> SetAside | None: ...
    def release(self, source: str) -> bool: ...


def refuse_set_aside(aside: Aside, path: str) -> None:
    """Of an original. Raises Quarantined."""
    found = aside.find(Path(path).name)
    if found is not None:
        harms = " and ".join(_HARMS[harm] for harm in dict.fromkeys(found.harms))
        raise Quarantined(f"The original {harms}, more than once; it is set aside until the operator releases it.")


def speaks_against(job: Job, harm: Harm, *, deadline: float) -> bool:
    """Whether its original is to blame. `deadline` seconds.

    An upload is none yet: it is refused, and gone. Of several renditions made together each is tried alone next. Else
    whoever asks for what takes long of any original could have it set aside; so a time-out is the original's only
    where its header let expect far less.
    """
    match job:
        case Probe():
            return False
        case Build():
            # It is given up by itself, and renditions can do without.
            return harm is Harm.CRASH
        case RenderSiblings(renders=[one]) | (Render() as one):
            return harm is Harm.CRASH or estimate_cost(one.info, one.plan).seconds <= deadline * _EXPLAINED
        case RenderSiblings():
            return False
