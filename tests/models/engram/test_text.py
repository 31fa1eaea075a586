"""The text Engram at its documented size, without memory, and at a small one, at work."""

import math
from collections.abc import Iterator

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra neural")

from folkmoot.core.errors import UsageError  # noqa: E402
from folkmoot.models.engram import BackBoneConfig, EngramConfig, TextEngram  # noqa: E402
from folkmoot.models.engram.hashing import hash_ngrams, multipliers, offsets  # noqa: E402

SMALL = EngramConfig(
    engram_vocab_size=[397, 997],
    n_embed_per_ngram=16,
    n_head_per_ngram=2,
    layer_ids=[1],
    pad_id=0,
)
BACKBONE = BackBoneConfig(hidden_size=32, hc_mult=2, vocab_size=20, num_layers=2, num_heads=2)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def small() -> TextEngram:
    torch.manual_seed(1)
    network = TextEngram(SMALL, BACKBONE, lookup=np.minimum(np.arange(20), 15))
    torch.nn.init.normal_(network.memories["1"].conv.weight, std=0.1)
    return network.eval()


def sentences(rows: int, steps: int, seed: int) -> torch.Tensor:
    """Return a grammar's text: every second word is the sum of the two before it, modulo 20."""
    rng = np.random.default_rng(seed)
    text = rng.integers(0, 20, (rows, steps))
    for t in range(2, steps, 2):
        text[:, t] = (text[:, t - 1] + text[:, t - 2]) % 20
    return torch.from_numpy(text)


def test_the_documented_size_is_1_324_313_984_numbers_of_tables() -> None:
    with torch.device("meta"):
        network = TextEngram()
    counts = network.count()
    assert counts["tables"] == 1_324_313_984
    assert counts["dense"] == 2 * 5_276_672
    # Two embeddings, 30 blocks of attention, feed-forward, norms and connections, the last norm.
    connections = 4096 + 4096 * (4 + 4 + 16) + 3 + 4 + 4 + 16
    block = 4 * 1024**2 + 3 * 1024 * 2752 + 2 * 1024 + 2 * connections
    assert counts["backbone"] == 2 * 129_280 * 1024 + 30 * block + 1024 == 650_426_964
    assert sum(counts.values()) == 1_985_294_292


def test_the_networks_hash_is_the_one_of_the_arrays() -> None:
    network = small()
    ids = sentences(3, 12, 0)
    merged = network.lookup[ids].numpy()
    hash_layer = network.hashes["1"]
    rows = hash_ngrams(merged, network.pad, multipliers(1, 16, 3), hash_layer.sizes)
    found = hash_layer(network._before(ids)).numpy()
    np.testing.assert_array_equal(found, rows + offsets(hash_layer.sizes))


def test_the_future_changes_no_past_logit() -> None:
    network = small()
    ids = sentences(2, 24, 0)
    other = ids.clone()
    other[:, 15:] = (other[:, 15:] + 7) % 20
    with torch.inference_mode():
        before, after = network(ids), network(other)
    assert torch.equal(before[:, :15], after[:, :15])
    assert not torch.equal(before[:, 15:], after[:, 15:])


def test_generation_with_caches_is_generation_without() -> None:
    network = small()
    ids = sentences(2, 6, 0)
    written = network.generate(ids, 10)
    again = ids
    with torch.inference_mode():
        for _ in range(10):
            again = torch.cat((again, network(again)[:, -1].argmax(1, keepdim=True)), dim=1)
    assert torch.equal(written, again)
    drawn = [network.generate(ids, 10, temperature=1.0, seed=seed) for seed in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_a_grammar_is_learnt_below_the_entropy_of_its_words() -> None:
    network = small().train()
    text_entropy = math.log(20)
    groups = [{"params": g["params"], "lr": 0.02} for g in network.groups()]
    tables = {id(p) for g in groups for p in g["params"]}
    rest = [p for p in network.parameters() if id(p) not in tables]
    optimiser = torch.optim.Adam([*groups, {"params": rest}], lr=4e-3)
    for step in range(80):
        ids = sentences(32, 17, step)
        loss = _loss(network, ids)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.eval()
    with torch.inference_mode():
        assert float(_loss(network, sentences(64, 17, 9_999))) < 0.95 * text_entropy


def _loss(network: TextEngram, ids: torch.Tensor) -> torch.Tensor:
    logits = network(ids[:, :-1]).flatten(0, 1)
    return torch.nn.functional.cross_entropy(logits, ids[:, 1:].flatten())


def test_configurations_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(UsageError, match="engram_vocab_size"):
        EngramConfig(max_ngram_size=4)
    with pytest.raises(UsageError, match="heads"):
        EngramConfig(n_head_per_ngram=7)
    with pytest.raises(UsageError, match="hidden_size"):
        BackBoneConfig(hidden_size=30, num_heads=4)
    with pytest.raises(UsageError, match="lookup"):
        TextEngram(SMALL, BACKBONE, lookup=np.arange(21))
    with pytest.raises(UsageError, match="prompt"):
        small().generate(torch.zeros((1, 0), dtype=torch.int64))
