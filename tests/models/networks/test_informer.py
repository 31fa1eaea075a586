"""Informer's attention against its formula, and what our causal form of it keeps."""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

torch = pytest.importorskip("torch", reason="needs the extra neural")

from folkmoot.models.networks.head import recompute  # noqa: E402  # after the check for torch
from folkmoot.models.networks.informer import (  # noqa: E402
    Distil,
    InformerNetwork,
    official,
    sampled,
    sparsity,
    standing_out,
    strided,
    usual_best,
)

Array = npt.NDArray[np.float64]
BEST = {1: 1.0, 2: 0.56419, 3: 0.84628, 5: 1.16296, 10: 1.53875, 25: 1.96531}
"""Expected largest of n normal numbers: Teichroew (1956)."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        yield
    torch.set_num_threads(before)


def softmax(scores: Array) -> Array:
    shares = np.exp(scores - scores.max())
    return np.asarray(shares / shares.sum())


def prob_attention(q: Array, k: Array, v: Array, sample: npt.NDArray[np.int64], u: int) -> Array:
    """ProbSparse attention of one head, written from the formula of Zhou et al. and their code.

    M(q_i) = max over the sample of q_i.k_j less the sum over the sample divided by L_K; the u
    queries of the largest M get softmax(q K' / sqrt d) V, the others the mean of V.
    """
    measure = np.array(
        [
            max(q[i] @ k[j] for j in sample[i]) - sum(q[i] @ k[j] for j in sample[i]) / len(k)
            for i in range(len(q))
        ]
    )
    out = np.repeat(v.mean(axis=0)[None], len(q), axis=0)
    for i in np.argsort(-measure)[:u]:
        out[i] = softmax(k @ q[i] / math.sqrt(q.shape[1])) @ v
    return out


@pytest.mark.parametrize("steps", [24, 60, 96])
@pytest.mark.parametrize("own", [True, False])
def test_official_attention_is_the_formula_with_the_same_sample(steps: int, own: bool) -> None:
    rng = np.random.default_rng(steps)
    q, k, v = rng.standard_normal((3, 2, 3, steps, 16))
    count = sampled(steps, 5)
    shared = np.broadcast_to(strided(steps, 5).numpy(), (steps, count))
    sample = rng.integers(0, steps, (steps, count)) if own else shared
    ours = official(
        *(torch.from_numpy(a) for a in (q, k, v)),
        torch.from_numpy(sample.copy()) if own else strided(steps, 5),
        count,
    )
    for row in range(2):
        for head in range(3):
            theirs = prob_attention(q[row, head], k[row, head], v[row, head], sample, count)
            np.testing.assert_allclose(ours[row, head], theirs, rtol=0.0, atol=1e-6)


def test_the_official_measure_divides_the_samples_sum_by_all_keys() -> None:
    q, k = torch.ones(1, 1, 2, 1), torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 1, 4, 1)
    measure = sparsity(q, k, torch.tensor([0, 3]))
    assert measure.flatten().tolist() == [4.0 - 5.0 / 4.0] * 2


def test_as_many_keys_and_queries_are_taken_as_the_paper_says() -> None:
    assert [sampled(n, 5) for n in (60, 96, 720)] == [25, 25, 35]
    assert strided(60, 5).tolist() == [math.floor(60 * i / 25) for i in range(25)]
    assert sampled(1, 5) == 1


def test_the_official_choice_depends_on_the_future_and_ours_does_not() -> None:
    q, k = torch.randn(2, 64, 2, 60, 16)
    later = q.clone()
    later[:, :, 50:] *= 3.0
    keys = k.clone()
    keys[:, :, 50:] *= 3.0
    sample = strided(60, 5)
    chosen = official(q, k, k, sample, 25)[:, :, :50]
    assert not torch.equal(official(later, k, k, sample, 25)[:, :, :50], chosen)
    usual = usual_best(sample, 60)
    gate = standing_out(q, k, sample, usual, 25 / 60)[:, :, :50]
    assert torch.equal(standing_out(later, keys, sample, usual, 25 / 60)[:, :, :50], gate)


def test_the_usual_best_is_that_of_normal_numbers() -> None:
    usual = usual_best(torch.arange(25), 25).tolist()
    for n, best in BEST.items():
        assert abs(usual[n - 1] - best) < 0.03


def causal_gate(q: Array, k: Array, sample: list[int], usual: list[float], bound: float) -> Array:
    """The causal choice of one head, query by query."""
    gates, measures = [], []
    for i in range(len(q)):
        scores = [q[i] @ k[j] for j in sample if j <= i]
        measures.append((max(scores) - np.mean(scores)) / usual[i])
        score = (measures[-1] - np.mean(measures)) / (np.std(measures) + 1e-3)
        gates.append(min(1.0, max(0.0, (score - bound) / 0.1 + 0.5)))
    return np.array(gates)


def test_the_causal_choice_is_made_query_by_query() -> None:
    q, k = torch.randn(2, 1, 1, 60, 16, dtype=torch.float64)
    sample = strided(60, 5)
    usual = usual_best(sample, 60)
    gate = standing_out(q, k, sample, usual, 25 / 60)[0, 0]
    bound = 0.21042839424792484  # the normal quantile of 35 / 60
    ours = (q[0, 0].numpy(), k[0, 0].numpy(), sample.tolist(), usual.tolist(), bound)
    np.testing.assert_allclose(gate, causal_gate(*ours), rtol=0.0, atol=1e-6)


def test_about_the_wanted_share_of_queries_attends() -> None:
    q, k = torch.randn(2, 64, 8, 96, 16)
    for share in (25 / 96, 0.42):
        sample = strided(96, 5)
        gate = standing_out(q, k, sample, usual_best(sample, 96), share)[:, :, 10:]
        assert abs(float(gate.mean()) - share) < 0.06
        assert float(((gate > 0.0) & (gate < 1.0)).float().mean()) < 0.08


def test_rounding_does_not_switch_a_query() -> None:
    q, k = torch.randn(2, 32, 8, 60, 16)
    sample = strided(60, 5)
    rest = (k, sample, usual_best(sample, 60), 25 / 60)
    gate = standing_out(q, *rest)
    shaken = standing_out(q * (1.0 + 1e-7 * torch.randn_like(q)), *rest)
    assert float((gate - shaken).abs().max()) < 1e-4


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("steps", [1, 2, 7, 8])
def test_distilling_halves_and_ends_at_the_last_bar(causal: bool, steps: int) -> None:
    distil = Distil(4, causal).eval()
    x = torch.randn(2, steps, 4)
    short = distil(x)
    assert short.shape == (2, (steps + 1) // 2, 4)
    changed = x.clone()
    changed[:, -1] += 1.0
    assert bool((distil(changed) != short)[:, -1].any())
    if causal and steps > 2:
        assert torch.equal(distil(changed)[:, :-1], short[:, :-1])


def test_recomputing_counts_a_batch_once() -> None:
    made = InformerNetwork(4, 20, 3, width=16, heads=2).train()
    assert recompute(made) == 3
    made(torch.randn(8, 20, 4)).sum().backward()
    assert int(made.distils[0].norm.num_batches_tracked) == 1


def test_a_query_that_does_not_attend_gets_the_running_mean() -> None:
    made = InformerNetwork(4, 60, 3, width=16, heads=2).eval()
    attention = made.layers[0].attention
    x = torch.randn(32, 60, 16)
    q, k, v = attention.project(x, 60)
    idle = attention.gate(q, k) == 0.0
    running = v.cumsum(dim=2) / torch.arange(1, 61)[:, None]
    mixed = attention._causal(q, k, v, 60)
    assert 0.3 < float(idle.float().mean()) < 0.8
    torch.testing.assert_close(mixed[idle], running[idle], rtol=0.0, atol=1e-5)
