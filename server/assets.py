"""Where templates, static files and migrations lie, in a wheel and in a checkout."""

from pathlib import Path


def shipped(name: str) -> Path:
    """Return folder `name`: inside the wheel when installed, in the checkout otherwise."""
    in_wheel = Path(__file__).with_name("_shipped") / name
    return in_wheel if in_wheel.is_dir() else Path(__file__).parents[1] / name
