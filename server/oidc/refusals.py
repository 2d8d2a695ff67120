"""Why somebody could not sign in with the provider, in sentences for them."""

from server.errors import FaultbookError


class ProviderAway(FaultbookError):
    """The provider can't be reached, or answers what no provider answers."""

    status = 503


class Refused(FaultbookError):
    """The provider, its answer or this server's rules say no."""

    status = 403
