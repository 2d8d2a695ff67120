"""Limits on threads that computations share."""

import threadpoolctl

from analysis.cohorts.threads import one_thread


def _linear_algebra() -> set[int]:
    pools = threadpoolctl.threadpool_info()
    return {pool["num_threads"] for pool in pools if pool["user_api"] == "blas"}


def test_the_first_to_end_leaves_the_limit_to_the_other() -> None:
    first, second = one_thread(), one_thread()
    with one_thread():
        pass  # loads what is limited
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert _linear_algebra() == {1}
        second.__exit__(None, None, None)
        assert _linear_algebra() == {2}
