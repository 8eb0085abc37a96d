from __future__ import annotations

import numpy as np
import pytest

from napari_sr.engine.image.geometry import enlarged_transform


def identity(point):
    return point


def test_without_rotation_the_first_centre_moves_by_half_a_small_pixel():
    def to_world(point):
        return point * np.array([2.0, 0.5]) + np.array([10.0, -3.0])

    scale, translate = enlarged_transform([2.0, 0.5], to_world, identity, [4, 4])

    # t - s/2 + s/(2r)
    np.testing.assert_allclose(scale, [0.5, 0.125], rtol=0, atol=1e-15)
    np.testing.assert_allclose(translate, [10 - 1 + 0.25, -3 - 0.25 + 0.0625], atol=1e-15)


def test_edges_coincide_for_any_linear_map_and_crop(random):
    linear = random.normal(size=(3, 3))
    offset = random.normal(size=3)
    affine = random.normal(size=(3, 3))
    base, factors, origin = (
        np.array([1.5, -2.0, 0.25]),
        np.array([1.0, 3, 3]),
        np.array([2.0, 5, 7]),
    )

    def to_parent(point, scale, translate):
        return linear @ (scale * point) + translate

    translate_old = offset
    scale, translate = enlarged_transform(
        base,
        lambda point: affine @ to_parent(point, base, translate_old),
        lambda world: np.linalg.solve(affine, world),
        factors,
        origin,
    )

    for corner in (np.array([0, 0, 0]), np.array([1, 4, 6])):
        # data edges: pixel i ends at i - 0.5, small pixel r * i ends at r * i - 0.5
        old = to_parent(origin + corner - 0.5, base, translate_old)
        new = to_parent(factors * corner - 0.5, scale, translate)
        np.testing.assert_allclose(new, old, atol=1e-12)


@pytest.mark.parametrize(("factors", "origin"), [([2], None), ([2, 0], None), ([2, 2], [0])])
def test_lengths_that_differ_are_refused_with_their_values(factors, origin):
    with pytest.raises(ValueError, match="got scale"):
        enlarged_transform([1.0, 1.0], identity, identity, factors, origin)
