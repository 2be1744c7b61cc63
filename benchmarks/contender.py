"""A server that takes part: what it is given to work with, how it is started, how it is asked for a rendition."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.jobs import Ask
from benchmarks.processes import Server


class Unavailable(Exception):
    """This contender cannot take part; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a contender works with: originals in one folder, a scratch folder of its own, a free port.

    What is installed from a registry stays in `cache`.
    """

    originals: Sequence[Path]
    scratch: Path
    port: int
    render_processes: int = 2
    keep_results: bool = False
    cache: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A server ready to be started. `target` spells the path and query of a rendition of the original of that name.

    `target` raises WrongAnswer where the server has no words for it.
    """

    name: str
    command: Sequence[str]
    ready_path: str
    target: Callable[[str, Ask], str]
    setting: Setting
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.setting.port}"

    def server(self, *, core: int | None = None) -> Server:
        return Server(
            self.command,
            environment=self.environment,
            ready_url=self.origin + self.ready_path,
            log=self.setting.scratch / "server.log",
            core=core,
        )
