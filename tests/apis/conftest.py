"""The service that system tests share, for the vendors' requests, too."""

from tests.system.conftest import service, shared_service

__all__ = ["service", "shared_service"]
