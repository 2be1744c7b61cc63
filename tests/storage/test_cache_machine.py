"""The derivative cache against a model, through everything that may happen to it and its folder in whatever order."""

from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from imgsvc.core.variant import Derivative
from imgsvc.storage.cache import DerivativeCache
from imgsvc.storage.derivatives import DerivativeFiles
from imgsvc.storage.overflow import Overflow
from tests.storage.shelves import admit, admit_spare

_BUDGET = 1000
_names = st.sampled_from("abcdefgh")


class Machine(RuleBasedStateMachine):
    """`made` is what was admitted and not discarded since, with its bytes and its source; it may be evicted or lost."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(mkdtemp())
        self._root = self._folder / "cache"
        self._overflow = Overflow(self._folder / "overflow", budget=_BUDGET)
        self._cache = self._open()
        self._made: dict[str, tuple[Derivative, bytes, str]] = {}

    @rule(name=_names, length=st.integers(0, 700), seconds=st.floats(0, 10))
    def admit(self, name: str, length: int, seconds: float) -> None:
        """What was just admitted is found and read, whatever state the folder is in."""
        data, source = name.encode() * length, "vowels" if name in "ae" else "consonants"
        make = admit_spare if self._is_away else admit
        derivative = make(self._cache, name, data, source=source, seconds=seconds)
        self._made[name] = derivative, data, source

        assert self._cache.find(derivative.key) == derivative
        assert self._files.read(derivative) == data

    @rule(name=_names)
    def find(self, name: str) -> None:
        """What is found is what was admitted last, and can be read."""
        made = self._made.get(name)
        found = None if made is None else self._cache.find(made[0].key)
        if made is not None and found is not None:
            assert found == made[0]
            assert self._files.read(found) == made[1]

    @precondition(lambda self: not self._is_away)
    @rule(name=_names)
    def discard(self, name: str) -> None:
        made = self._made.pop(name, None)
        if made is not None:
            self._cache.discard(made[0])
            assert self._cache.find(made[0].key) is None
            assert self._files.read(made[0]) is None

    @precondition(lambda self: not self._is_away)
    @rule(source=st.sampled_from(["vowels", "consonants"]))
    def discard_all(self, source: str) -> None:
        """Nothing that was made from it is left."""
        self._cache.discard_all(source)
        gone = [made[0] for made in self._made.values() if made[2] == source]

        assert not self._cache.has_any(source)
        assert [self._files.read(derivative) for derivative in gone] == [None] * len(gone)
        self._made = {name: made for name, made in self._made.items() if made[2] != source}

    @precondition(lambda self: not self._is_away)
    @rule(name=_names, harm=st.sampled_from(["lose", "cut", "folder"]))
    def harm(self, name: str, harm: str) -> None:
        """What was harmed is not found, unless it lies in the overflow still."""
        made = self._made.get(name)
        if made is None or not made[1] or not (path := self._cache.path(made[0])).is_file():
            return
        spare = self._overflow.find(made[0].key)
        if harm == "cut":
            path.write_bytes(made[1][:-1])
        else:
            path.unlink()
        if harm == "folder":
            path.mkdir()
        assert self._cache.find(made[0].key) == spare

    @rule()
    def tidy(self) -> None:
        self._cache.mend()
        while self._cache.tidy():
            pass

    @precondition(lambda self: not self._is_away)
    @rule()
    def open_again(self) -> None:
        self._cache.close()
        self._cache = self._open()

    @precondition(lambda self: not self._is_away)
    @rule()
    def take_away(self) -> None:
        self._root.rename(self._folder / "away")
        self._root.touch()

    @precondition(lambda self: self._is_away)
    @rule()
    def bring_back(self) -> None:
        self._root.unlink()
        (self._folder / "away").rename(self._root)
        self._cache.mend()

    @invariant()
    def keeps_its_budget(self) -> None:
        if not self._is_away:
            stored = sum(path.stat().st_size for path in self._root.glob("??/??/*") if path.is_file())
            assert self._cache.length == stored
            assert stored <= _BUDGET

    def teardown(self) -> None:
        self._cache.close()
        rmtree(self._folder)

    @property
    def _is_away(self) -> bool:
        return self._root.is_file()

    @property
    def _files(self) -> DerivativeFiles:
        return DerivativeFiles(self._root, overflow=self._folder / "overflow")

    def _open(self) -> DerivativeCache:
        return DerivativeCache(self._root, budget=_BUDGET, overflow=self._overflow)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
