"""Fine-tune in a form's worker: download the base model, read the images, train."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.runs.fetch import fetch_steps
from napari_sr.runs.run import translate
from napari_sr.runs.words import is_ours, no_memory, size_in_words
from napari_sr.training.finetuning.config import FineTuneConfig, FineTuned, Update
from napari_sr.training.first_import import import_trainer

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class TrainError(Exception):
    """Replaces a RuntimeError, which napari's workers would lose, or a MemoryError."""


def run(config: FineTuneConfig, stopped: Callable[[], bool]) -> Generator[Update, None, FineTuned]:
    """Fine-tune until the time is over or training is stopped; the best network is kept.

    Parameters
    ----------
    config : FineTuneConfig
        The settings, without objects that belong to the GUI thread.
    stopped : callable
        Called after every step; if it returns True, training stops.

    Raises
    ------
    TrainError
        In place of a RuntimeError or MemoryError.
    ValueError, DownloadError, FineTuningError
        As for `fine_tune`.
    """
    title = config.base_model.title
    try:
        return (yield from _run(config, stopped))
    except RuntimeError as error:
        raise TrainError(f"training of {title} failed: {error}") from error
    except MemoryError as error:
        if is_ours(error):
            raise
        raise TrainError(f"training of {title} failed: {no_memory(error)}") from error


def _run(config: FineTuneConfig, stopped: Callable[[], bool]) -> Generator[Update, None, FineTuned]:
    import_trainer()
    from napari_sr.training.finetuning.finetune import fine_tune

    for entry in config.base_model.missing:
        yield from translate(fetch_steps(entry), _downloading)
    return (yield from fine_tune(config, stopped))


def _downloading(size: tuple[int, int]) -> Update:
    done, total = size
    return Update(f"Downloading: {size_in_words(done)} of {size_in_words(total)}", done, total)
