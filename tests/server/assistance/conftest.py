"""Fixtures: an endpoint that listens, and a server whose project may ask it."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from server.settings import Settings
from tests.application import serving
from tests.model_endpoint import ModelEndpoint, listening_endpoint


@pytest.fixture(scope="package")
def listening() -> Iterator[ModelEndpoint]:
    with listening_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def endpoint(listening: ModelEndpoint) -> ModelEndpoint:
    listening.begin_anew()
    return listening


@pytest.fixture
def with_model(settings: Settings, endpoint: ModelEndpoint) -> Settings:
    settings.assistant_url, settings.assistant_model = endpoint.url, "tiny-1"
    settings.assistant_key = "secret key"
    return settings


@pytest.fixture
def asking(with_model: Settings) -> Iterator[TestClient]:
    """The application, as the lead, on a server that has a model."""
    with serving(with_model, follow_redirects=False) as client:
        yield client
