"""Power spectra of prompts as token series: how a problem looks to the model that reads it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from analysis.cohorts.threads import one_thread
from analysis.estimates import Estimate

BANDS = ((0.0, 0.1), (0.1, 0.3), (0.3, 0.5))
"""Cycles per token: slow, middle and fast structure."""
MOST_SAMPLES = 128
FEWEST_TOKENS = 8
"""Shorter prompts have no spectrum to speak of."""
MOST_TOKENS = 2**20
"""Longer prompts are left out, and counted."""

_SMALLEST = 64
"""Frequencies need to be so fine that each band has some."""
_DRAWS = 300
_VALUES_AT_ONCE = 2**23
_FLOOR = 1e-9
"""Of the mean power: 90 dB below it is rounding, not structure."""
_Z = 1.959963984540054


class SeriesKind(StrEnum):
    """What stands for a token in the series."""

    ID = "id"
    """The id itself: an arbitrary label, kept for comparison with others' figures."""
    BYTE_LENGTH = "byte_length"
    LOG_RANK = "log_rank"
    """Log of the token's rank by frequency in all compared prompts."""


@dataclass(frozen=True)
class TokenisedPrompt:
    """One prompt cut into tokens."""

    ids: NDArray[np.int64]
    byte_lengths: NDArray[np.float64]
    """How many bytes of UTF-8 each token covers; 0 for marks that are not in the text."""

    @property
    def tokens(self) -> int:
        """How many tokens there are."""
        return len(self.ids)


@dataclass(frozen=True)
class Draws:
    """What each bootstrap draw of the samples gave, for intervals of differences."""

    peak_over_median_db: NDArray[np.float64]
    flatness: NDArray[np.float64]
    band_power: NDArray[np.float64]
    """One row a draw, one column a band of `BANDS`."""


@dataclass(frozen=True)
class Spectrum:
    """The mean power spectrum of a group of prompts, and its figures."""

    frequency: NDArray[np.float64]
    """Cycles per token, above 0 up to 0.5."""
    power_db: NDArray[np.float64]
    low_db: NDArray[np.float64]
    high_db: NDArray[np.float64]
    """Of the 95 % bootstrap band; nan for a single prompt."""
    n: int
    """Prompts that entered."""
    left_out: int
    """Prompts too short, too long, all of one value, or too many of such length for memory."""
    peak_frequency: float
    peak_agreement: float
    """Share of the draws that peak at the same place, give or take the resolution."""
    peak_over_median_db: Estimate
    flatness: Estimate
    band_power: tuple[float, ...]
    draws: Draws
    longest: int
    median_tokens: float

    @property
    def measured(self) -> bool:
        """Whether any prompt had a spectrum."""
        return self.n > 0


def byte_tokens(text: str) -> TokenisedPrompt:
    """Cut a text into the bytes of its UTF-8, each a token of length 1."""
    ids = np.frombuffer(text.encode("utf-8", "replace"), dtype=np.uint8).astype(np.int64)
    return TokenisedPrompt(ids, np.ones(len(ids)))


def sampled_prompts(
    prompts: Sequence[str], rng: np.random.Generator, most: int = MOST_SAMPLES
) -> list[str]:
    """Draw at most `most` different prompts, whatever the order they come in.

    A prompt that many traces share counts once: answered a hundred times it is still one prompt.
    """
    different = sorted(set(prompts))
    if len(different) <= most:
        return different
    chosen = rng.choice(len(different), size=most, replace=False)
    return [different[place] for place in sorted(chosen)]


def log_ranks(prompts: Sequence[TokenisedPrompt]) -> dict[int, float]:
    """Return the log of each token's frequency rank in all prompts together.

    Rank 1 is the most frequent token; equally frequent ones share the mean of their ranks, so that
    neither the order of prompts nor the numbering of tokens matters.
    """
    if not prompts:
        return {}
    ids, counts = np.unique(np.concatenate([one.ids for one in prompts]), return_counts=True)
    levels, inverse, sizes = np.unique(-counts, return_inverse=True, return_counts=True)
    del levels
    last = np.cumsum(sizes)
    ranks = (last - (sizes - 1) / 2)[inverse]
    return dict(zip(ids.tolist(), np.log(ranks).tolist(), strict=True))


def token_series(
    prompt: TokenisedPrompt, kind: SeriesKind, ranks: Mapping[int, float]
) -> NDArray[np.float64]:
    """Return one number a token; `ranks` as `log_ranks` gives them, for `LOG_RANK`."""
    match kind:
        case SeriesKind.ID:
            return prompt.ids.astype(np.float64)
        case SeriesKind.BYTE_LENGTH:
            return prompt.byte_lengths
        case SeriesKind.LOG_RANK:
            different, places = np.unique(prompt.ids, return_inverse=True)
            return np.array([ranks[one] for one in different.tolist()])[places]


