"""Which tests `tests/check fast` does without."""

from __future__ import annotations

from pathlib import Path

from programs import ROOT

TESTS = ROOT / "tests"
# Suites that start many processes, load PyTorch or the models again and again, or try thousands of inputs. A folder, a
# file, or a file and, after a bracket, a part of the names of its slow tests.
SLOW = (
    "formats", "laws", "models", "quality", "training",
    "cli/test_bad_input.py", "cli/test_startup.py", "cli/test_watch.py",
    "contracts/test_embedders.py[sentence-transformers", "contracts/test_loaders.py[no_bytes",
    "contracts/test_readers.py[askdoc-reader", "contracts/test_verify_formats.py",
    "evaluation/test_calibrate.py[the_command_fits", "stores/test_store.py[older_format",
    "stores/test_rankings.py[nothing_is_written", "evaluation/test_eval_command.py[plot",
    "loaders/test_formats_text.py[repetition_and_nesting", "loaders/test_hostile_files.py", "loaders/test_isolation.py",
    "sources/test_freshness.py[cannot_be_", "contracts/test_embedders.py[different_fingerprints",
    "stores/test_checkpoints.py", "stores/test_dense.py[packing_holds", "stores/test_dense.py[the_same_passages",
    "stores/test_store.py[damage_to_any_file", "stores/test_store.py[full_disk", "stores/test_store.py[kill",
    "stores/test_store.py[may_not_be_written", "stores/test_words.py[every_word",
    "stories/test_ask.py[another_script", "stories/test_parity.py", "stories/test_readme.py",
    "stories/test_seed_index.py", "stories/test_threads.py", "stories/test_verify.py", "stories/test_whole.py",
)  # fmt: skip


def is_slow(path: Path, name: str) -> bool:
    """Whether a test is on the list."""
    inside = path.relative_to(TESTS).as_posix() if path.is_relative_to(TESTS) else ""
    places = (slow.partition("[") for slow in SLOW)
    return any((inside == place or inside.startswith(f"{place}/")) and part in name for place, _, part in places)
