"""How many records a file holds, told before it is read: what progress is measured against."""

from server.importers.base import ImportOptions, Source, UnreadableSource
from server.importers.records import SAMPLE_RECORDS, sample
from server.importers.sources import opened

_CHUNK_BYTES = 1024 * 1024


def expected_records(source: Source, options: ImportOptions) -> int | None:
    """Return about how many records a file of lines holds; None where lines do not tell.

    A line is counted in a fraction of the time that it takes to import it. CSV cells that span
    lines make it too many; a damaged file has no number, its import says what is wrong.
    """
    try:
        first = sample(source, options)
        if first.bare_array or len(first.records) < SAMPLE_RECORDS:
            return None
        with opened(source, options) as stream:
            lines = sum(
                chunk.count(b"\n") for chunk in iter(lambda: stream.read(_CHUNK_BYTES), b"")
            )
    except UnreadableSource:
        return None
    return lines - 1 if first.columns else lines
