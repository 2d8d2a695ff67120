"""Shares of 1 in words, one way everywhere: «31 %», «24 to 37 %»."""


def percent(share: float, digits: int = 0, sign: str = "") -> str:
    """Return «31 %»; with `sign="+"` «+31 %»."""
    return f"{100 * share:{sign}.{digits}f} %"


def percents(low: float, high: float, digits: int = 0) -> str:
    """Return an interval of shares: «24 to 37 %»."""
    return f"{100 * low:.{digits}f} to {100 * high:.{digits}f} %"
