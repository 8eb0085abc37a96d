"""The dock widget that compares two layers: it reads fields and shows results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image, Shapes
from napari.utils.notifications import show_error

from napari_sr.runs.words import error_in_words
from napari_sr.widgets.common.docked import DockedForm
from napari_sr.widgets.common.latest import Latest
from napari_sr.widgets.common.layer_list import unwrapped
from napari_sr.widgets.common.layer_source import METADATA_KEY, is_result
from napari_sr.widgets.compare.fields import CompareFields
from napari_sr.widgets.compare.figures import (
    Errors,
    error_arguments,
    errors_of,
    judge,
    misfit,
)
from napari_sr.widgets.compare.pixel_watch import PixelWatch
from napari_sr.widgets.compare.profile import Profile, profile_of, tracks_of
from napari_sr.widgets.compare.shown_plane import shown_plane

if TYPE_CHECKING:
    from napari.components import ViewerModel

LINES = "profile"
"""Name of the layer in which a line is drawn."""
LINE_COLOUR, LINE_WIDTH = "#ffd23f", 3.0
"""Colour of a new line, and its width in screen pixels at the current zoom."""


class CompareWidget(DockedForm):
    """Compare two image layers: by eye, with figures, and along a line.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; the form lists its layers.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        viewer: ViewerModel = unwrapped(napari_viewer)
        self.form = CompareFields(viewer)
        super().__init__(viewer, self.form)
        self._shapes: Shapes | None = None
        self._subtracted: tuple[Image | None, Image | None] = None, None
        self._judge, self._measure, self._subtract = Latest(self), Latest(self), Latest(self)
        self._pixels = PixelWatch(viewer.dims, self)
        self._connect()
        self.reset_choices()

    def _connect(self) -> None:
        form, viewer = self.form, self._viewer
        for box in (form.before, form.after):
            box.chosen.connect(self._offer)
            box.chosen.connect(self._ask_profile)
        form.reference.chosen.connect(self._ask_figures)
        form.reference.chosen.connect(self._ask_profile)
        form.lines.chosen.connect(self._follow_line)
        form.errors.clicked.connect(self._ask_errors)
        form.draw.clicked.connect(self._draw_line)
        self._judge.answered.connect(self._show_figures)
        self._measure.answered.connect(self._show_profile)
        self._subtract.answered.connect(self._show_errors)
        self._pixels.changed.connect(self._renew)
        viewer.dims.events.point.connect(self._renew)

    def reset_choices(self, event: object = None) -> None:
        """List the layers again; napari calls this when the layer list changes."""
        if self._closed:
            return
        layers = self._viewer.layers
        before, after = self._usual_pair()
        self.form.after.offer(layers, after)
        self.form.before.offer(layers, before)
        self.form.reference.offer(layers)
        lines = [layer for layer in layers if isinstance(layer, Shapes)]
        self.form.lines.offer(layers, lines[-1] if lines else None)
        self._offer()

    def _usual_pair(self) -> tuple[Image | None, Image | None]:
        """Return the layers that are being compared, or else those to compare by default."""
        layers, pair = self._viewer.layers, self.form.row.pair()
        if self.form.row.is_on and all(layer in layers for layer in pair):
            return pair
        return usual_pair([layer for layer in layers if isinstance(layer, Image)])

    def _offer(self) -> None:
        """Pass the chosen layers to the buttons."""
        before, after = self.form.before.layer(), self.form.after.layer()
        if before is None or after is None or before is after:
            self.form.row.clear()
            self.form.row.hint.say("Choose two different image layers.")
        elif self.form.row.pair() != (before, after):
            self.form.row.offer(before, after)
        self._ask_figures()

    def _renew(self, event: object = None) -> None:
        """Update figures and profile for another plane or other pixels."""
        self._ask_figures()
        self._ask_profile()

    # figures

    def _ask_figures(self) -> None:
        self._pixels.follow(self._layers().values())
        reference, after = self.form.reference.layer(), self.form.after.layer()
        self.form.errors.setEnabled(reference is not None and after not in (None, reference))
        if reference is None:
            self._judge.forget()
            self.form.figures.say("")
            return
        planes = {
            name.capitalize(): shown_plane(layer, self._viewer.dims)
            for name, layer in self._layers().items()
            if layer is not reference
        }
        self._judge.ask(judge, planes, shown_plane(reference, self._viewer.dims))

    def _layers(self) -> dict[str, Image]:
        """Return the chosen layers by their role in the comparison."""
        boxes = ("before", "after", "reference")
        chosen = {name: getattr(self.form, name).layer() for name in boxes}
        return {name: layer for name, layer in chosen.items() if layer is not None}

    def _show_figures(self, answer: str | Exception) -> None:
        if not self._closed:
            said = answer if isinstance(answer, str) else error_in_words(answer)
            self.form.figures.say(said)

    def _ask_errors(self) -> None:
        after, reference = self.form.after.layer(), self.form.reference.layer()
        if after is None or reference is None:
            return
        problem = misfit(after, reference)
        if problem is not None:
            show_error(problem)
            return
        self._subtracted = after, reference
        planes = (shown_plane(layer, self._viewer.dims) for layer in (after, reference))
        self._subtract.ask(errors_of, *planes)

    def _show_errors(self, answer: Errors | Exception) -> None:
        (after, reference), self._subtracted = self._subtracted, (None, None)
        if self._closed or after is None or reference is None:
            return
        if isinstance(answer, Exception):
            show_error(error_in_words(answer))
            return
        self._viewer.add_image(answer.pixels, **error_arguments(after, reference, answer))

    # the profile

    def _draw_line(self) -> None:
        """Let the user draw a line, in the chosen layer or in a new one."""
        shapes = self.form.lines.layer()
        if shapes is None:
            shapes = self._add_lines()
            self.form.lines.choose(shapes)
        self._viewer.layers.selection.active = shapes
        shapes.mode = "add_line"

    def _add_lines(self) -> Shapes:
        """Add a layer for lines, with the images' units, because napari ignores other units."""
        dims, after = self._viewer.dims, self.form.after.layer()
        own = after.units if after is not None and after.ndim == dims.ndim else None
        camera = getattr(self._viewer, "scene", self._viewer).camera
        return self._viewer.add_shapes(
            ndim=dims.ndim,
            name=LINES,
            units=getattr(dims, "units", None) or own,
            edge_color=LINE_COLOUR,
            edge_width=LINE_WIDTH / camera.zoom,
        )

    def _follow_line(self) -> None:
        """Listen to the chosen layer of lines."""
        self._watch(self.form.lines.layer())
        self._ask_profile()

    def _watch(self, shapes: Shapes | None) -> None:
        if self._shapes is not None:
            self._shapes.events.data.disconnect(self._ask_profile)
        self._shapes = shapes
        if shapes is not None:
            shapes.events.data.connect(self._ask_profile)

    def _ask_profile(self, event: object = None) -> None:
        layers = self._layers()
        found = None
        if self._shapes is not None and layers:
            found = tracks_of(self._shapes, layers, self._viewer.dims)
        if found is None:
            self._measure.forget()
            self.form.plot.show_profile(None)
        else:
            self._measure.ask(profile_of, *found)

    def _show_profile(self, answer: Profile | Exception) -> None:
        if not self._closed:
            self.form.plot.show_profile(answer if isinstance(answer, Profile) else None)

    def _end_with_dock(self) -> None:
        self.form.row.clear()
        self._watch(None)
        for asked in (self._judge, self._measure, self._subtract):
            asked.forget()
        for box in (self.form.before, self.form.after, self.form.reference, self.form.lines):
            box.leave()
        self._pixels.follow([])
        self._viewer.dims.events.point.disconnect(self._renew)


def usual_pair(images: list[Image]) -> tuple[Image | None, Image | None]:
    """Return the layers to compare by default: the newest result and its source.

    If there is no result, they are the two lowest images.
    """
    results = [image for image in images if is_result(image)]
    if results:
        after = results[-1]
        source = after.metadata[METADATA_KEY].get("source")
        others = [image for image in images if image is not after]
        named = [image for image in others if image.name == source]
        return (named or others or [None])[0], after
    return (images[0], images[1]) if len(images) > 1 else ((images or [None])[0], None)
