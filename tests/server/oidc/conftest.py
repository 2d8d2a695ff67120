"""Fixtures: a provider that listens, and a server on which people sign in with it."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from server.oidc.provider import Provider
from server.oidc_settings import OidcSettings
from server.settings import Settings
from tests.application import serving
from tests.oidc_provider import CLIENT, SECRET, OidcProvider, listening_provider


@pytest.fixture(scope="package")
def listening() -> Iterator[OidcProvider]:
    with listening_provider() as provider:
        yield provider


@pytest.fixture
def provider(listening: OidcProvider) -> OidcProvider:
    listening.begin_anew()
    return listening


@pytest.fixture
def with_provider(settings: Settings, provider: OidcProvider) -> Settings:
    settings.no_login = False
    settings.oidc_issuer, settings.oidc_client_id = provider.issuer, CLIENT
    settings.oidc_client_secret, settings.oidc_name = SECRET, "Example ID"
    settings.oidc_create_accounts = True
    return settings


@pytest.fixture
def known(provider: OidcProvider) -> Provider:
    """The provider as the server knows it."""
    return Provider(OidcSettings(oidc_issuer=provider.issuer, oidc_client_id=CLIENT))


@pytest.fixture
def visitor(with_provider: Settings) -> Iterator[TestClient]:
    with serving(with_provider, follow_redirects=False) as client:
        yield client
