"""How large a request's body may be: a limit whose refusal is JSON with a sentence."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute

from server.settings import Settings


class _LimitedRequest(Request):
    async def stream(self) -> AsyncGenerator[bytes, None]:
        settings: Settings = self.app.state.settings
        limit = settings.form_limit_bytes
        taken = 0
        async for chunk in super().stream():
            taken += len(chunk)
            if taken > limit:
                # Not a FaultbookError: the framework would answer that with 400.
                raise HTTPException(
                    413, f"The body is too large: at most {limit:,} bytes. Nothing was changed."
                )
            yield chunk


class LimitedRoute(APIRoute):
    """A route that takes no larger body than `FAULTBOOK_FORM_LIMIT_BYTES`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_limited(request: Request) -> Response:
            return await handle(_LimitedRequest(request.scope, request.receive))

        return handle_limited
