"""What is installed: the program and its models, without what made them."""

from __future__ import annotations

from pathlib import Path

import pytest
from programs import ROOT

builders = pytest.importorskip("hatchling.builders.wheel")


@pytest.fixture(scope="module")
def wheel() -> set[str]:
    """The paths of the files in the wheel, as hatchling would pack them."""
    builder = builders.WheelBuilder(str(ROOT))
    files = builder.recurse_included_files()
    return {Path(file.distribution_path).as_posix() for file in files if "__pycache__" not in file.distribution_path}


def test_training_is_not_installed(wheel: set[str]) -> None:
    assert "askdoc/cli/app.py" in wheel
    assert not [path for path in wheel if path.startswith(("askdoc/training", "tests"))]


def test_every_model_file_is_installed(wheel: set[str]) -> None:
    weights = ROOT / "askdoc" / "models" / "weights"
    files = {path.relative_to(ROOT).as_posix() for path in weights.rglob("*") if path.is_file()}
    assert len(files) > 4
    assert files <= wheel


def test_every_module_that_is_installed_exists_and_the_other_way_round(wheel: set[str]) -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "askdoc").rglob("*.py")}
    assert {path for path in wheel if path.endswith(".py")} == {
        module for module in modules if not module.startswith("askdoc/training/")
    }


def test_nothing_that_is_installed_imports_or_names_training(wheel: set[str]) -> None:
    named = [path for path in wheel if path.endswith(".py") and "askdoc.training" in (ROOT / path).read_text("utf-8")]
    assert named == []
