"""BERTopic with its defaults, in an environment of its own: vectors and texts in, groups out.

Run as `python bertopic_groups.py WORK.npz`, where `rows` lists the rows of each draw. With
`--seconds` it prints how long each draw took instead.
"""

import json
import sys
import time
import warnings

import numpy as np
from bertopic import BERTopic  # type: ignore[import-not-found]  # of its own environment


def main() -> None:
    """Print one JSON line a draw: the topic of each row, -1 for none."""
    warnings.simplefilter("ignore")
    with np.load(sys.argv[1], allow_pickle=False) as work:
        texts, vectors, rows, ends = (work[name] for name in ("texts", "vectors", "rows", "ends"))
    seconds = []
    for number, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        some, began = rows[start:end], time.perf_counter()
        np.random.seed(number)  # noqa: NPY002 - what its defaults draw from
        try:
            topics, _ = BERTopic(verbose=False).fit_transform(texts[some].tolist(), vectors[some])
        except Exception as error:  # it cannot group so few: nothing is grouped
            print(f"{number}: {error}", file=sys.stderr)
            topics = [-1] * len(some)
        seconds.append(time.perf_counter() - began)
        if "--seconds" not in sys.argv:
            print(json.dumps([int(topic) for topic in topics]), flush=True)
    if "--seconds" in sys.argv:
        print(json.dumps(seconds))


main()
