import json
from pathlib import Path

from askdoc.training.plot import dev_curves, main, read_log


def test_a_run_is_drawn_with_every_dev_figure_over_what_was_seen(tmp_path: Path) -> None:
    lines = [
        {"time": "1", "kind": "train", "tokens": 100, "steps": 1, "round": 0, "loss": 2.0, "norm": 1.0},
        {"time": "2", "kind": "dev", "tokens": 100, "steps": 1, "round": 0, "set": {"questions": 9, "best_f1": 50.0}},
        {"time": "3", "kind": "train", "tokens": 300, "steps": 3, "round": 0, "loss": 1.0, "norm": 1.0},
        {"time": "4", "kind": "dev", "tokens": 300, "steps": 3, "round": 0, "set": {"questions": 9, "best_f1": 60.0},
         "mean": 60.0},
    ]  # fmt: skip
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert dev_curves(read_log(tmp_path)) == {"set best_f1": [(100, 50.0), (300, 60.0)], "mean": [(300, 60.0)]}
    for name, start in (("plot.png", b"\x89PNG"), ("plot.svg", b"<?xml")):
        main([str(tmp_path), "--out", str(tmp_path / name)])
        assert (tmp_path / name).read_bytes().startswith(start)
