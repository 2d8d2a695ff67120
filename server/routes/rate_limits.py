"""How often somebody may try: to sign in, to use a link, to show a token."""

import time

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from server.errors import TooMany
from server.services.accounts import hashed

SIGN_IN_PER_ADDRESS = RateLimitItemPerMinute(10, 5)
"""Per account (e-mail address) and per client: 10 tries in 5 minutes."""
SIGN_IN_PER_CLIENT = RateLimitItemPerMinute(60, 5)
WRONG_TOKENS_PER_CLIENT = RateLimitItemPerMinute(30, 1)


class RateLimits:
    """Counts tries in this process."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def try_sign_in(self, request: Request, email: str) -> None:
        """Count a try to sign in.

        Raises:
            TooMany: There were too many for this address or from this client.
        """
        # The client first, and the address as a digest: nobody fills the memory with addresses.
        self._count(SIGN_IN_PER_CLIENT, "sign-in", client_of(request))
        self._count(SIGN_IN_PER_ADDRESS, "sign-in", hashed(email.strip().lower()))

    def begin_with_provider(self, request: Request) -> None:
        """Count somebody who is sent to the provider to sign in.

        Raises:
            TooMany: There were too many from this client.
        """
        self._count(SIGN_IN_PER_CLIENT, "with-provider", client_of(request))

    def wrong_token(self, request: Request) -> None:
        """Count a token or link that does not count.

        Raises:
            TooMany: This client showed too many.
        """
        self._count(WRONG_TOKENS_PER_CLIENT, "wrong-token", client_of(request))

    def _count(self, limit: RateLimitItemPerMinute, *key: str) -> None:
        if self._limiter.hit(limit, *key):
            return
        stats = self._limiter.get_window_stats(limit, *key)
        wait_s = max(1, round(stats.reset_time - time.time()))
        raise TooMany(
            f"Too many tries. Wait {wait_s} seconds, then try again.",
            detail={"retry_after_s": wait_s},
        )


def client_of(request: Request) -> str:
    """Return the address a request came from."""
    return request.client.host if request.client else "unknown"


def rate_limits(request: Request) -> RateLimits:
    """Return the counters of this process."""
    limits: RateLimits = request.app.state.rate_limits
    return limits
