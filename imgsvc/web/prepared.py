"""Answers that were given once, kept to be given again: their heads by URL, and small bodies by what they show.

Two tables, because two things end them. A head holds while its asset is as it was; a body is named by its key and
always right. So a change costs one look at the catalogue, and no byte is read again.
"""

from dataclasses import dataclass
from typing import NamedTuple

from starlette.types import Scope

from imgsvc.coordination.local import Generation, group_of
from imgsvc.core.negotiation import accepted_by
from imgsvc.core.variant import Derivative, VariantKey
from imgsvc.service.delivery import Body
from imgsvc.storage.memory import KeptBytes, RecentBytes
from imgsvc.web.conditional import http_date
from imgsvc.web.middleware import route_label
from imgsvc.web.responses import PictureHead, RawHeaders

_LONGEST_TARGET = 1024
"""Bytes of path and query; with it 20,000 heads take 50 MB at most."""


_Target = tuple[bytes, bytes]


class Seen(NamedTuple):
    """What an answer was made from: the asset's serial, and the generation before it was looked up."""

    serial: int
    generation: int


@dataclass(slots=True)
class PreparedAnswer:
    """`is_small` False: whoever wants the bytes asks the router; that they are not modified is known all the same.

    `derivative` None: an original. `group` and `generation` tell whether the asset has changed since; `uses` counts.
    """

    group: int
    generation: int
    route: str
    etag: bytes
    modified: bytes | None
    derivative: Derivative | None
    is_small: bool
    found: RawHeaders
    not_modified: RawHeaders
    body: KeptBytes
    uses: int = 0
    uses_told: int = 0
    uses_spared: int = 0


class PreparedAnswers:
    """Used from one event loop. Heads that were used since they were last considered for eviction are spared once."""

    def __init__(self, *, generation: Generation, bodies: RecentBytes, heads: int = 20_000) -> None:
        """`heads` are kept at most."""
        self._heads = heads
        self._generation = generation
        self._bodies = bodies
        self._answers: dict[_Target, PreparedAnswer] = {}
        self._negotiated: set[_Target] = set()
        self._last_changes = generation.last_changes
        self._everything = generation.last_of_everything

    def remember(self, scope: Scope, head: PictureHead, body: Body, seen: Seen) -> None:
        """What is provisional or stale is passed over."""
        derivative = body.derivative
        if derivative is not None and (derivative.key != head.key or derivative.stale):
            return
        if self._everything != self._generation.last_of_everything:
            self._everything = self._generation.last_of_everything
            self._answers.clear()
            self._bodies.clear()
        target = scope["raw_path"], scope["query_string"]
        if sum(map(len, target)) > _LONGEST_TARGET:
            return
        if head.varies:
            if len(self._negotiated) >= self._heads:
                self._negotiated.clear()
            self._negotiated.add(target)
            target = _negotiated_target(target, scope)
        self._answers.pop(target, None)
        self._answers[target] = PreparedAnswer(
            group=group_of(seen.serial),
            generation=seen.generation,
            route=route_label(scope["path"]),
            etag=head.etag.encode(),
            modified=None if head.modified is None else http_date(head.modified).encode(),
            derivative=derivative,
            is_small=derivative is not None and body.data is not None,
            found=[*head.headers(), (b"content-length", b"%d" % body.length)],
            not_modified=head.validators(),
            body=self._bodies.find(head.key),
            uses=1,
            uses_spared=1,
        )
        while len(self._answers) > self._heads:
            self._evict()

    def find(self, scope: Scope) -> PreparedAnswer | None:
        target = scope["raw_path"], scope["query_string"]
        answer = self._answers.get(target)
        if answer is None and target in self._negotiated:
            target = _negotiated_target(target, scope)
            answer = self._answers.get(target)
        if answer is None:
            return None
        if self._last_changes[answer.group] > answer.generation:
            del self._answers[target]
            return None
        answer.uses += 1
        return answer

    def remember_body(self, answer: PreparedAnswer, derivative: Derivative, data: bytes) -> None:
        """Verified. What is asked for once alone is never handed in, and so drives nothing out.

        What was purged while it was read is passed over.
        """
        if self._last_changes[answer.group] > answer.generation:
            return
        answer.body = self._bodies.keep(derivative.key, data)

    def take_used(self) -> set[VariantKey]:
        """Derivatives answered since this was called last, from wherever: the broker hears of renders alone."""
        used: set[VariantKey] = set()
        for answer in self._answers.values():
            if answer.uses != answer.uses_told and answer.derivative is not None:
                answer.uses_told = answer.uses
                used.add(answer.derivative.key)
        return used

    def _evict(self) -> None:
        target = next(iter(self._answers))
        answer = self._answers.pop(target)
        if answer.uses != answer.uses_spared:
            answer.uses_spared = answer.uses
            self._answers[target] = answer


def _negotiated_target(target: _Target, scope: Scope) -> _Target:
    """There is an answer for each class of Accept headers. No query that was sent has a space in it."""
    path, query = target
    return path, b"%b %b" % (query, accepted_by(scope["headers"]).name.encode())
