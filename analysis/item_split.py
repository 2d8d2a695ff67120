"""Dividing items into train, dev and test by a hash of their id, which nothing later changes."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass

_RANGE = 2**64
_DIGEST_BYTES = 8

TRAIN, DEV, TEST = "train", "dev", "test"


@dataclass(frozen=True)
class Shares:
    """Which share of the items goes into each part; what train and dev leave is test."""

    train: float = 0.15
    dev: float = 0.40

    @property
    def test(self) -> float:
        """What train and dev leave."""
        return 1 - self.train - self.dev

    def __post_init__(self) -> None:
        """Refuse shares that leave a part without any item.

        Raises:
            ValueError: A share is not between 0 and 1, or nothing is left for the test part.
        """
        if not (0 < self.train < 1 and 0 < self.dev < 1 and self.train + self.dev < 1 - 1e-9):
            raise ValueError(
                f"Shares of {self.train:g} for train and {self.dev:g} for dev do not fit: each is "
                "above 0, and together they stay below 1, so that something is left for test."
            )


def part_of(item_id: str, seed: int, shares: Shares) -> str:
    """Return the part of an item: train, dev or test.

    Formula: u = SHA-256("seed:item_id") as a number in [0, 1) (its first 8 bytes); train where
    u < train, dev where u < train + dev, else test. So the part depends on nothing but the id,
    the seed and the shares: on no other item, and on no order.

    Assumptions: items are exchangeable; parts differ from their shares by chance, by about
    sqrt(share · (1 - share) / n), which is reported and not repaired.

    Empty input: an empty id has a part like any other; callers leave such items out.

    Citation: Ohlsson (1995), in Business Survey Methods, chapter 9, for permanent random numbers.
    """
    digest = hashlib.sha256(f"{seed}:{item_id}".encode()).digest()
    point = int.from_bytes(digest[:_DIGEST_BYTES], "big") / _RANGE
    if point < shares.train:
        return TRAIN
    return DEV if point < shares.train + shares.dev else TEST


def parts(item_ids: Iterable[str], seed: int, shares: Shares) -> dict[str, str]:
    """Return the part of each item, in their order; see `part_of`."""
    return {item_id: part_of(item_id, seed, shares) for item_id in item_ids}


def is_by_chance(found: int, total: int, share: float) -> bool:
    """Return whether a part's number of items is what its share lets expect.

    Formula: |found - n·share| ≤ 3·sqrt(n·share·(1 - share)), three standard deviations of the
    binomial distribution.

    Empty input: no item is what any share lets expect.
    """
    spread = math.sqrt(total * share * (1 - share))
    return abs(found - total * share) <= 3 * spread
