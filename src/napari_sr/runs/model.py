"""A reference to a run's model: a name, file or network, alone, blended or before another one."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr.engine.image.conversion import whole_number
from napari_sr.graph.factor import in_words
from napari_sr.zoo import download
from napari_sr.zoo.file_kind import names_file
from napari_sr.zoo.registry import Entry, find

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari_sr.graph.factor import Factor
    from napari_sr.graph.network import Network


class BlendError(ValueError):
    """Two checkpoints cannot be blended."""


class SeriesError(ValueError):
    """A model cannot be loaded as the second of a series, or cannot read the first's result."""


@dataclass(frozen=True)
class ModelReference:
    """A model as the user names it. Only `load` reads its file."""

    name: str | Path | Network | None = None
    """A known model's name, a checkpoint file or a loaded network; None for the default model."""
    scale: int | None = None
    """Enlargement factor. None for the scale that the name or file shows; for the second model of a
    blend, None for the scale of the first."""
    options: tuple[tuple[str, Any], ...] = ()
    """Arguments of the network that cannot be inferred from its tensors."""
    full_range: bool | None = None
    """Whether a network of one channel takes grey from 0 to 1 instead of luma; None if the file's
    card decides."""
    second: ModelReference | None = None
    """The second model of a blend, or None."""
    weight: float = 0.0
    """Share of the second model, from 0 to 1."""
    consistent: bool = False
    """Whether the result is made consistent with its source, see `zoo.consistent`."""
    then: ModelReference | None = None
    """The model that reads the result of this one, see `zoo.series`, or None."""
    factor: Factor | None = None
    """Enlargement of the result if it is shrunk, see `zoo.resized`; otherwise None."""
    title: str = field(default="", compare=False)
    """The model's name in messages; by default `name`."""

    @classmethod
    def of(
        cls,
        model: str | os.PathLike[str] | Network,
        scale: int | None = None,
        options: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> ModelReference:
        """Check the type of a model that a script passes, and return the reference to it.

        Parameters
        ----------
        model : str, path or Network
            A name or path as for `napari_sr.load`, or a network that `napari_sr.load` returned.
        scale, options
            As for `napari_sr.load`.
        **more
            Other fields of the reference.

        Raises
        ------
        ValueError
            If the model has another type, or the scale is not a whole number.
        """
        if not isinstance(model, str | os.PathLike):
            from napari_sr.graph.network import Network  # imports torch

            if not isinstance(model, Network):
                raise ValueError(
                    "model must be a name, a file or a network from napari_sr.load, got "
                    f"{type(model).__name__}"
                )
        name = Path(model) if isinstance(model, os.PathLike) else model
        given = tuple((options or {}).items())
        return cls(name, whole_number("scale", scale), given, **more)

    @property
    def entry(self) -> Entry | None:
        """The registry's entry of the first model; None for a file or a network.

        Raises
        ------
        ValueError
            If no model has this name and scale.
        """
        if not self.is_known:
            return None
        return find(None if self.name is None else str(self.name), self.scale)

    @property
    def is_known(self) -> bool:
        """Whether the first model is named as one of the registry, not as a file or a network."""
        return self.name is None or (isinstance(self.name, str) and not names_file(self.name))

    @property
    def known_scale(self) -> int | None:
        """Enlargement factor of this model and of `then`; None if only a file shows it.

        Raises
        ------
        ValueError
            If no model has this name and scale.
        """
        own = self.scale if self.entry is None else self.entry.scale
        later = 1 if self.then is None else self.then.known_scale
        return None if own is None or later is None else own * later

    @property
    def known_factor(self) -> Factor | None:
        """Enlargement of the result; None if only a file shows it.

        Raises
        ------
        ValueError
            If no model has this name and scale.
        """
        return self.known_scale if self.factor is None else self.factor

    @property
    def label(self) -> str:
        """Title and scale, as in the name of a result; a scale in the title is not repeated."""
        name = self._called
        if self.second is not None:
            shares = f"{1 - self.weight:.4g}", f"{self.weight:.4g}"
            name = f"{shares[0]} {name} + {shares[1]} {self.second._called}"
        scale = "" if self.scale is None else f" x{self.scale}"
        whole = name if name.endswith(scale) else f"{name}{scale}"
        whole = whole if self.then is None else f"{whole}, then {self.then.label}"
        whole = f"{whole}, consistent" if self.consistent else whole
        return whole if self.factor is None else f"{whole}, shrunk to x{in_words(self.factor)}"

    @property
    def _called(self) -> str:
        return self.title or str(self.name or "")

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The registry's entries of all models: those of a blend or a series, or the only one.

        Raises
        ------
        ValueError
            If no model has such a name and scale.
        """
        models = (self,) if self.second is None else (self, self.second)
        own = (entry for entry in (model.entry for model in models) if entry is not None)
        return (*own, *(() if self.then is None else self.then.entries))

    @property
    def missing(self) -> tuple[Entry, ...]:
        """The registry's entries that must be downloaded before loading.

        Raises
        ------
        ValueError
            If no model has such a name and scale.
        """
        return tuple(entry for entry in self.entries if download.local_path(entry) is None)

    def load(self, fetch: Callable[[Entry], Path] | None = None) -> Network:
        """Load the network, blended with the second model if there is one.

        Parameters
        ----------
        fetch : callable, optional
            Returns the file of a known model; by default downloads it if it is missing.

        Raises
        ------
        ValueError
            If there is no such model or file, or it is not a checkpoint of a known network.
        BlendError
            If the second model cannot be loaded or blended with the first.
        SeriesError
            If the model `then` cannot be loaded, or cannot read the first's result.
        napari_sr.zoo.download.DownloadError
            If a model cannot be downloaded.
        """
        from napari_sr.runs import loading  # imports torch

        return loading.load(self, partial(loading.load_one, fetch=fetch))
