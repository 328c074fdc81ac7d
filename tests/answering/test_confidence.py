"""The evidence for an answer → a probability."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest

from askdoc.answering.confidence import UNFITTED, Calibration, Evidence, gap, sigmoid
from askdoc.models.bundle import BUNDLED, bundled
from askdoc.readers.question_type import KINDS, kind_of

EVIDENCE = Evidence(
    null_margin=2.0, runner_up_margin=1.0, best_null_margin=3.0, fused=0.8, dense=0.5, lexical=2.0, gap=0.1,
    agreement=1.0, words=3, kind="who",
)  # fmt: skip


def test_a_probability_is_the_logistic_function_of_the_weighted_evidence() -> None:
    fitted = Calibration(-1.0, {"null_margin": 0.5, "words": 2.0, "kind_who": 0.25, "kind_why": 9.0}, 0.5)
    expected = -1.0 + 0.5 * 2.0 + 2.0 * math.log(4) + 0.25
    assert fitted.probability(EVIDENCE) == pytest.approx(1 / (1 + math.exp(-expected)))


def test_more_for_an_answer_never_makes_it_less_likely_without_a_model() -> None:
    rising = [
        UNFITTED.probability(dataclasses.replace(EVIDENCE, null_margin=float(margin))) for margin in range(-20, 21)
    ]
    assert rising == sorted(rising)
    assert UNFITTED.probability(dataclasses.replace(EVIDENCE, null_margin=0.0)) == 0.5


def test_a_probability_stays_inside_its_bounds_whatever_the_evidence() -> None:
    for margin in (-1e9, 1e9):
        wild = dataclasses.replace(
            EVIDENCE, null_margin=margin, best_null_margin=margin, runner_up_margin=margin, words=10**6
        )
        assert 0.0 < UNFITTED.probability(wild) < 1.0
    assert (sigmoid(-1e9), sigmoid(0.0), sigmoid(1e9)) == (0.0, 0.5, 1.0)


def test_the_bundled_model_was_fitted_for_the_bundled_reader_and_weighs_only_what_is_known() -> None:
    fitted = json.loads((BUNDLED / "fitted.json").read_text(encoding="utf-8"))["confidence"]
    assert set(Calibration.from_dict(fitted).coefficients) <= set(EVIDENCE.features())
    assert fitted["reader"] == bundled("reader").fingerprint, "fit again: python -m askdoc.training.confidence"
    assert 0.0 < Calibration.from_dict(fitted).threshold < 1.0


def test_a_model_with_the_earlier_names_of_features_is_read() -> None:
    earlier = {"margin": 0.5, "lead": 0.25, "best_margin": 2.0, "words": 1.0}
    data = {"intercept": 0, "coefficients": earlier, "threshold": 0.5, "curve": []}
    assert Calibration.from_dict(data).coefficients == {
        "null_margin": 0.5, "runner_up_margin": 0.25, "best_null_margin": 2.0, "words": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many prisoners were released?", "many"),
        ("How old is Keith Kellogg?", "many"),
        ("Who is Trump's envoy?", "who"),
        ("To whom did it belong?", "who"),
        ("Since when has he ruled?", "when"),
        ("In what year did it burn?", "when"),
        ("Where did he speak?", "where"),
        ("In which city was he born?", "where"),
        ("Why did they leave?", "why"),
        ("How does it work?", "how"),
        ("Which missiles are meant?", "which"),
        ("what did the US offer?", "what"),
        ("Name the airline.", "other"),
        ("Show me the whole story", "other"),
        ("", "other"),
    ],
)
def test_a_question_has_a_kind(question: str, kind: str) -> None:
    assert kind_of(question) == kind
    assert kind in {*KINDS, "other"}


def test_exactly_one_kind_is_a_feature() -> None:
    for kind in KINDS:
        features = dataclasses.replace(EVIDENCE, kind=kind).features()
        assert [name for name in features if name.startswith("kind_") and features[name]] == [f"kind_{kind}"]


def test_a_gap_is_the_distance_to_the_best_of_the_others() -> None:
    assert gap([3.0, 1.0, 2.5], 0) == 0.5
    assert gap([3.0, 1.0, 2.5], 1) == -2.0
    assert gap([3.0], 0) == 0.0
