"""Show one layer on one side of a line in the canvas, and another layer on the other side.

A fragment shader discards the screen pixels of each layer that are beyond the line. This works for
every layer that napari draws in 2D, including multiscale and rotated layers, of any pixel size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vispy.visuals.filters import Filter

from napari_sr.widgets.common.layer_list import unwrapped
from napari_sr.widgets.compare.on_canvas import is_alive

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

_CLIP = """
void clip_at_line() {
    if (dot(vec3(gl_FragCoord.xy, 1.0), $line) < 0.0) discard;
}
"""
_NEEDED = ("layer_to_visual", "native", "events")


class _HalfPlane(Filter):  # type: ignore[misc]  # vispy has no types
    """Discards pixels of the framebuffer on the negative side of a line."""

    def __init__(self) -> None:
        super().__init__(fcode=_CLIP, fhook="pre", fpos=1)
        self.line = 0.0, 0.0, 1.0

    @property
    def line(self) -> tuple[float, float, float]:
        """Coefficients a, b and c: pixels with a x + b y + c < 0 are discarded."""
        return self._line

    @line.setter
    def line(self, line: tuple[float, float, float]) -> None:
        self._line = line
        self.fshader["line"] = line


def canvas_of(viewer: ViewerModel) -> Any | None:
    """Return napari's canvas, or None if there is no window or napari's internals have changed.

    napari has no public attribute for the canvas.
    """
    window: Any = getattr(unwrapped(viewer), "window", None)
    if getattr(window, "_qt_window", None) is None:  # no window, or a closed one
        return None
    canvas = getattr(window._qt_viewer, "canvas", None)
    return canvas if all(hasattr(canvas, name) for name in _NEEDED) else None


class Curtain:
    """Shows one layer left of (above) a line and another layer right of (below) it.

    Parameters
    ----------
    viewer : Viewer
        A viewer with a window.
    before, after : Image
        The layers at the left (above) and at the right (below); both visible.
    share : float
        Position of the line, as a share of the canvas's width or height.
    horizontal : bool
        Whether the line is horizontal.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        before: Image,
        after: Image,
        *,
        share: float = 0.5,
        horizontal: bool = False,
    ) -> None:
        self._viewer, self._canvas = viewer, canvas_of(viewer)
        self._halves = {before: _HalfPlane(), after: _HalfPlane()}
        self._clipped: list[tuple[Any, _HalfPlane]] = []
        self.share, self.horizontal = share, horizontal
        if self._canvas is not None:
            # must run before vispy's callback, which draws
            self._canvas.events.draw.connect(self._prepare, position="first")
            self.move(share)

    def move(self, share: float) -> None:
        """Move the line, and ask Qt to redraw the canvas."""
        self.share = share
        if self._canvas is not None:
            self._canvas.native.update()

    def end(self) -> None:
        """Show both layers completely again."""
        if self._canvas is None:
            return
        self._canvas.events.draw.disconnect(self._prepare)
        for drawn, half in self._clipped:
            drawn.detach(half)
        self._clipped.clear()
        self._blend_as_alone(False)
        if is_alive(self._canvas.native):
            self._canvas.native.update()
        self._canvas = None

    def _prepare(self, event: Any) -> None:
        """Clip both layers before each drawing, because napari may have replaced their visuals."""
        self._place(*event.source.physical_size)
        for layer, half in self._halves.items():
            for drawn in self._drawn(layer):
                if not any(drawn is known for known, _ in self._clipped):
                    drawn.attach(half)
                    self._clipped.append((drawn, half))
        self._blend_as_alone(True)

    def _place(self, width: int, height: int) -> None:
        """Put the line between two pixels of a framebuffer, whose y axis points up."""
        if self.horizontal:
            line = 0.0, 1.0, -(height - float(round(self.share * height)))
        else:
            line = -1.0, 0.0, float(round(self.share * width))
        other = -line[0], -line[1], -line[2]
        for half, coefficients in zip(self._halves.values(), (line, other), strict=True):
            if half.line != coefficients:
                half.line = coefficients

    def _drawn(self, layer: Image) -> list[Any]:
        """Return the vispy visuals of a layer: one, or several for a very large image."""
        visual = self._canvas.layer_to_visual.get(layer) if self._canvas is not None else None
        if visual is None:
            return []
        return list(getattr(visual.node, "adopted_children", ())) or [visual.node]

    def _blend_as_alone(self, alone: bool) -> None:
        """Blend both layers with the background, as napari does with the lowest visible layer."""
        lowest = next((layer for layer in self._viewer.layers if layer.visible), None)
        if alone and lowest not in self._halves:
            return
        for layer in self._halves:
            visual = self._canvas.layer_to_visual.get(layer) if self._canvas is not None else None
            first = alone or layer is lowest
            if visual is not None and getattr(visual, "first_visible", first) != first:
                visual.first_visible = first
                visual._on_blending_change()