def padded_size(prompts: Sequence[TokenisedPrompt]) -> int:
    """Return the smallest power of two that holds the longest prompt that can be analysed."""
    fitting = [one.tokens for one in prompts if FEWEST_TOKENS <= one.tokens <= MOST_TOKENS]
    return 1 << (max(fitting, default=_SMALLEST) - 1 | _SMALLEST - 1).bit_length()


def power_spectrum(values: NDArray[np.float64], size: int) -> NDArray[np.float64] | None:
    """Return the power of one series at the frequencies k/size, k = 1 … size/2.

    Formula: |rfft(w·(x − mean)/sd, zero-padded to `size`)|² / Σw², w the Hann window. White noise
    has power 1 on average at each frequency.

    Empty input: None for fewer than `FEWEST_TOKENS` values, more than `size`, or a constant series.
    """
    if not FEWEST_TOKENS <= len(values) <= size:
        return None
    spread = float(values.std())
    if spread <= 1e-12 * max(1.0, float(np.abs(values).max())):
        return None
    window = np.hanning(len(values))
    spectrum = np.fft.rfft(window * (values - values.mean()) / spread, size)[1:]
    return np.asarray(np.abs(spectrum) ** 2 / float((window**2).sum()), dtype=np.float64)


def mean_spectrum(
    prompts: Sequence[TokenisedPrompt],
    kind: SeriesKind,
    ranks: Mapping[int, float],
    size: int,
    rng: np.random.Generator,
) -> Spectrum:
    """Average the power spectra of prompts that were drawn before.

    Formula: mean of `power_spectrum` over the prompts, in dB. Peak over median: 10·log₁₀ of the
    largest over the median power; flatness: geometric over arithmetic mean (1 is noise, 0 one
    pure tone). Bands: percentiles of 300 bootstrap draws of the prompts; intervals of the two
    figures: ± 1.96 standard deviations of the draws, since draws of few prompts are rougher than
    the prompts and their percentiles would miss the value.

    Assumptions: prompts are independent draws from the group.

    Empty input: nan for all figures and empty arrays of draws.

    Citation: Welch (1967), IEEE Trans. Audio Electroacoust. 15:70–73 (mean of windowed
    periodograms); Johnston (1988), IEEE J. Sel. Areas Commun. 6:314–323 (spectral flatness).

    Args:
        prompts: At most `MOST_SAMPLES` of them.
        kind: What stands for a token.
        ranks: As `log_ranks` gives them over all compared groups.
        size: A power of two, the same for all compared groups: `padded_size`.
        rng: Draws the bootstrap samples.
    """
    return measured(drawn_powers(prompts, kind, ranks, size, rng))


@dataclass(frozen=True)
class DrawnPowers:
    """The power spectra of prompts, and how often each stands in each bootstrap draw."""

    powers: NDArray[np.float64]
    """One row a prompt."""
    weights: NDArray[np.float64]
    """One row a draw."""
    lengths: "Lengths"
    size: int


def drawn_powers(
    prompts: Sequence[TokenisedPrompt],
    kind: SeriesKind,
    ranks: Mapping[int, float],
    size: int,
    rng: np.random.Generator,
) -> DrawnPowers:
    """Return all that `mean_spectrum` needs chance and prompts for; see there."""
    powers = _powers(_fitting(prompts, size, rng), kind, ranks, size)
    return DrawnPowers(powers, _weights(len(powers), rng), Lengths.of(prompts, len(powers)), size)


def prompt_spectrum(
    prompt: TokenisedPrompt, kind: SeriesKind, ranks: Mapping[int, float] | None = None
) -> Spectrum:
    """Return the spectrum of one prompt alone: figures without intervals.

    Args:
        prompt: The prompt cut into tokens.
        kind: What stands for a token.
        ranks: Log frequency ranks of a population; the prompt's own where none are given.
    """
    own = log_ranks([prompt]) if ranks is None else ranks
    return mean_spectrum([prompt], kind, own, padded_size([prompt]), np.random.default_rng(0))


@dataclass(frozen=True)
class Lengths:
    """How long prompts are, in tokens."""

    left_out: int
    longest: int
    median: float

    @classmethod
    def of(cls, prompts: Sequence[TokenisedPrompt], measured: int) -> "Lengths":
        """Return those of prompts, so many of which have a spectrum."""
        lengths = [one.tokens for one in prompts]
        median = float(np.median(lengths)) if lengths else math.nan
        return cls(len(prompts) - measured, max(lengths, default=0), median)


