"""Spectra of groups of prompts against a baseline, and the named pattern each shows."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from analysis.estimates import Estimate
from analysis.spectrum import (
    BANDS,
    SeriesKind,
    Spectrum,
    TokenisedPrompt,
    drawn_powers,
    log_ranks,
    measured,
    padded_size,
)
from analysis.spreading import spread
from analysis.thresholds import threshold

_GROUPS_AHEAD = 8
"""Their spectra are in memory, tens of megabytes for long prompts."""
_Z = 1.959963984540054


class SpectralPattern(StrEnum):
    """What a group's spectrum shows against the baseline's."""

    PEAK_COLLAPSE = "spectral peak collapse"
    BAND_GAIN = "band-limited gain"
    ARTEFACT = "tokenisation artefact"
    CLEAN = "clean"
    TOO_FEW = "not enough data"
    NO_BASELINE = "no baseline"
    BASELINE = "baseline"
    """The group that others are held against."""


@dataclass(frozen=True)
class Thresholds:
    """Cut-offs of what a spectrum shows against a baseline."""

    collapse_db: float = threshold(
        6.0, "a peak collapses where peak over median falls by this many dB or more …"
    )
    flatness_factor: float = threshold(
        2.0, "… and flatness grows by this factor or more", minimum=1.0
    )
    band_gain_db: float = threshold(
        1.0, "a band gains where it has this many dB more, and the interval lies above 0"
    )
    fewest_prompts: int = threshold(
        8, "different prompts that a group and its baseline need", minimum=2, maximum=128
    )


@dataclass(frozen=True)
class SpectrumComparison:
    """A group's spectrum against the baseline's, in one series."""

    peak_fall_db: Estimate
    """How much lower peak over median is than in the baseline."""
    flatness_ratio: Estimate
    band_gain_db: tuple[Estimate, ...]
    """One a band of `BANDS`."""
    length_ratio: float
    """Of the median lengths in tokens."""


@dataclass(frozen=True)
class SpectralVerdict:
    """The pattern of one group, and whether the bytes of the same prompts show it, too."""

    pattern: SpectralPattern
    comparison: SpectrumComparison | None
    in_bytes: SpectrumComparison | None = None
    """The same comparison of the plain bytes; None where the tokens are bytes."""
    bands: tuple[tuple[float, float], ...] = field(default=())
    """Bands with a gain."""


def group_spectra(
    groups: Mapping[str, Sequence[TokenisedPrompt]],
    kind: SeriesKind,
    rng: np.random.Generator,
    executor: Executor | None = None,
) -> dict[str, Spectrum]:
    """Return the spectrum of each group, all on the same frequencies and with the same ranks.

    Args:
        groups: At most `MOST_SAMPLES` prompts of each, the baseline among them.
        kind: What stands for a token.
        rng: Draws the bootstrap samples.
        executor: Who measures the draws of a group; the same numbers, whoever does.
    """
    everything = [prompt for prompts in groups.values() for prompt in prompts]
    ranks = log_ranks(everything) if kind is SeriesKind.LOG_RANK else {}
    size = padded_size(everything)
    drawn = ((drawn_powers(own, kind, ranks, size, rng),) for own in groups.values())
    spectra = spread(measured, drawn, executor, ahead=_GROUPS_AHEAD)
    return dict(zip(groups, spectra, strict=True))


def compare_spectra(group: Spectrum, baseline: Spectrum) -> SpectrumComparison:
    """Return the differences of a group from the baseline.

    Formula: fall = baseline's peak over median − the group's; ratio of flatness; gain of a band =
    10·log₁₀ of the ratio of its mean powers. A series is standardised, so what one band gains
    others lose. Intervals: ± 1.96 standard deviations of the differences of independent draws.

    Assumptions: the prompts of both are independent samples.

    Empty input: nan where either spectrum has no prompt.

    Citation: Efron & Tibshirani (1993), An Introduction to the Bootstrap, 8.3 and 13.3.
    """
    n = min(group.n, baseline.n)
    falls = baseline.draws.peak_over_median_db, group.draws.peak_over_median_db
    fall = _difference(
        baseline.peak_over_median_db.value - group.peak_over_median_db.value, *falls, n
    )
    ratio = _difference(
        math.log(group.flatness.value / baseline.flatness.value) if n else math.nan,
        np.log(group.draws.flatness),
        np.log(baseline.draws.flatness),
        n,
    )
    gains = tuple(
        _difference(
            10 * math.log10(group.band_power[band] / baseline.band_power[band]) if n else math.nan,
            10 * np.log10(group.draws.band_power[:, band]),
            10 * np.log10(baseline.draws.band_power[:, band]),
            n,
        )
        for band in range(len(BANDS))
    )
    scaled = Estimate(
        math.exp(ratio.value), math.exp(ratio.low), math.exp(ratio.high), n, ratio.method
    )
    length = group.median_tokens / baseline.median_tokens if n else math.nan
    return SpectrumComparison(fall, scaled, gains, length)


def spectral_verdict(
    group: Spectrum,
    baseline: Spectrum,
    thresholds: Thresholds,
    in_bytes: tuple[Spectrum, Spectrum] | None = None,
) -> SpectralVerdict:
    """Name what a group's spectrum shows against the baseline.

    Order: not enough data; spectral peak collapse (the prompts themselves lost their regular
    structure); band-limited gain (they are longer or shorter in their parts); clean. Where the
    tokens change in one of these ways and the bytes of the same prompts in neither, the tokenizer
    makes the difference: tokenisation artefact.

    Args:
        group: Spectrum of the group's tokens.
        baseline: Spectrum of the baseline's tokens, on the same frequencies.
        thresholds: From where on a difference has a name.
        in_bytes: The same two spectra of bytes, where the tokens are not bytes.
    """
    if min(group.n, baseline.n) < thresholds.fewest_prompts:
        return SpectralVerdict(SpectralPattern.TOO_FEW, None)
    found = compare_spectra(group, baseline)
    plain = compare_spectra(*in_bytes) if in_bytes and in_bytes[0].n and in_bytes[1].n else None
    bands = _gaining(found, thresholds)
    if _collapses(found, thresholds):
        pattern = SpectralPattern.PEAK_COLLAPSE
    elif bands:
        pattern = SpectralPattern.BAND_GAIN
    else:
        return SpectralVerdict(SpectralPattern.CLEAN, found, plain)
    if plain and not _collapses(plain, thresholds) and not _gaining(plain, thresholds):
        pattern = SpectralPattern.ARTEFACT
    return SpectralVerdict(pattern, found, plain, bands)


def _collapses(found: SpectrumComparison, thresholds: Thresholds) -> bool:
    return (
        found.peak_fall_db.value >= thresholds.collapse_db
        and found.flatness_ratio.value >= thresholds.flatness_factor
    )


def _gaining(found: SpectrumComparison, thresholds: Thresholds) -> tuple[tuple[float, float], ...]:
    return tuple(
        band
        for band, gain in zip(BANDS, found.band_gain_db, strict=True)
        if gain.value >= thresholds.band_gain_db and gain.low > 0
    )


def _difference(
    value: float, first: NDArray[np.float64], second: NDArray[np.float64], n: int
) -> Estimate:
    if not len(first) or not len(second) or math.isnan(value):
        return Estimate(value, math.nan, math.nan, n, "bootstrap, ± 1.96 sd")
    half = _Z * math.hypot(float(first.std()), float(second.std()))
    return Estimate(value, value - half, value + half, n, "bootstrap, ± 1.96 sd")
