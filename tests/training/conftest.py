from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor, nn
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel

from askdoc.models.words import TextTokenizer
from askdoc.training.batches import load_tokenizer

WORDS = (
    "the a of in was is who when where what did by built finished mill bridge ashford thomas reed margaret doyle 1784"
    " 1801 old new stone quarry near wexham and then it from came its ##s ##ing . ? , !"
)
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Threads that wait for one another cost more than these small tensors, above all on a busy machine."""
    torch.set_num_threads(1)


def word_pieces(special: str, words: str, pair: str) -> Tokenizer:
    """A tiny WordPiece tokenizer that cuts and lower-cases like BERT's. special: pad, unknown, begin, end."""
    pieces = {piece: number for number, piece in enumerate([*special.split(), *words.split()])}
    _, unknown, begin, end = special.split()
    made = Tokenizer(models.WordPiece(pieces, unk_token=unknown))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    frame = [(piece, pieces[piece]) for piece in (begin, end)]
    made.post_processor = processors.TemplateProcessing(single=f"{begin} $A {end}", pair=pair, special_tokens=frame)
    return made


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two thin layers with random weights, and its tokenizer."""
    folder = tmp_path_factory.mktemp("bert")
    tokenizer = word_pieces("[PAD] [UNK] [CLS] [SEP]", WORDS, "[CLS] $A [SEP] $B:1 [SEP]:1")
    torch.manual_seed(0)
    config = BertConfig(vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=384, **SIZES)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="session")
def mpnet_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MPNet of two thin layers with random weights, whose tokenizer cuts names and years into parts."""
    folder = tmp_path_factory.mktemp("mpnet")
    parts = "the a was who mill built by it . ? in thom ##as re ##ed marg ##aret doy ##le 17 ##84 18 ##01 old new"
    tokenizer = word_pieces("<pad> [UNK] <s> </s>", parts, "<s> $A </s> </s> $B </s>")
    torch.manual_seed(1)
    config = MPNetConfig(vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=64, pad_token_id=0, **SIZES)
    MPNetModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="session")
def tokenizer(encoder_folder: Path) -> TextTokenizer:
    """The BERT's tokenizer: most words of the tests are one token."""
    return load_tokenizer(encoder_folder)


@pytest.fixture(scope="session")
def their_tokenizer(mpnet_folder: Path) -> TextTokenizer:
    """The MPNet's tokenizer."""
    return load_tokenizer(mpnet_folder)


@dataclass
class Output:
    start_logits: Tensor
    end_logits: Tensor


class Pointer(nn.Module):
    """A reader that points at the tokens `first` and `last`, and at position 0 where the question has no `who`."""

    def __init__(self, tokenizer: TextTokenizer, first: str, last: str) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))
        self.first, self.last, self.who = (
            tokenizer.tokens(word).ids[at] for word, at in ((first, 0), (last, -1), ("who", 0))
        )

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Output:
        start, end = (input_ids == self.first) * 5.0, (input_ids == self.last) * 5.0
        start[:, 0] = end[:, 0] = torch.where((input_ids == self.who).any(dim=1), 0.0, 9.0)
        padding = attention_mask == 0
        return Output(start.masked_fill(padding, -1e4), end.masked_fill(padding, -1e4))


@pytest.fixture
def pointer(tokenizer: TextTokenizer) -> nn.Module:
    """A reader that needs no training and says Thomas Reed."""
    return Pointer(tokenizer, "thomas", "reed")


@pytest.fixture
def their_pointer(their_tokenizer: TextTokenizer) -> nn.Module:
    """The same on the tokens of the MPNet, where it points at parts of the names."""
    return Pointer(their_tokenizer, "thomas", "reed")
