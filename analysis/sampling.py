"""Drawing traces for review so that every trace's chance of being drawn is known."""

import numpy as np
import pandas as pd

from analysis.frames import TRACE_ID, require

POSITION = "position"
INCLUSION_WEIGHT = "inclusion_weight"


def sample_random(
    frame: pd.DataFrame, size: int, *, rng: np.random.Generator, strata: str | None = None
) -> pd.DataFrame:
    """Draw traces at random, optionally the same share of each stratum.

    Proportional allocation by largest remainders: stratum h of N_h traces gives n_h ≈ size·N_h/N.
    The order of the result is random over all strata, so its first k rows are a random sample too.

    Formula: inclusion weight = 1/P(drawn) = N_h/n_h (Horvitz & Thompson, JASA 1952).

    Args:
        frame: One row per trace; `trace_id` and, where given, the column `strata`.
        size: How many to draw; all of them where there are fewer.
        rng: Source of randomness.
        strata: Column whose values are sampled in proportion.

    Returns:
        Columns `trace_id`, `position` (0-based), `inclusion_weight`; empty for an empty frame.
    """
    require(frame, TRACE_ID, *([strata] if strata else []))
    wanted = min(size, len(frame))
    groups = (
        [group for _, group in frame.groupby(strata, sort=True, dropna=False)]
        if strata
        else [frame]
    )
    counts = np.array([len(group) for group in groups], dtype=float)
    drawn = []
    for group, share in zip(groups, _allocate(counts, wanted), strict=True):
        if share == 0:
            continue
        chosen = rng.choice(len(group), size=share, replace=False)
        drawn.append(
            pd.DataFrame(
                {
                    TRACE_ID: group[TRACE_ID].to_numpy()[chosen],
                    INCLUSION_WEIGHT: len(group) / share,
                }
            )
        )
    if not drawn:
        return pd.DataFrame({TRACE_ID: [], POSITION: [], INCLUSION_WEIGHT: []})
    sample = pd.concat(drawn, ignore_index=True)
    sample = sample.iloc[rng.permutation(len(sample))].reset_index(drop=True)
    return sample.assign(**{POSITION: np.arange(len(sample))})


def _allocate(counts: np.ndarray, size: int) -> list[int]:
    """Σ n_h = size with n_h ≤ N_h: floors first, then the largest remainders."""
    if size == 0:
        return [0] * len(counts)
    exact = counts * size / counts.sum()
    shares = np.floor(exact).astype(int)
    largest = np.argsort(-(exact - shares), kind="stable")
    shares[largest[: size - shares.sum()]] += 1
    return [int(share) for share in shares]
