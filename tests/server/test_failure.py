"""The page of something that did not work: in words for whoever reads it, not those of HTTP."""

from http import HTTPStatus

import pytest

from server import errors
from server.views.failure import failure

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type)]
STATUSES = {kind.status for kind in KINDS if issubclass(kind, errors.FaultbookError)}


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_every_error_has_a_title_of_its_own(status: int) -> None:
    error = errors.FaultbookError("It did not fit.")
    error.status = status
    title = failure(error, back="/", project_path="").title
    assert title != HTTPStatus(status).phrase
    assert "Server" not in title
