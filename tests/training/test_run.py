import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from askdoc.evaluation.squad import Dataset, Gold, Paragraph, Question
from askdoc.training.batches import load_tokenizer
from askdoc.training.mixture import Share, source
from askdoc.training.network import load_layers, load_model, save_layers
from askdoc.training.run import Run, Settings, wait_while
from askdoc.training.schedule import Progress, learning_rate, with_rate, with_total
from askdoc.training.stream import Stream

SETTINGS = Settings(tokens=2000, batch_tokens=128, length=48, rate=1e-2, warmup_tokens=300)
OFTEN: dict[str, Any] = {"checkpoint_seconds": 1e9, "score_seconds": 1e9, "log_every": 1}


def dataset(questions: int) -> Dataset:
    paragraphs, asked = [], []
    for number in range(questions):
        name = ("Thomas Reed", "Margaret Doyle")[number % 2]
        text = (
            f"The {('old', 'new', 'stone')[number % 3]} mill in Ashford was built by {name} . "
            + "It was near . " * (number % 5)
        )
        paragraphs.append(Paragraph("Ashford", text))
        asked.append(Question(str(number), "Who built the mill ?", number, (Gold(name, text.index(name)),)))
    return Dataset("tiny", tuple(paragraphs), tuple(asked))


@pytest.fixture
def begin(tmp_path: Path, encoder_folder: Path) -> Callable[..., Run]:
    tiny = dataset(40)

    def make(
        name: str = "run", settings: Settings = SETTINGS, questions: int | None = None, start: Path | None = None
    ) -> Run:
        share = Share("tiny", questions, 0.0)
        tokenizer = load_tokenizer(encoder_folder)
        stream = Stream([source(tiny, share)], tokenizer, settings.batch_tokens, settings.length, seed=1)
        dev = [replace(tiny, questions=tiny.questions[:8])]
        return Run(tmp_path / name, encoder_folder, start, stream, dev, settings)

    return make


