import numpy as np
import pytest
from sklearn.decomposition import PCA

from analysis.geometry import Vectors
from analysis.projection import project_2d


def test_agrees_with_scikit_learn_up_to_the_side_of_each_axis(space: Vectors):
    ours, oracle = project_2d(space), PCA(2, svd_solver="full").fit_transform(space)
    assert np.abs(ours) == pytest.approx(np.abs(oracle), abs=1e-4)


def test_does_not_flip_between_calls(space: Vectors):
    assert np.array_equal(project_2d(space), project_2d(space.copy()))
    assert project_2d(space[::-1])[::-1] == pytest.approx(project_2d(space), abs=1e-6)


@pytest.mark.parametrize("size", [0, 1])
def test_few_notes(size: int):
    points = project_2d(np.ones((size, 4), dtype=np.float32))
    assert points.shape == (size, 2)
    assert not points.any()


def test_equal_notes_lie_on_one_point():
    assert np.abs(project_2d(np.ones((4, 3), dtype=np.float32))).max() == 0


def test_one_dimension_leaves_the_second_axis_at_zero():
    points = project_2d(np.array([[0.0], [1.0]], dtype=np.float32))
    assert points.tolist() == [[-0.5, 0.0], [0.5, 0.0]]
