"""Forms for functions; `RememberedGui` makes their fields.

magicgui cannot cancel a run or show its progress; `RunningForm` adds both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, FileEdit
from napari.layers import Image
from qtpy.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QVBoxLayout, QWidget

from napari_sr.widgets.common.dock import RunningForm
from napari_sr.widgets.common.fields import TaskFields
from napari_sr.widgets.common.focus import wrong_style
from napari_sr.widgets.common.icons import give_icon
from napari_sr.widgets.common.layer_list import unwrapped
from napari_sr.widgets.common.layer_source import is_preview
from napari_sr.widgets.common.names_box import Elider
from napari_sr.widgets.common.required import RequiredFields
from napari_sr.widgets.common.rows import add_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from napari.components import ViewerModel

    from napari_sr.widgets.common.remembered_gui import RememberedGui


FEWEST_LETTERS = 16
"""Number of letters of a list's text that are always visible; longer texts are cut."""


class FunctionFields(TaskFields):
    """The fields of a function, buttons, a progress bar and a status; no logic.

    Parameters
    ----------
    gui : FunctionGui
        The fields.
    run, icon : str
        Text and icon of the button that starts a run.
    above, below : iterable of QWidget
        Widgets directly above the buttons, and below the status.
    fills : bool
        Whether a widget below the status takes all remaining height of the dock.
    """

    def __init__(
        self,
        gui: RememberedGui,
        run: str,
        above: Iterable[QWidget] = (),
        below: Iterable[QWidget] = (),
        *,
        icon: str = "run",
        fills: bool = False,
    ) -> None:
        super().__init__(run, "Cancel", icons=(icon, "cancel"), status_lines=1)
        self.gui = gui
        self._tips: dict[str, str] = {}
        self._required = RequiredFields()
        self._rows = QFormLayout()
        self._rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._add_fields()
        buttons = QHBoxLayout()
        buttons.addWidget(self.run)
        buttons.addWidget(self.stop)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.addLayout(self._rows)
        for shown in above:
            layout.addWidget(shown)
        layout.addLayout(buttons)
        self.below = list(below)
        for shown in (self.bar, self.status, *self.below):
            layout.addWidget(shown)
        if not fills:
            layout.addStretch()
        gui.native.setParent(inside)  # it is empty now, but must live as long as its fields
        gui.native.hide()
        self.hold(layout, inside)
        self.show_running(False)

    def _add_fields(self) -> None:
        """Lay magicgui's fields out as in our other forms."""
        rows = []
        for widget in self.gui:
            field = self.frame(widget.name)
            field.setAccessibleName(widget.label)
            self._tips[widget.name] = widget.tooltip or ""
            field.setToolTip(self._tips[widget.name])
            if isinstance(widget, FileEdit):
                widget.choose_btn.text = "Browse…"
                browse = widget.choose_btn.native
                browse.setAccessibleName(f"Browse for {widget.label}")
                browse.setToolTip("Choose it in a dialog.")
                give_icon(browse, "folder")
            if isinstance(field, QComboBox):
                policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
                field.setSizeAdjustPolicy(policy)
                field.setMinimumContentsLength(FEWEST_LETTERS)
                Elider(field)
            label = "" if isinstance(widget, CheckBox) else widget.label
            rows.append((label, widget.native))
        add_rows(self._rows, rows)

    def frame(self, name: str) -> QWidget:
        """Return the field of a parameter; for a path, only the text field without its button."""
        widget = getattr(self.gui, name)
        field: QWidget = getattr(widget, "line_edit", widget).native
        return field

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Frame the named fields, unless they are still empty, each with the reason as tooltip."""
        for name, tip in self._tips.items():
            field = self.frame(name)
            field.setToolTip(problems.get(name, tip))
            framed = self._required.is_wrong(name, field, name in problems)
            style = wrong_style(type(field).__name__) if framed else ""
            if field.styleSheet() != style:
                field.setStyleSheet(style)


class FunctionForm(RunningForm):
    """A form for a function that runs in a worker.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer.
    fields : FunctionFields
        The fields.
    name : str
        The run's label in the activity dock.
    """

    def __init__(self, napari_viewer: ViewerModel, fields: FunctionFields, name: str) -> None:
        self.form, self.gui, self._name = fields, fields.gui, name
        super().__init__(napari_viewer, fields)
        self.gui.changed.connect(self._edit)
        fields.run.clicked.connect(self.start)
        fields.stop.clicked.connect(self._cancel)

    # methods that each form defines

    def _problems(self, values: dict[str, Any]) -> dict[str, str]:
        """Return a sentence for each wrong parameter, by its name."""
        del values
        return {}

    def _steps(self, values: dict[str, Any]) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
        """Return the generator function to run and its arguments, or None to run nothing.

        This is called in the GUI thread, and may read layers and ask the user.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method _steps")

    # a run

    def _refresh(self) -> None:
        self._show_problems(self._problems(self.gui.asdict()))

    def start(self) -> None:
        """Run the function with the values of the fields."""
        if self._worker is not None:
            return
        wanted = self._steps(self.gui.asdict())
        if wanted is None or self._closed:
            return
        function, arguments = wanted
        self.form.show_running(True)
        self.form.status.say("Starting …")
        self._launch(function, *arguments, name=self._name)

    def _show_cancelled(self) -> None:
        self.form.status.say("Cancelled.")


class LayersForm(FunctionForm):
    """A form for a function that takes image layers; its lists follow the viewer's layers.

    Parameters
    ----------
    napari_viewer, fields, name
        As for `FunctionForm`.
    images : sequence of str
        Parameters that take an image layer.
    """

    def __init__(
        self,
        napari_viewer: ViewerModel,
        fields: FunctionFields,
        name: str,
        images: Sequence[str],
    ) -> None:
        self._listed: ViewerModel = unwrapped(napari_viewer)
        # these replace the choices that napari itself registers for layers
        for parameter in images:
            getattr(fields.gui, parameter).choices = self._images
        super().__init__(napari_viewer, fields, name)
        self.reset_choices()

    def _images(self, widget: object = None) -> list[Image]:
        """Return the image layers that are not previews."""
        layers = self._listed.layers
        return [one for one in layers if isinstance(one, Image) and not is_preview(one)]

    def _offer_layers(self) -> None:
        self.gui.reset_choices()
