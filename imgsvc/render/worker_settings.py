"""What a worker is told when it starts; apart from `worker`, whose import loads libvips."""

import msgspec


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`memory` bytes of address space at most; 0 for no limit."""

    memory: int = 2 << 30
    avif_input: bool = True