def _fitting(
    prompts: Sequence[TokenisedPrompt], size: int, rng: np.random.Generator
) -> Sequence[TokenisedPrompt]:
    """Return as many prompts as fit into memory: all, unless they are hundreds of pages long."""
    most = max(1, 2 * _VALUES_AT_ONCE // size)
    if len(prompts) <= most:
        return prompts
    return [prompts[place] for place in rng.choice(len(prompts), size=most, replace=False)]


def _powers(
    prompts: Sequence[TokenisedPrompt], kind: SeriesKind, ranks: Mapping[int, float], size: int
) -> NDArray[np.float64]:
    """Return a row for each prompt that has a spectrum."""
    found = (
        power_spectrum(token_series(prompt, kind, ranks), size)
        for prompt in prompts
        if prompt.tokens <= size
    )
    rows = [power for power in found if power is not None]
    return np.stack(rows) if rows else np.empty((0, size // 2))


@one_thread()
def measured(drawn: DrawnPowers) -> Spectrum:
    """Return the mean spectrum with its intervals; see `mean_spectrum`."""
    powers, weights, lengths = drawn.powers, drawn.weights, drawn.lengths
    frequency = np.arange(1, drawn.size // 2 + 1) / drawn.size
    if not len(powers):
        return _unmeasured(frequency, lengths)
    n, mean = len(powers), powers.mean(axis=0)
    draws, peaks = _drawn(powers, weights, frequency)
    low, high = _band(powers, weights)
    peak = float(frequency[int(mean.argmax())])
    near = np.abs(peaks - peak) <= max(1 / max(lengths.median, 1), frequency[0])
    return Spectrum(
        frequency=frequency,
        power_db=_db(mean),
        low_db=low,
        high_db=high,
        n=n,
        left_out=lengths.left_out,
        peak_frequency=peak,
        peak_agreement=float(near.mean()) if len(near) else math.nan,
        peak_over_median_db=_with_spread(_peak_over_median(mean), draws.peak_over_median_db, n),
        flatness=_with_spread(_flatness(mean), draws.flatness, n, most=1.0),
        band_power=tuple(float(one) for one in _band_means(mean, frequency)),
        draws=draws,
        longest=lengths.longest,
        median_tokens=lengths.median,
    )


def _unmeasured(frequency: NDArray[np.float64], lengths: Lengths) -> Spectrum:
    nothing = np.full(len(frequency), math.nan)
    none = Estimate(math.nan, math.nan, math.nan, 0, "bootstrap, ± 1.96 sd")
    return Spectrum(
        frequency=frequency,
        power_db=nothing,
        low_db=nothing,
        high_db=nothing,
        n=0,
        left_out=lengths.left_out,
        peak_frequency=math.nan,
        peak_agreement=math.nan,
        peak_over_median_db=none,
        flatness=none,
        band_power=(math.nan,) * len(BANDS),
        draws=Draws(np.empty(0), np.empty(0), np.empty((0, len(BANDS)))),
        longest=lengths.longest,
        median_tokens=lengths.median,
    )


def _weights(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    if n < 2:
        return np.empty((0, n))
    return rng.multinomial(n, np.full(n, 1 / n), size=_DRAWS) / n


def _band(
    powers: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low, high = np.full(powers.shape[1], math.nan), np.full(powers.shape[1], math.nan)
    if not len(weights):
        return low, high
    step = max(1, _VALUES_AT_ONCE // len(weights))
    for start in range(0, powers.shape[1], step):
        part = slice(start, start + step)
        low[part], high[part] = _db(np.percentile(weights @ powers[:, part], [2.5, 97.5], axis=0))
    return low, high


def _drawn(
    powers: NDArray[np.float64], weights: NDArray[np.float64], frequency: NDArray[np.float64]
) -> tuple[Draws, NDArray[np.float64]]:
    """Return the figures of each draw, and where each peaks."""
    step = max(1, _VALUES_AT_ONCE // powers.shape[1])
    blocks = [weights[start : start + step] @ powers for start in range(0, len(weights), step)]
    if not blocks:
        return Draws(np.empty(0), np.empty(0), np.empty((0, len(BANDS)))), np.empty(0)
    return (
        Draws(
            np.concatenate([_peak_over_median(block) for block in blocks]),
            np.concatenate([_flatness(block) for block in blocks]),
            np.concatenate([np.stack(_band_means(block, frequency), axis=-1) for block in blocks]),
        ),
        np.concatenate([frequency[block.argmax(axis=-1)] for block in blocks]),
    )


def _floored(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.maximum(power, _FLOOR * power.mean(axis=-1, keepdims=True)))


def _db(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(10 * np.log10(_floored(power)), dtype=np.float64)


def _peak_over_median(power: NDArray[np.float64]) -> NDArray[np.float64]:
    known = _floored(power)
    return np.asarray(10 * np.log10(known.max(axis=-1) / np.median(known, axis=-1)))


def _flatness(power: NDArray[np.float64]) -> NDArray[np.float64]:
    known = _floored(power)
    return np.asarray(np.exp(np.log(known).mean(axis=-1)) / known.mean(axis=-1))


def _band_means(
    power: NDArray[np.float64], frequency: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    return [
        power[..., (frequency > low) & (frequency <= high)].mean(axis=-1) for low, high in BANDS
    ]


def _with_spread(
    value: NDArray[np.float64], draws: NDArray[np.float64], n: int, most: float = math.inf
) -> Estimate:
    half = _Z * float(draws.std()) if len(draws) else math.nan
    low, high = max(0.0, float(value) - half), min(most, float(value) + half)
    if math.isnan(half):
        low = high = math.nan
    return Estimate(float(value), low, high, n, "bootstrap, ± 1.96 sd")
