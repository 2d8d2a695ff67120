"""Estimators and groupings as pure functions: arrays and data frames in, results out."""