def log(run: Run, kind: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in (run.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["kind"] == kind]


def stop_after(run: Run, steps: int) -> None:
    """Stop the run as a signal would, during its step of this number."""
    step = run.weights.step

    def counted(*, rate: float, number: int) -> float:
        if number + 1 == steps:
            run.stop()
        return step(rate=rate, number=number)

    run.weights.step = counted  # type: ignore[method-assign]


def test_a_stopped_run_goes_on_as_if_it_had_not_been(begin: Callable[..., Run]) -> None:
    whole = begin("whole")
    whole.train(**OFTEN)
    first = begin("parts")
    stop_after(first, 5)
    first.train(**OFTEN)
    assert first.progress.steps == 5
    second = begin("parts")
    second.train(**OFTEN)
    assert second.progress == whole.progress
    assert second.progress.place.round > 0  # it went through more than one round
    for name, value in whole.weights.average.items():
        assert torch.equal(value, second.weights.average[name]), name
        assert torch.equal(whole.weights.master[name], second.weights.master[name]), name
    assert [line["loss"] for line in log(whole, "train")] == [line["loss"] for line in log(second, "train")]


def test_a_checkpoint_is_stored_without_scoring(begin: Callable[..., Run]) -> None:
    first = begin()
    stop_after(first, 3)
    places = []
    store = first._store

    def counted() -> None:
        places.append(first.progress.place)
        store()

    first._store = counted  # type: ignore[method-assign]
    first.train(checkpoint_seconds=0.0, score_seconds=1e9, log_every=1)
    assert len(places) == 4, "one a step, and one at the end"
    assert log(first, "dev") == []
    assert not (first.folder / "newest").exists()
    second = begin()
    assert second.progress == first.progress
    assert second.progress.place == places[-1]


def test_scores_come_in_their_own_time(begin: Callable[..., Run]) -> None:
    run = begin()
    stop_after(run, 3)
    run.train(checkpoint_seconds=1e9, score_seconds=0.0, log_every=1)
    assert [line["steps"] for line in log(run, "dev")] == [1, 2, 3]
    assert log(run, "dev")[0].keys() >= {"mean", "tiny"}


def test_training_learns(begin: Callable[..., Run]) -> None:
    run = begin(settings=replace(SETTINGS, tokens=7_000, dropout=0.0))
    run.train(**OFTEN)
    losses = [float(str(line["loss"])) for line in log(run, "train")]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_the_stored_reader_is_the_moving_average(begin: Callable[..., Run]) -> None:
    run = begin()
    run.train(**OFTEN)
    for folder in ("newest", "best"):
        stored = load_layers(run.folder / folder)
        for name, value in run.weights.average.items():
            assert torch.equal(stored[name], value), name
    made = json.loads((run.folder / "newest" / "run.json").read_text(encoding="utf-8"))
    assert made["tokens"] == run.progress.tokens
    assert made["dev"]["tiny"]["questions"] == 8


def test_a_run_begins_at_a_reader_s_weights(begin: Callable[..., Run], encoder_folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(7)
    save_layers(load_model(encoder_folder), tmp_path / "start")
    head = load_layers(tmp_path / "start")["qa_outputs.weight"]
    assert torch.equal(begin(start=tmp_path / "start").weights.master["qa_outputs.weight"], head)
    assert not torch.equal(begin().weights.master["qa_outputs.weight"], head)


def test_what_is_not_trained_stays_as_it_was(begin: Callable[..., Run], encoder_folder: Path) -> None:
    run = begin(settings=replace(SETTINGS, frozen=1))
    run.train(**OFTEN)
    before, stored = load_model(encoder_folder).state_dict(), load_layers(run.folder / "newest")
    changed = {name for name, value in stored.items() if not torch.equal(value, before[name])}
    assert changed == {name for name in stored if "layer.1." in name or "qa_outputs" in name}


def test_another_mixture_begins_with_the_next_round(begin: Callable[..., Run]) -> None:
    run = begin()
    stop_after(run, 2)
    run.train(**OFTEN)
    assert begin().progress.place.batch == 2
    other = begin(questions=30)
    assert (other.progress.place.round, other.progress.place.batch) == (1, 0)


def test_a_pause_file_holds_the_run(begin: Callable[..., Run], tmp_path: Path) -> None:
    pause = tmp_path / "PAUSE"
    pause.touch()
    run = begin()
    thread = threading.Thread(target=run.train, kwargs={**OFTEN, "pause": pause})
    thread.start()
    time.sleep(0.3)
    assert run.progress.steps == 0
    run.stop()
    pause.unlink()
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert run.progress.steps == 0


def test_waiting_takes_no_time_without_the_file(tmp_path: Path) -> None:
    assert wait_while(None) < 0.1
    assert wait_while(tmp_path / "PAUSE") < 0.1


def test_the_rate_rises_then_falls_to_zero() -> None:
    progress = Progress(total_tokens=1000, anchor_tokens=0, anchor_rate=1.0)
    rates = [learning_rate(replace(progress, tokens=tokens), warmup_tokens=100) for tokens in range(0, 1001, 50)]
    top = rates.index(max(rates))
    assert 0.85 < rates[top] < 1.0
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] == 0.0


@pytest.mark.parametrize("total", [600, 5000])
def test_another_total_bends_the_rate_without_a_jump(total: int) -> None:
    before = Progress(total_tokens=1000, anchor_tokens=0, anchor_rate=1.0, tokens=500)
    after = with_total(before, total)
    assert learning_rate(after, 0) == learning_rate(before, 0) == 0.5
    assert learning_rate(replace(after, tokens=total), 0) == 0.0
    assert with_total(before, 1000) == before


def test_a_run_that_is_done_can_go_on_at_a_new_rate() -> None:
    done = Progress(total_tokens=1000, anchor_tokens=0, anchor_rate=1.0, tokens=1000)
    longer = with_rate(with_total(done, 3000), 0.2)
    assert learning_rate(longer, 0) == 0.2
    assert learning_rate(replace(longer, tokens=2000), 0) == pytest.approx(0.1)
