"""Logging: structured, to stderr, as JSON lines where machines read it."""

import logging
import os
import sys
from typing import Literal

import structlog

Level = Literal["debug", "info", "warning", "error"]

_BEFORE: list[structlog.types.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logging(*, json_lines: bool, level: Level = "info") -> None:
    """Set up structlog once for the process, and send what libraries log the same way."""
    least = logging.getLevelNamesMapping()[level.upper()]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if json_lines
        # Plain: with colours and local variables it takes half a second and tells secrets.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty() and not os.environ.get("NO_COLOR"),
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    # The console's renderer writes tracebacks itself.
    failures = [structlog.processors.format_exc_info] if json_lines else []
    structlog.configure(
        processors=[*_BEFORE, *failures, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_BEFORE,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *failures,
                renderer,
            ],
        )
    )
    handler.set_name("faultbook")
    root = logging.getLogger()
    root.handlers = [
        handler,
        *(other for other in root.handlers if other.get_name() != handler.get_name()),
    ]
    root.setLevel(max(least, logging.WARNING))
