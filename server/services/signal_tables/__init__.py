"""Signals over a Parquet file of traces, without a project: in slices, then put together."""
