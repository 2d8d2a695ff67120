"""Sizes in the words people use."""

_UNITS = ("bytes", "KB", "MB", "GB", "TB")


def size(number: int) -> str:
    """Return a number of bytes as "12 bytes", "3.4 MB" or "2 GB"."""
    value = float(number)
    unit = 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    return f"{value:.1f}".removesuffix(".0") + f" {_UNITS[unit]}"
