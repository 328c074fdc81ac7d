"""askdoc answers questions from a person's own documents, offline, on a CPU; every answer is a cited quotation.

    import askdoc

    reply = askdoc.open_index("index").ask("what did the US offer?")
    for answer in reply.answers:
        print(answer.text, answer.confidence, answer.citation)

    askdoc.index(["papers"], "index")        # build an index, or update it

Data flows one way, and a later type holds the earlier one (see `askdoc.types`):

    files ─sources→ loaders→ Document ─passages→ Passage ─embedders→ vectors ─stores→ index/  build.py tells this story
    question ─embedders→ Query ─stores→ rankings ─retrieval→ Hit ─readers→ Reading            ask.py tells this story
                                                                           ─answering→ Answer → Reply
    saved Reply ─loaders→ Document ─passages→ Citation, then and now                          verify.py tells this story
                                        Reply ─outputs→ terminal · json · jsonl · markdown    cli · Python

Imports point one way too; the contracts are in pyproject.toml.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from askdoc.ask import Index, open_index
    from askdoc.build import BuildReport, index
    from askdoc.errors import AskdocError
    from askdoc.types import Answer, Citation, Hit, Passage, Reply

__version__ = "0.1.0"

__all__ = [
    "Answer", "AskdocError", "BuildReport", "Citation", "Hit", "Index", "Passage", "Reply", "index", "open_index",
]  # fmt: skip

_HOMES = {
    "Answer": "types", "AskdocError": "errors", "BuildReport": "build", "Citation": "types", "Hit": "types",
    "Index": "ask", "Passage": "types", "Reply": "types", "index": "build", "open_index": "ask",
}  # fmt: skip


def __getattr__(name: str) -> Any:  # PEP 562: `import askdoc` itself loads nothing heavy
    if name not in _HOMES:
        raise AttributeError(f"module 'askdoc' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"askdoc.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
