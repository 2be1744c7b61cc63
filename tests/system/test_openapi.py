"""Whatever `/openapi.json` allows, and much that it does not, is sent to the real service.

What comes back must be what the document says: its status, its type, its shape; and never a mistake of the service.
"""

import os
from collections.abc import Generator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from imgsvc.openapi.document import openapi_document
from tests.servers import TOKEN, Service, serving

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)

schema = schemathesis.openapi.from_dict(openapi_document())


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    with serving(tmp_path_factory.mktemp("fuzzed") / "data", workers=1, import_deadline="2") as service:
        assert service.command("samples").returncode == 0
        yield service


@schema.parametrize()  # pyright: ignore[reportUntypedFunctionDecorator] schemathesis types it as Callable
@settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "10")),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
def test_answers_are_what_the_document_says(case: Case[Any], fuzzed: Service) -> None:
    """Of every operation, with a token that permits everything."""
    case.call_and_validate(
        base_url=fuzzed.url,
        headers={"Authorization": f"Bearer {TOKEN}"},
        checks=list(CHECKS),
        timeout=30,
        allow_redirects=False,
    )
