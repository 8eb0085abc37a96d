"""A network whose result the engine shrinks to a factor that no network has, such as 2.5.

The network enlarges to its own scale; `engine.planning.shrinking` describes the last step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.graph.factor import exact_factor, in_words
from napari_sr.zoo.blend import name_of
from napari_sr.zoo.provenance import FACTOR
from napari_sr.zoo.series import Series
from napari_sr.zoo.wrapped import Wrapped

if TYPE_CHECKING:
    from fractions import Fraction

    from napari_sr.graph.chain import Chain
    from napari_sr.graph.factor import Factor
    from napari_sr.graph.network import Network


class Resized(Wrapped):
    """A network whose result is shrunk to another factor.

    `forward` and `chain` give the result of the network itself; the engine shrinks it.

    Parameters
    ----------
    network : Network
        The network; it is not copied.
    factor : int or Fraction
        Enlargement of the result, at least 1 and less than the network's scale.

    Raises
    ------
    ValueError
        If the factor is not in this range.
    """

    def __init__(self, network: Network, factor: float | Fraction) -> None:
        exact = exact_factor(factor)
        if not 1 <= exact < network.scale:
            raise ValueError(
                f"a result of {network.title}, which enlarges {network.scale} times, can be shrunk "
                f"to a factor of at least 1 and less than {network.scale}, got {in_words(exact)}"
            )
        super().__init__(network, **{FACTOR: str(exact)})
        self._factor = exact

    @property
    def factor(self) -> Factor:
        """Enlargement of the result that the engine returns."""
        return self._factor

    @property
    def receptive_field(self) -> int | None:
        """LR pixels around each pixel that the network reads; None if unlimited or unknown."""
        return self.network.receptive_field

    def chain(self) -> Chain:
        """Return the network's links."""
        return self.network.chain()


def enlarging(network: Network, factor: Factor, *, alone: bool = True) -> Network:
    """Return a network that enlarges at least by a factor: itself, or itself twice in series.

    Parameters
    ----------
    network : Network
        The network.
    factor : int or Fraction
        The enlargement.
    alone : bool
        Whether it may run twice.

    Raises
    ------
    ValueError
        If it does not enlarge enough.
    """
    if factor <= network.scale:
        return network
    if alone and factor <= network.scale**2:
        return Series(network, network).eval()
    twice = alone and network.scale > 1
    most = f"{network.scale**2} times in two passes" if twice else f"{network.scale} times"
    raise ValueError(f"{name_of(network)} enlarges at most {most}, got scale={in_words(factor)}")
