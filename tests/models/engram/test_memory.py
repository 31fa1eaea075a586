"""The memory, its gate and convolution, the residual streams, and the layers around them."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch", reason="needs the extra neural")

from folkmoot.models.networks.engram_backbone import Attention, Block  # noqa: E402
from folkmoot.models.networks.engram_memory import Memory, Tables  # noqa: E402
from folkmoot.models.networks.engram_norm import RMSNorm  # noqa: E402
from folkmoot.models.networks.engram_streams import (  # noqa: E402
    gather_in,
    sinkhorn,
    spread_out,
)

STREAMS, WIDTH, STEPS = 4, 16, 12


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(5)
    yield
    torch.set_num_threads(before)


def memory(**options: bool) -> Memory:
    tables = Tables([(50, 2, 8), (20, 1, 16)])
    return Memory(tables, WIDTH, streams=STREAMS, **options).eval()


def asked(rows: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(rows, STEPS, STREAMS, WIDTH), torch.randint(0, 20, (rows, STEPS, 3))


@pytest.mark.parametrize("signed_root", [False, True])
def test_the_gate_lies_between_zero_and_one(signed_root: bool) -> None:
    made = memory(signed_root=signed_root)
    state, rows = asked()
    gate = made.gate(100.0 * state, made.tables(rows))
    assert gate.shape == (3, STEPS, STREAMS)
    assert bool(((gate > 0.0) & (gate < 1.0)).all())


def test_the_signed_root_softens_the_gates_logit() -> None:
    plain, rooted = memory(), memory(signed_root=True)
    rooted.load_state_dict(plain.state_dict())
    state, rows = asked()
    e = plain.tables(rows)
    logit = torch.logit(plain.gate(state, e))
    wanted = torch.sigmoid(logit.sign() * logit.abs().sqrt())
    torch.testing.assert_close(rooted.gate(state, e), wanted, rtol=0.0, atol=1e-4)


def test_the_convolution_says_nothing_at_first() -> None:
    made = memory()
    state, rows = asked()
    assert torch.equal(made(state, rows), made.gated(state, rows))


def test_the_convolution_looks_back_by_the_kernel_times_the_order() -> None:
    made = memory()
    torch.nn.init.ones_(made.conv.weight)
    u = torch.randn(1, 24, STREAMS, WIDTH)
    other = u.clone()
    other[:, 10] += 1.0
    changed = (made.conv(u) != made.conv(other)).flatten(2).any(dim=2)[0]
    assert torch.nonzero(changed).flatten().tolist() == [10, 13, 16, 19]


def test_row_dropout_leaves_rows_out_in_training_alone() -> None:
    tables = Tables([(50, 2, 8)], dropout=0.5)
    rows = torch.randint(0, 50, (64, 8, 2))
    answer = tables(rows).view(64, 8, 2, 8)
    gone = (answer == 0.0).all(dim=3).float().mean()
    assert 0.4 < float(gone) < 0.6
    assert bool((tables.eval()(rows) != 0.0).any(dim=2).all())


def test_rms_norm_is_that_of_torch() -> None:
    x = torch.randn(5, WIDTH)
    wanted = torch.nn.functional.rms_norm(x, (WIDTH,), eps=1e-5)
    torch.testing.assert_close(RMSNorm(WIDTH)(x), wanted, rtol=0.0, atol=1e-6)


@pytest.mark.parametrize("connection", ["hc", "mhc"])
def test_streams_start_as_the_plain_residual(connection: str) -> None:
    layers = [
        Block(WIDTH, 2, 24, streams=STREAMS, connection=connection, place=k) for k in range(3)
    ]
    plain = [Block(WIDTH, 2, 24) for _ in range(3)]
    for one, other in zip(plain, layers, strict=True):
        one.double().load_state_dict(other.double().state_dict(), strict=False)
    x = torch.randn(2, STEPS, WIDTH, dtype=torch.float64)
    state, residual = spread_out(x, STREAMS), spread_out(x, 1)
    for one, other in zip(plain, layers, strict=True):
        state, residual = other(state), one(residual)
    torch.testing.assert_close(gather_in(state), gather_in(residual), rtol=0.0, atol=1e-6)


def test_mixes_among_streams_are_doubly_stochastic() -> None:
    mixed = sinkhorn(torch.randn(100, STREAMS, STREAMS))
    for side in (1, 2):
        torch.testing.assert_close(
            mixed.sum(dim=side), torch.ones(100, STREAMS), rtol=0.0, atol=1e-4
        )
    product = mixed[0]
    for other in mixed[1:]:
        product = other @ product
    assert float(torch.linalg.matrix_norm(product, 2)) <= 1.0 + 1e-3
    assert torch.isfinite(sinkhorn(torch.full((1, 2, 2), 300.0))).all()


def test_streams_part_when_their_mixes_are_learnt() -> None:
    block = Block(WIDTH, 2, 24, streams=STREAMS)
    optimiser = torch.optim.SGD(block.parameters(), lr=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        state = block(block(spread_out(torch.randn(2, STEPS, WIDTH), STREAMS)))
        (state.square() * torch.arange(STREAMS)[:, None]).mean().backward()
        optimiser.step()
    with torch.inference_mode():
        state = block(spread_out(torch.randn(2, STEPS, WIDTH), STREAMS))
    assert float((state[:, :, 0] - state[:, :, 1]).abs().max()) > 1e-4


@pytest.mark.parametrize("span", [0, 5])
def test_attention_sees_its_span_and_its_weights_sum_to_one(span: int) -> None:
    layer = Attention(WIDTH, 2, span).eval()
    x = torch.randn(2, STEPS, WIDTH)
    weights = layer.weights(x)
    torch.testing.assert_close(weights.sum(dim=3), torch.ones(2, 2, STEPS))
    seen = [int((weights[0, 0, t] > 0.0).sum()) for t in range(STEPS)]
    assert seen == [min(t + 1, span or STEPS) for t in range(STEPS)]
    _, _, v = layer._split(layer.query_key_value(x))
    torch.testing.assert_close(layer(x), layer._join(weights @ v), rtol=0.0, atol=1e-5)


def test_rotation_makes_attention_depend_on_distance_alone() -> None:
    layer = Attention(WIDTH, 2, 4).eval()
    pattern = torch.randn(1, 4, WIDTH)
    weights = layer.weights(pattern.repeat(1, 5, 1))[0, :, 4:]
    late = [weights[:, t, t + 1 : t + 5] for t in range(16)]
    for first, other in pairwise(late[::4]):
        torch.testing.assert_close(first, other, rtol=0.0, atol=1e-5)
