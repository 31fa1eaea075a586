import numpy as np
import pytest

from folkmoot.core.errors import DataError
from folkmoot.models.engram.hashing import Codebook, hash_ngrams, multipliers, table_sizes

RELEASED = table_sizes(((2, 646_400), (3, 646_400)), 8, (1, 15))

# What the released script's formulas give, written out once in plain numpy, for |V'| = 1000.
FACTORS = {
    1: [7593627661414631, 479593001838623, 3563315849468963],
    15: [2865651367968763, 5551170510236881, 5343936160617101],
}
TOKENS = [5, 999, 0, 17, 5, 999]
FIRST_OF_TWO = [203567, 7307, 104607, 167691, 415297, 7307]
LAST_OF_TWO = [322868, 321719, 210677, 248451, 467813, 321719]
FIRST_OF_THREE = [435964, 516001, 217379, 527518, 79266, 391937]
LAST_OF_THREE = [153998, 403565, 212060, 25452, 109592, 639519]


def test_the_primes_are_those_of_the_released_script() -> None:
    two, three = RELEASED[1][2], RELEASED[1][3]
    assert two == (646403, 646411, 646421, 646423, 646433, 646453, 646519, 646523)
    assert three == (646537, 646543, 646549, 646571, 646573, 646577, 646609, 646619)
    assert RELEASED[15][3][-1] == 646879


def test_no_prime_is_used_twice_and_the_rows_add_up() -> None:
    every = [p for layer in RELEASED.values() for primes in layer.values() for p in primes]
    assert len(set(every)) == len(every) == 32
    assert sum(every) == 20_692_406


@pytest.mark.parametrize("layer", [1, 15])
def test_the_multipliers_are_those_of_the_released_script(layer: int) -> None:
    assert multipliers(layer, 1000, 3).tolist() == FACTORS[layer]


def test_the_hashes_are_those_of_the_released_script() -> None:
    rows = hash_ngrams([TOKENS], 2, multipliers(1, 1000, 3), RELEASED[1])[0]
    assert rows.shape == (6, 16)
    assert rows[:, 0].tolist() == FIRST_OF_TWO
    assert rows[:, 7].tolist() == LAST_OF_TWO
    assert rows[:, 8].tolist() == FIRST_OF_THREE
    assert rows[:, 15].tolist() == LAST_OF_THREE


def test_products_stay_below_two_to_the_63() -> None:
    for vocabulary in (3, 191, 129_280):
        assert all(int(m) * (vocabulary - 1) < 2**63 for m in multipliers(7, vocabulary, 9))


def test_a_negative_token_is_refused() -> None:
    with pytest.raises(DataError, match="token -1"):
        hash_ngrams([[0, -1]], 0, multipliers(0, 10, 2), {2: (11,)})


def test_exact_orders_have_no_collision() -> None:
    tokens = np.random.default_rng(0).integers(0, 20, 3000)
    codes = Codebook(20, (1, 2)).codes(tokens)
    pairs = set(zip(tokens[:-1].tolist(), tokens[1:].tolist(), strict=True))
    assert len(np.unique(codes[1:, 2])) == len(pairs)


def test_codes_stay_within_their_tables() -> None:
    tokens = np.random.default_rng(0).integers(0, 20, 3000)
    kept = {2: np.arange(0, 400, 3), 3: np.arange(0, 8000, 7)}
    book = Codebook(20, (1, 2, 3), kept=kept)
    codes = book.codes(tokens)
    assert codes.shape == (3000, book.width)
    assert codes[:, 2].max() == book.exact_rows(2) - 1 == len(kept[2])
    assert codes[:, 3:7].max() == book.hashed_rows(0) - 1
    assert codes.min() >= 0


def test_unknown_ngrams_ask_for_the_last_row_and_known_ones_for_their_own() -> None:
    tokens = np.array([1, 2, 3, 1, 2, 4])
    book = Codebook(5, (2, 3), layers=1, kept={2: np.array([1 * 5 + 2]), 3: np.array([38])})
    codes = book.codes(tokens)
    assert codes[:, 1].tolist() == [1, 0, 1, 1, 0, 1]
    assert (codes[:, 2] == book.hashed_rows(0) - 1).tolist() == [True, True, False, *[True] * 3]


def test_a_code_depends_on_the_last_tokens_alone() -> None:
    tokens = np.random.default_rng(0).integers(0, 20, 300)
    book = Codebook(20, (1, 2, 3, 4))
    np.testing.assert_array_equal(book.codes(tokens[100:])[3:], book.codes(tokens)[103:])
