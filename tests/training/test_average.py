from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from askdoc.training.average import main
from askdoc.training.network import LAYERS, load_layers, load_model, save_layers


@pytest.fixture
def folders(encoder_folder: Path, tmp_path: Path) -> list[str]:
    """A reader, and one whose weights are all greater by one."""
    save_layers(load_model(encoder_folder), tmp_path / "reader")
    (tmp_path / "greater").mkdir()
    greater = {name: value + 1.0 for name, value in load_layers(tmp_path / "reader").items()}
    save_file(greater, tmp_path / "greater" / LAYERS)
    return [str(tmp_path / "greater"), str(tmp_path / "reader")]


@pytest.mark.parametrize(("shares", "more"), [([], 0.5), (["--shares", "3", "1"], 0.75)])
def test_the_mean_of_readers_is_a_reader(
    folders: list[str], encoder_folder: Path, tmp_path: Path, shares: list[str], more: float
) -> None:
    main([str(tmp_path / "mean"), *folders, *shares])
    before = load_layers(tmp_path / "reader")
    after = load_model(encoder_folder, tmp_path / "mean").state_dict()
    assert all(torch.allclose(after[name], before[name] + more, atol=1e-6) for name in before)


def test_each_reader_has_a_share(folders: list[str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 shares for 2 readers"):
        main([str(tmp_path / "mean"), *folders, "--shares", "3"])


def test_readers_with_other_weights_are_refused(folders: list[str], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    save_file({"x": torch.zeros(1)}, tmp_path / "other" / LAYERS)
    with pytest.raises(ValueError, match="other has other weights than"):
        main([str(tmp_path / "mean"), *folders, str(tmp_path / "other")])
    assert not (tmp_path / "mean").exists()
