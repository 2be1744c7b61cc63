"""A file's bytes by place, bounded: whatever its headers promise, no more than a budget is read of it."""

from io import BytesIO
from typing import BinaryIO, Self

READ_BYTES = 1 << 20
"""Budget of a file: the greatest profile in use, of a press, has 1 MB; most pictures need 4 kB."""


class Source:
    """Reads `size` bytes of a file opened for reading, from its first on; who opened it closes it."""

    def __init__(self, file: BinaryIO, *, size: int, budget: int = READ_BYTES) -> None:
        self.size = size
        self._file = file
        self._left = budget

    @classmethod
    def of(cls, block: bytes) -> Self:
        return cls(BytesIO(block), size=len(block))

    def read(self, at: int, length: int) -> bytes:
        """Raises ValueError where fewer bytes are there, or the budget is spent."""
        if at < 0 or length < 0 or at + length > self.size or length > self._left:
            raise ValueError(at)
        data = self.peek(at, length)
        if len(data) < length:
            raise ValueError(at)
        return data

    def peek(self, at: int, length: int) -> bytes:
        """As many of the bytes as there are and the budget allows."""
        self._file.seek(at)
        data = self._file.read(min(length, self._left))
        self._left -= len(data)
        return data
