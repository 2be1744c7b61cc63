"""Absolute URLs for answers."""

from starlette.requests import Request


def public_url(request: Request, path: str, *, base_url: str | None) -> str:
    """Of the operator's public address, or of the one the request came to. `base_url` without a slash at the end."""
    return f"{base_url or str(request.base_url).rstrip('/')}{path}"
