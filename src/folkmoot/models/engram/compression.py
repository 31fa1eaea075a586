"""A tokenizer whose tokens are merged where they read the same: case, accents, blanks aside."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from folkmoot.core.errors import DataError, EnvironmentProblem
from folkmoot.core.extras import get_extra

Ints = npt.NDArray[np.int64]

LONE_SPACE = "\ue000"
"""Stands for a token that is one space while blanks are stripped."""
UNREADABLE = "\ufffd"
"""What a token that is no whole character decodes to."""


class CompressedTokenizer:
    """Map raw token ids of a user's `tokenizer.json` to ids of what they read as.

    A token is decoded and normalised: NFKC, NFD, accents stripped, lower case, runs of blanks to
    one space, stripped, but a lone space kept. Tokens of the same text share an id, in the order of
    first appearance. A token that decodes to U+FFFD is keyed by itself, one whose normal form is
    empty by its text. `path`: the file, or its folder. Source: the script of arXiv 2601.07372.

    Raises `DataError` where there is no such file, `EnvironmentProblem` without `tokenizers`.
    """

    def __init__(self, path: str | Path) -> None:
        self.tokenizer = _read(Path(path))
        self.lookup_table, self.num_new_token = self._merge()

    def __len__(self) -> int:
        return self.num_new_token

    def __call__(self, ids: Any) -> Ints:
        """Return the compressed ids of raw `ids` of any shape; negative ones are kept."""
        raw = np.asarray(ids, dtype=np.int64)
        if raw.size and int(raw.max()) >= len(self.lookup_table):
            raise DataError(
                f"token {int(raw.max())}",
                where="CompressedTokenizer",
                allowed=f"below {len(self.lookup_table)}",
            )
        return np.where(raw >= 0, self.lookup_table[np.maximum(raw, 0)], raw)

    def encode(self, text: str) -> list[int]:
        """Return the raw ids of a text."""
        ids: list[int] = self.tokenizer.encode(text).ids
        return ids

    def decode(self, ids: Any) -> str:
        """Return the text of raw ids."""
        text: str = self.tokenizer.decode([int(i) for i in ids], skip_special_tokens=True)
        return text

    def _merge(self) -> tuple[Ints, int]:
        normaliser = _normaliser()
        found: dict[str, int] = {}
        size = self.tokenizer.get_vocab_size(with_added_tokens=True)
        lookup = np.empty(size, dtype=np.int64)
        for raw in range(size):
            text = self.tokenizer.decode([raw], skip_special_tokens=False)
            if UNREADABLE in text:
                key = self.tokenizer.id_to_token(raw)
            else:
                key = normaliser.normalize_str(text) or text
            lookup[raw] = found.setdefault(key, len(found))
        return lookup, len(found)


def _read(path: Path) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as problem:
        raise EnvironmentProblem(
            "tokenizers is not installed", where="CompressedTokenizer", allowed=get_extra("llm")
        ) from problem
    file = path / "tokenizer.json" if path.is_dir() else path
    if not file.is_file():
        raise DataError(f"no file {file}", where="CompressedTokenizer", allowed="a tokenizer.json")
    return Tokenizer.from_str(file.read_text(encoding="utf-8"))


def _normaliser() -> Any:
    from tokenizers import Regex, normalizers

    return normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.NFD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"[ \t\r\n]+"), " "),
            normalizers.Replace(Regex(r"^ $"), LONE_SPACE),
            normalizers.Strip(),
            normalizers.Replace(LONE_SPACE, " "),
        ]
    )
