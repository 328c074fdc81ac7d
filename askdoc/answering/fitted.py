"""The contents of fitted.json: settings and calibration that were fitted for a reader."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from askdoc import readers
from askdoc.answering.confidence import UNFITTED, Calibration
from askdoc.answering.ranking import Settings
from askdoc.errors import ModelError
from askdoc.models.bundle import BUNDLED, FITTED, bundled


@dataclass(frozen=True, slots=True)
class Fitted:
    """Settings and calibration, with the models that they were fitted for."""

    settings: Settings
    calibration: Calibration
    reader: str  # fingerprint
    embedder: str  # fingerprint; empty for the bundled one

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Fitted:
        confidence = data["confidence"]
        settings, calibration = Settings.from_dict(data["ranking"]), Calibration.from_dict(confidence)
        return cls(settings, calibration, confidence["reader"], confidence.get("embedder") or "")

    def calibration_of(self, reader: str) -> Calibration:
        """The calibration, if it was fitted for the reader with this fingerprint; otherwise `UNFITTED`."""
        return self.calibration if reader == self.reader else UNFITTED

    def is_for(self, reader: str, embedder: str) -> bool:
        """Was this fitted for a reader and an embedder with these fingerprints?"""
        return reader == self.reader and embedder == (self.embedder or bundled("embedder").fingerprint)


@cache
def fitted_for(reader: str) -> Fitted:
    """The settings and calibration for a reader: those in its folder, if it has one, else those of the bundled reader.

    Raises `ModelError` if the file cannot be understood.
    """
    folder = readers.folder_of(reader)
    path = folder / FITTED if folder else BUNDLED / FITTED
    try:
        return Fitted.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return fitted_for(readers.DEFAULT)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} cannot be understood: {error!r}", hint="make it again, or remove it") from error
