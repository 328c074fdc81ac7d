from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from askdoc.training.average import main


def one_more(model_folder: Path, tmp_path: Path) -> tuple[Path, dict[str, torch.Tensor]]:
    """A folder whose weights are all greater by one than the model's, and the model's."""
    other = tmp_path / "other"
    other.mkdir()
    before = load_file(model_folder / "model.safetensors")
    save_file({name: value + 1.0 for name, value in before.items()}, other / "model.safetensors")
    return other, before


def test_the_mean_of_models_is_a_model(model_folder: Path, tmp_path: Path) -> None:
    other, before = one_more(model_folder, tmp_path)
    main([str(tmp_path / "mean"), str(other), str(model_folder)])
    after = load_file(tmp_path / "mean" / "model.safetensors")
    assert all(torch.allclose(after[name], before[name] + 0.5) for name in before)
    assert (tmp_path / "mean" / "tokenizer.json").read_bytes() == (model_folder / "tokenizer.json").read_bytes()


def test_models_have_their_shares(model_folder: Path, tmp_path: Path) -> None:
    other, before = one_more(model_folder, tmp_path)
    main([str(tmp_path / "mean"), str(other), str(model_folder), "--shares", "3", "1"])
    after = load_file(tmp_path / "mean" / "model.safetensors")
    assert all(torch.allclose(after[name], before[name] + 0.75, atol=1e-6) for name in before)
    with pytest.raises(ValueError, match="1 shares for 2 models"):
        main([str(tmp_path / "mean"), str(other), str(model_folder), "--shares", "3"])


def test_models_of_other_shapes_are_refused(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    save_file({"x": torch.zeros(1)}, tmp_path / "other" / "model.safetensors")
    with pytest.raises(ValueError, match="has other weights"):
        main([str(tmp_path / "mean"), str(model_folder), str(tmp_path / "other")])


def test_what_is_no_weight_comes_from_the_last(tmp_path: Path) -> None:
    positions = {"position_ids": torch.arange(4)}
    for name, weight, beside in (("tuned", 2.0, {}), ("original", 1.0, positions)):
        (tmp_path / name).mkdir()
        save_file({"x": torch.tensor([weight]), **beside}, tmp_path / name / "model.safetensors")
    main([str(tmp_path / "mean"), str(tmp_path / "tuned"), str(tmp_path / "original")])
    after = load_file(tmp_path / "mean" / "model.safetensors")
    assert after["x"].tolist() == [1.5]
    assert torch.equal(after["position_ids"], positions["position_ids"])
