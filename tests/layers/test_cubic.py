"""The integral of the cubic kernel against sums of the kernel itself."""

from __future__ import annotations

import numpy as np

from napari_sr.layers.cubic import cubic_integral


def test_it_is_the_integral_of_the_kernel_that_interpolates():
    x = np.linspace(-3, 3, 60001)
    size = np.abs(x)
    near, far = 1.5 * size**3 - 2.5 * size**2 + 1, -0.5 * size**3 + 2.5 * size**2 - 4 * size + 2
    kernel = np.where(size <= 1, near, np.where(size < 2, far, 0.0))
    total = np.cumsum((kernel[1:] + kernel[:-1]) / 2) * (x[1] - x[0])

    np.testing.assert_allclose(cubic_integral(x[1:]) - cubic_integral(x[:1]), total, atol=1e-7)
    np.testing.assert_allclose(cubic_integral(np.array([-9.0, 9.0])), (-0.5, 0.5))
