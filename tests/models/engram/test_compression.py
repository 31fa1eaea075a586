from pathlib import Path

import numpy as np
import pytest

from folkmoot.core.errors import DataError
from folkmoot.models.engram import CompressedTokenizer

WORDS = [
    "[UNK]",
    "[PAD]",
    "Cafe",
    "café",
    "CAFÉ",
    " ",
    "\t",
    "ﬁn",
    "fin",
    " fin ",
    "́",
    "x  y",
    "x y",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    tokenizers = pytest.importorskip("tokenizers", reason="needs the extra llm")
    model = tokenizers.models.WordLevel({word: k for k, word in enumerate(WORDS)}, "[UNK]")
    tokenizers.Tokenizer(model).save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def merged(path: Path) -> dict[str, int]:
    tokenizer = CompressedTokenizer(path)
    return dict(zip(WORDS, tokenizer.lookup_table.tolist(), strict=True))


def test_tokens_that_read_the_same_share_an_id(path: Path) -> None:
    ids = merged(path)
    assert ids["Cafe"] == ids["café"] == ids["CAFÉ"]
    assert ids["ﬁn"] == ids["fin"] == ids[" fin "]
    assert ids["x  y"] == ids["x y"]
    assert ids["Cafe"] != ids["fin"]


def test_a_lone_blank_is_kept_and_an_empty_form_falls_back_to_the_text(path: Path) -> None:
    ids = merged(path)
    assert ids[" "] == ids["\t"]
    assert ids["́"] not in {ids[" "], ids["fin"], ids["Cafe"]}


def test_ids_are_given_in_the_order_of_first_appearance(path: Path) -> None:
    tokenizer = CompressedTokenizer(path / "tokenizer.json")
    assert tokenizer.lookup_table[0] == 0
    assert np.unique(tokenizer.lookup_table).tolist() == list(range(len(tokenizer)))
    assert len(tokenizer) == 7


def test_a_token_that_is_no_whole_character_is_keyed_by_itself(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers", reason="needs the extra llm")
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    raw = tokenizers.Tokenizer(tokenizers.models.BPE({c: k for k, c in enumerate(alphabet)}, []))
    raw.decoder = tokenizers.decoders.ByteLevel()
    raw.save(str(tmp_path / "tokenizer.json"))
    found = CompressedTokenizer(tmp_path)
    broken = [k for k in range(256) if "\ufffd" in raw.decode([k], skip_special_tokens=False)]
    assert len(broken) == 128
    assert len(set(found.lookup_table[broken].tolist())) == 128
    # 26 capitals read as their small letters, and four blanks as one.
    assert len(found) == 256 - 26 - 3


def test_compression_keeps_negative_ids_and_refuses_unknown_ones(path: Path) -> None:
    tokenizer = CompressedTokenizer(path)
    assert tokenizer([[2, -1]]).tolist() == [[tokenizer.lookup_table[2], -1]]
    with pytest.raises(DataError, match="token 99"):
        tokenizer([99])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers", reason="needs the extra llm")
    with pytest.raises(DataError, match=r"tokenizer\.json"):
        CompressedTokenizer(tmp_path)
