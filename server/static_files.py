"""Static files: kept for ever under a URL with their version, else asked for again each time."""

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

_FOR_EVER = "public, max-age=31536000, immutable"


class VersionedFiles(StaticFiles):
    """Modules import each other without a version: browsers must ask whether those changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        is_versioned = scope.get("query_string", b"").startswith(b"v=")
        response.headers["Cache-Control"] = _FOR_EVER if is_versioned else "no-cache"
        return response
