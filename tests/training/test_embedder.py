import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from tokenizers import Tokenizer, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from askdoc.training.embedder import Run, Settings, hits
from askdoc.training.pairs import Pair, pair_set

SETTINGS = Settings(tokens=3000, batch=4, length=32, rate=5e-3, warmup_tokens=300, average=0.9)
PLACES = ("ashford", "wexham", "quarry", "bridge", "mill", "stone")
PEOPLE = ("thomas reed", "margaret doyle", "thomas doyle", "margaret reed")
PAIRS = [Pair(f"who built the {place} in 1784?", f"the old {place} was built by {who}")
         for place, who in zip(PLACES, (*PEOPLE, *PEOPLE), strict=False)]  # fmt: skip


@pytest.fixture(scope="session")
def embedder_folder(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    """A sentence-transformers model of two thin layers with random weights."""
    folder = tmp_path_factory.mktemp("embedder")
    cased = Tokenizer.from_str(tokenizer.to_str())
    cased.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=cased.get_vocab_size(), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder / "bert")
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=cased, **names).save_pretrained(folder / "bert")
    bert = Transformer(str(folder / "bert"))
    made = SentenceTransformer(modules=[bert, Pooling(bert.get_embedding_dimension()), Normalize()], device="cpu")
    made.save(str(folder / "model"), create_model_card=False)
    return folder / "model"


@pytest.fixture
def begin(tmp_path: Path, embedder_folder: Path) -> Callable[..., Run]:
    def make(name: str = "run", settings: Settings = SETTINGS) -> Run:
        return Run(tmp_path / name, embedder_folder, [(pair_set("tiny", PAIRS), 9)], PAIRS, settings)

    return make


def lines(run: Run, kind: str) -> list[dict[str, float]]:
    read = [json.loads(line) for line in (run.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [line for line in read if line["kind"] == kind]


def test_training_learns_to_find_the_passages_and_leaves_a_model_that_does(
    begin: Callable[..., Run], embedder_folder: Path
) -> None:
    run = begin(settings=replace(SETTINGS, tokens=6000, rate=5e-3))
    before = hits(run.embedder, PAIRS)
    run.train(checkpoint_seconds=1e9, log_every=1)
    losses = [line["loss"] for line in lines(run, "train")]
    assert np.mean(losses[-10:]) < 0.75 * np.mean(losses[:10])
    assert lines(run, "dev")[-1]["hit@1"] == 100.0 > before["hit@1"]
    model = SentenceTransformer(str(run.folder / "newest"), device="cpu")
    scores = model.encode([pair.question for pair in PAIRS]) @ model.encode([pair.passage for pair in PAIRS]).T
    assert (scores.argmax(axis=1) == np.arange(len(PAIRS))).all(), "in 32 bits and in the saved form too"
    original = SentenceTransformer(str(embedder_folder), device="cpu").state_dict()
    (words,) = (name for name in original if name.endswith("word_embeddings.weight"))
    assert torch.equal(model.state_dict()[words], original[words]), "word embeddings stay as they were"


def test_a_stopped_run_goes_on_where_it_was(begin: Callable[..., Run]) -> None:
    short = replace(SETTINGS, tokens=800)
    whole = begin("whole", short)
    whole.train(checkpoint_seconds=1e9, log_every=1)
    first = begin("parts", short)
    step = first.weights.step

    def stop_at_third(*, rate: float, number: int) -> float:
        if number == 2:
            first.stop()
        return step(rate=rate, number=number)

    first.weights.step = stop_at_third  # type: ignore[method-assign]
    first.train(checkpoint_seconds=1e9, log_every=1)
    assert first.progress.steps == 3
    begin("parts", short).train(checkpoint_seconds=1e9, log_every=1)
    read = {run.folder.name: [line["loss"] for line in lines(run, "train")] for run in (whole, first)}
    assert read["parts"] == pytest.approx(read["whole"], rel=1e-3)


def test_a_run_with_nothing_left_to_do_only_scores(begin: Callable[..., Run]) -> None:
    run = begin(settings=replace(SETTINGS, tokens=0))
    run.train(checkpoint_seconds=1e9, log_every=1)
    assert run.progress.steps == 0
    assert set(lines(run, "dev")[0]) >= {"hit@1", "hit@5", "hit@20"}
