"""Fitting the confidence: the regression against known numbers, and the command on questions made for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from askdoc.cli import app as cli
from askdoc.errors import UsageError
from askdoc.evaluation.calibrate import LEAST, logistic_regression, smoothed


def test_the_regression_is_that_of_scikit_learn() -> None:
    """LogisticRegression(C=0.3, tol=1e-12) of scikit-learn 1.9 on the same numbers."""
    chance = np.random.default_rng(7)
    features = chance.normal(size=(240, 5))
    features[:, 4] = features[:, 0] * 0.9 + 0.1 * features[:, 4]  # nearly the same feature twice
    logits = features @ np.array([1.5, -0.7, 0, 0.3, 0.5]) + 0.4
    labels = (logits + chance.logistic(size=240) > 0).astype(float)
    weights, intercept = logistic_regression(features, labels)
    assert weights == pytest.approx([0.88196, -0.66791, 0.02958, 0.34104, 0.86628], abs=1e-5)
    assert intercept == pytest.approx(0.3283, abs=1e-5)


def test_labels_that_a_feature_separates_are_fitted_too() -> None:
    features = np.linspace(-50, 50, 40)[:, None]
    weights, _ = logistic_regression(features, (features[:, 0] > 0).astype(float))
    assert 0 < weights[0] < 10


def test_labels_that_are_all_the_same_cannot_be_fitted() -> None:
    with pytest.raises(UsageError, match="nothing can be fitted"):
        logistic_regression(np.ones((5, 2)), np.ones(5))


def test_a_peak_alone_is_not_the_highest() -> None:
    values = [70.0, 70.0, 76.0, 70.0, 73.0, 74.0, 73.0, 70.0]
    means = smoothed(values)
    assert means.index(max(means)) == 5
    assert len(means) == len(values)


def test_at_the_ends_there_is_one_neighbour() -> None:
    assert smoothed([1.0, 3.0, 8.0]) == pytest.approx([2.0, 4.0, 5.5])
    assert smoothed([4.0]) == [4.0]


def questions(path: Path, *, articles: int, each: int, topic: str = "bridge") -> Path:
    """Articles of paragraphs, each with a question that it answers and one that it does not."""
    data = []
    for article in range(articles):
        paragraphs = []
        for number in range(each):
            name = f"{topic}{article}x{number}"
            context = f"The {name} was finished by Mason{number}. It is long and old."
            answer = {"text": f"Mason{number}", "answer_start": context.index("Mason")}
            qas = [
                {"id": name, "question": f"Who finished the {name}?", "answers": [answer], "is_impossible": False},
                {"id": f"{name}?", "question": f"Who painted the {name}?", "answers": [], "is_impossible": True},
            ]
            paragraphs.append({"context": context, "qas": qas})
        data.append({"title": f"{topic} {article}", "paragraphs": paragraphs})
    path.write_text(json.dumps({"version": "v2.0", "data": data}))
    return path


def test_the_command_fits_and_says_how_good_it_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = questions(tmp_path / "bridges.json", articles=4, each=LEAST // 2 + 1)
    other = questions(tmp_path / "mills.json", articles=1, each=12, topic="mill")
    out = tmp_path / "fitted.json"
    words = ["--embedder", "hashing", "--reader", "overlap", "--off-topic", str(other), "--check", str(other)]
    assert cli.main(["calibrate", str(data), *words, "--out", str(out), "--table"]) == 0
    printed = capfd.readouterr().out
    assert "questions that were not used for fitting" in printed
    assert f"written to {out}" in printed
    fitted = json.loads(out.read_text())
    assert set(fitted["confidence"]) == {"reader", "intercept", "coefficients", "threshold", "curve", "embedder"}
    assert set(fitted["measured"]) == {"fitted on", "checked on", "checked on mills"}
    assert fitted["about"] == "fitted by askdoc calibrate on half the articles of bridges"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing says where to write the result"),
        (["--reader", "overlap"], "nothing says where to write the result"),
        (["--embedder", "hashing", "--reader", "overlap", "--out", "f.json"], "at least 30 are needed"),
        (["--out", "f.json", "--sample", "0"], "--sample must be 1 or more"),
    ],
)
def test_what_cannot_be_calibrated_is_said(
    words: list[str], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = questions(tmp_path / "few.json", articles=4, each=3)
    assert cli.main(["calibrate", str(data), *words]) == 2
    assert message in capfd.readouterr().err
    assert not (tmp_path / "f.json").exists()


def test_calibrating_imports_neither_torch_nor_scikit_learn() -> None:
    script = "import sys, askdoc.evaluation.calibrate; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"torch", "sklearn", "scipy", "askdoc.training"} & set(done.stdout.split())
