"""Another process that holds the lock of the originals' store, and who waits for it."""

import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.render.darkroom import until

_HOLD = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(descriptor, int(sys.argv[2]))
print("held", flush=True)
sys.stdin.read()
"""


@asynccontextmanager
async def held_elsewhere(path: Path, operation: int) -> AsyncGenerator[Callable[[], None]]:
    """By a process of its own (flock(2)), until what is given is called, or at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path), str(operation)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"held\n"
        yield process.stdin.close
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(30)


async def waited_for(path: Path) -> None:
    """Until somebody is blocked on its lock: proc_locks(5) marks them with an arrow."""
    inode = f":{path.stat().st_ino} "

    async def is_waited_for() -> bool:
        return any("->" in line and inode in line for line in Path("/proc/locks").read_text().splitlines())

    await until(is_waited_for)
