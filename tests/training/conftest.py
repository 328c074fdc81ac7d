from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from torch import Tensor, nn
from transformers import BertConfig, BertForQuestionAnswering

WORDS = (
    "the a of in was is who when where what did by built finished mill bridge ashford thomas reed margaret doyle 1784"
    " 1801 old new stone quarry near wexham and then it from came its ##s ##ing . ? , !"
)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Threads that wait for one another cost more than these small tensors, above all on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """A tiny WordPiece tokenizer that cuts and lower-cases like BERT's."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS.split()]
    numbers = {word: number for number, word in enumerate(vocabulary)}
    made = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))  # noqa: S106  # a word piece, no password
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    """A reader of two thin layers with random weights."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=384,
    )
    BertForQuestionAnswering(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@dataclass
class Output:
    start_logits: Tensor
    end_logits: Tensor


class Pointer(nn.Module):
    """A reader that points at the tokens `thomas` and `reed`, and at [CLS] where the question has no `who`."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))
        self.ids = [tokenizer.token_to_id(word) or 0 for word in ("thomas", "reed", "who")]

    def forward(self, input_ids: Tensor, token_type_ids: Tensor, attention_mask: Tensor) -> Output:
        first, last, who = self.ids
        start, end = torch.eq(input_ids, first) * 5.0, torch.eq(input_ids, last) * 5.0
        start[:, 0] = end[:, 0] = torch.where(torch.eq(input_ids, who).any(dim=1), 0.0, 9.0)
        return Output(start, end)


@pytest.fixture
def pointer(tokenizer: Tokenizer) -> nn.Module:
    """A reader that needs no training."""
    return Pointer(tokenizer)
