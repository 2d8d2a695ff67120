"""Faultbook's server: screens, API, command line and jobs around one database."""

from importlib.metadata import version

__version__ = version("faultbook")
