"""The fields with which a job is configured. The page writes them, the kernel only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from batchnb.widgets.form_presenter import LABELS, FormInput, FormState, analysis_titles
from batchnb.widgets.sinks import text_output
from batchnb.widgets.view import output_area, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from batchnb.analyzers.registry import AnalyzerRegistry
    from batchnb.records import Portfolio

_MOST_ROWS = 8
_WIDE = {"width": "100%", "margin": "0"}
_LABELS = {"description_width": "84px"}


class JobForm:
    """The fields, and the messages beside them."""

    def __init__(self, portfolio: Portfolio, registry: AnalyzerRegistry, timeout_seconds: int) -> None:
        """Make the form: all models and the usual analyses chosen, `timeout_seconds` shown as the setting."""
        self.models = widgets.SelectMultiple(
            options=[(model, model) for model in portfolio.models],
            value=portfolio.models,
            rows=min(_MOST_ROWS, max(4, len(portfolio.models) + 1)),
            description=LABELS["models"],
            tooltip="Ctrl or Shift chooses several",
            style=_LABELS,
            layout=_WIDE,
        )
        self.apps = _text(LABELS["apps"], "all, or for example 1-3,5")
        self.analyses = {
            key: widgets.Checkbox(
                value=registry.is_default(key), description=title, indent=False, layout=_WIDE
            )
            for key, title in analysis_titles(registry).items()
        }
        self.name = _text("Job name", "optional")
        self.timeout = _text(LABELS["timeout"], f"seconds per task, {timeout_seconds} if empty")
        self._notes = {field: output_area(css_class="batchnb-field-note") for field in LABELS}
        self.widget = widgets.HBox(
            [
                _column(self.models, self._notes["models"]),
                _column(
                    self.apps,
                    self._notes["apps"],
                    self.name,
                    self.timeout,
                    self._notes["timeout"],
                    self._analyses_box(),
                    self._notes["analyses"],
                ),
            ],
            layout={"flex_flow": "row wrap"},
            _dom_classes=("batchnb-columns",),
        )

    def _analyses_box(self) -> Any:
        label = widgets.Label(
            LABELS["analyses"],
            layout={"width": "84px", "margin": "0 8px 0 2px"},
            _dom_classes=("batchnb-field-label",),
        )
        boxes = widgets.VBox(
            list(self.analyses.values()), layout={"flex": "1"}, _dom_classes=("batchnb-boxes",)
        )
        return widgets.HBox([label, boxes], layout=_WIDE)

    def observe(self, noticed: Callable[[], None]) -> None:
        """Call `noticed` whenever the page changed a field."""
        for field in (self.models, self.apps, self.name, self.timeout, *self.analyses.values()):
            field.observe(lambda change: noticed(), names="value")  # noqa: ARG005 - traitlets passes it

    def read(self) -> FormInput:
        """Return what stands in the form now."""
        return FormInput(
            models=tuple(self.models.value),
            apps=self.apps.value,
            analyses=tuple(key for key, box in self.analyses.items() if box.value),
            name=self.name.value,
            timeout=self.timeout.value,
        )

    def write(self, state: FormState) -> None:
        """Show the messages of `state` beside their fields."""
        for field, area in self._notes.items():
            text = state.errors.get(field, "")
            show(area, *([text_output(f"⚠ {text}", "error")] if text else []))


def _text(label: str, placeholder: str) -> Any:
    return widgets.Text(description=label, placeholder=placeholder, style=_LABELS, layout=_WIDE)


def _column(*children: Any) -> Any:
    layout = {"flex": "1 1 280px", "min_width": "0", "width": "auto"}
    return widgets.VBox(children, layout=layout, _dom_classes=("batchnb-column",))
