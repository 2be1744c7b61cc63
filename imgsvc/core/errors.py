"""Every failure the service knows, drawn by whose fault it is; `web.problems.STATUS` gives each its HTTP status.

    ImgsvcError
    ├── RequestError              the caller's
    │   ├── InvalidParameter        a known name with a value that cannot be meant
    │   ├── Unauthenticated         no token, or one we do not know
    │   ├── NotPermitted            a token that may not do this
    │   │   └── InvalidSignature      a link that nobody here has signed, or that has expired
    │   ├── NotFound
    │   ├── Conflict                what is there already stands against it
    │   ├── TooManyRequests         more from one client than the operator allows; later it will be answered
    │   ├── PayloadTooLarge         more bytes than the operator allows
    │   └── UnsupportedMedia        bytes of a format that is not taken in or not written
    ├── OriginalError             the picture's
    │   ├── NotAnImage              says it is a picture and is none
    │   ├── CorruptOriginal         a picture that cannot be decoded to its end
    │   ├── TooManyPixels           more than the operator lets be decoded or made
    │   └── Quarantined             has harmed the renderer, and is set aside until somebody releases it
    ├── OriginFailure             another server's, from which an original was to be fetched
    └── ServiceError              ours; worth asking again
        ├── Overloaded              the render queue is full
        ├── RenderTimeout           stopped at the deadline
        ├── RenderCrashed           the worker died on it, twice
        └── StoreFailure            bytes or records could not be written or read
            └── OriginalLost          an original's file is not there, not to be read or not whole

The text of each is one sentence for the caller: what was expected, for which name, what came. It holds no path, no
secret and no library's words.
"""

from enum import StrEnum
from typing import ClassVar


class ImgsvcError(Exception):
    """Base of all. `str(error)` is fit for a caller's eyes."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class RequestError(ImgsvcError):
    """The caller can mend it by asking differently."""


class InvalidParameter(RequestError):
    """`name` is spelled as the caller spelled it."""

    def __init__(self, name: str, *, expected: str, received: str) -> None:
        super().__init__(f"{name} must be {expected}; received {_shown(received)}.")
        self.name = name


class Unauthenticated(RequestError):
    pass


class NotPermitted(RequestError):
    pass


class InvalidSignature(NotPermitted):
    pass


class NotFound(RequestError):
    pass


class Conflict(RequestError):
    pass


class TooManyRequests(RequestError):
    """`retry_after` seconds from now the same request will be answered."""

    def __init__(self, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after = 1 if retry_after is None else retry_after


class PayloadTooLarge(RequestError):
    pass


class UnsupportedMedia(RequestError):
    pass


class OriginalError(ImgsvcError):
    """The picture itself stands in the way; asking again does not help."""


class NotAnImage(OriginalError):
    pass


class CorruptOriginal(OriginalError):
    pass


class TooManyPixels(OriginalError):
    pass


class Quarantined(OriginalError):
    pass


class OriginCause(StrEnum):
    """Why an original could not be fetched; all that a caller is told besides a sentence."""

    HOST_NOT_ALLOWED = "host-not-allowed"
    ADDRESS_NOT_ALLOWED = "address-not-allowed"
    NAME_NOT_RESOLVED = "name-not-resolved"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    REDIRECT = "redirect"
    STATUS = "status"


class OriginFailure(ImgsvcError):
    """The other server, its name or its address stands in the way."""

    def __init__(self, cause: OriginCause, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause


class ServiceError(ImgsvcError):
    """Ours. `retry_after` seconds from now the same request may well succeed."""

    default_retry_after: ClassVar[int] = 5

    def __init__(self, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after = self.default_retry_after if retry_after is None else retry_after


class Overloaded(ServiceError):
    default_retry_after = 1


class RenderTimeout(ServiceError):
    default_retry_after = 30


class RenderCrashed(ServiceError):
    default_retry_after = 30


class StoreFailure(ServiceError):
    pass


class OriginalLost(StoreFailure):
    """Asked again in vain until an operator gives it back."""

    default_retry_after = 30


def _shown(received: str) -> str:
    """The caller's text in quotes, cut to what a sentence can carry, control characters escaped."""
    text = received if len(received) <= 60 else received[:57] + "..."
    return f'"{text.encode("unicode_escape").decode("ascii")}"'
