"""What has been read so far: names and printed texts, and which of two texts under one name holds."""

import re
from enum import IntEnum
from typing import TypeAlias

Detail: TypeAlias = dict[str, str | int | float]

MAX_TAGS = 1000
MAX_TEXT = 1 << 16
"""Characters; a longer text is left out."""


class Rank(IntEnum):
    """Of two texts under one name the later holds, unless its rank is lower; of two `LOW` ones the first.

    So exiftool 12.57 was seen to do."""

    DEFAULT = -1
    LOW = 0
    USUAL = 1


class Tags:
    """Names in the order they were first found."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._ranks: dict[str, Rank] = {}

    def add(self, name: str, text: str, rank: Rank = Rank.USUAL) -> None:
        if len(text) > MAX_TEXT or (name not in self._texts and len(self._texts) >= MAX_TAGS):
            return
        held = self._ranks.get(name)
        if held is None or rank > held or (rank is held is not Rank.LOW):
            self._texts[name] = text
            self._ranks[name] = rank

    def get(self, name: str) -> str | None:
        return self._texts.get(name)

    def detail(self) -> Detail:
        """The texts as exiftool writes them in JSON: what looks like a number is one, `True` and `false` are too."""
        return {name: _json_value(text) for name, text in self._texts.items()}


_NUMBER = re.compile(r"-?(?:\d|[1-9]\d{1,14})(?:(\.\d{1,16})?(?:(e)[-+]?\d{1,3})?)", re.ASCII | re.IGNORECASE)


def _json_value(text: str) -> str | int | float:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    if not any(match.groups()):
        return int(text)
    number = float(text)
    # 1e400 matches and is no number of JSON.
    return text if number in (float("inf"), float("-inf")) else number
