"""The members that foretell how far: EWMA, GARCH and HAR-RV against other implementations."""

from typing import Any

import numpy as np
import pytest

from folkmoot import models
from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import Features
from folkmoot.features import BARS_SET, Table, windows
from folkmoot.models import ewma_scale, garch_fit, har_rv

NAMES = ("ewma", "garch", "har_rv")
OMEGA, ALPHA, BETA = 2e-6, 0.08, 0.90


def simulated(bars: int = 6000, seed: int = 3) -> Floats:
    rng = np.random.default_rng(seed)
    returns, variance = np.empty(bars), OMEGA / (1.0 - ALPHA - BETA)
    for k, z in enumerate(rng.standard_normal(bars)):
        returns[k] = np.sqrt(variance) * z
        variance = OMEGA + ALPHA * returns[k] ** 2 + BETA * variance
    return returns


def table(returns: Floats) -> tuple[Table, Floats]:
    close = np.cumsum(returns)
    width = 0.8 * np.abs(returns) + 1e-4
    usual = np.full(len(close), 0.01)
    columns = [close, close + width, close - width, close, usual, usual, usual]
    y = np.full((len(close), 2), np.nan)
    for k, h in enumerate((1, 5)):
        y[:-h, k] = close[h:] - close[:-h]
    times = np.arange(len(close), dtype=np.int64)
    return Table(np.column_stack(columns), BARS_SET, times), y


def fitted(name: str, returns: Floats, rows: int = 4000) -> tuple[Any, Features, Floats]:
    whole, y = table(returns)
    model = models.build(name, horizons=(1, 5))
    x, y = windows(whole, model.lookback), y[model.lookback - 1 :]
    return model.fit(x.rows(slice(0, rows)), y[:rows], np.ones(rows)), x, y


def test_garch_finds_the_parameters_that_arch_finds() -> None:
    univariate = pytest.importorskip("arch.univariate", reason="needs the extra stats")
    returns = simulated()
    model = univariate.arch_model(1000.0 * returns, mean="Zero", rescale=False)
    theirs = model.fit(disp="off", options={"ftol": 1e-12}).params.to_numpy()
    ours = garch_fit.fit_garch(returns) * np.array([1e6, 1.0, 1.0])
    np.testing.assert_allclose(ours, theirs, rtol=2e-3)


def test_garch_finds_what_made_the_returns() -> None:
    omega, alpha, beta = garch_fit.fit_garch(simulated(30_000))
    assert alpha == pytest.approx(ALPHA, abs=0.01)
    assert beta == pytest.approx(BETA, abs=0.015)
    assert omega / (1.0 - alpha - beta) == pytest.approx(OMEGA / 0.02, rel=0.1)


def test_garchs_variance_over_some_bars_is_the_sum_of_its_steps() -> None:
    closes = np.cumsum(simulated(251))[None, :]
    terms, moves = np.array([OMEGA, ALPHA, BETA]), np.diff(closes[0])
    variance = garch_fit.first_variance(moves)
    for r in moves:
        variance = OMEGA + ALPHA * r * r + BETA * variance
    total, step = 0.0, variance
    for _ in range(5):
        total, step = total + step, OMEGA + (ALPHA + BETA) * step
    found = garch_fit.scales(closes, terms, np.array([1.0, 5.0]))
    np.testing.assert_allclose(found[0] ** 2, [variance, total], rtol=1e-12)


def test_returns_that_do_not_vary_have_no_garch() -> None:
    with pytest.raises(DataError, match="zero"):
        garch_fit.fit_garch(np.zeros(100))


@pytest.mark.parametrize("decay", [0.9, 0.985])
def test_a_decayed_mean_is_that_of_pandas(decay: float) -> None:
    pandas = pytest.importorskip("pandas")
    returns = simulated(300)
    series = pandas.Series(returns**2).ewm(alpha=1.0 - decay, adjust=True).mean()
    closes = np.concatenate(([0.0], np.cumsum(returns)))[None, :]
    assert ewma_scale.decayed(closes, decay)[0] == pytest.approx(np.sqrt(series.iloc[-1]), rel=1e-9)


def test_ewma_chooses_the_decay_that_serves_best() -> None:
    rng = np.random.default_rng(4)
    level = np.repeat(rng.choice([0.002, 0.02], 200), 30)
    jumpy, _, _ = fitted("ewma", level * rng.standard_normal(6000))
    calm, _, _ = fitted("ewma", 0.01 * rng.standard_normal(6000))
    assert jumpy.learnt["decay"][0] == 0.9
    assert calm.learnt["decay"][0] == 0.985


def test_har_rv_is_a_gamma_regression_with_a_logarithmic_link() -> None:
    linear = pytest.importorskip("statsmodels.api", reason="needs statsmodels")
    model, x, y = fitted("har_rv", simulated())
    logs = np.column_stack((np.ones(4000), model._logs(x.rows(slice(0, 4000)))))
    family = linear.families.Gamma(link=linear.families.links.Log())
    theirs = linear.GLM(np.abs(y[:4000, 0]), logs, family=family).fit(tol=1e-12).params
    np.testing.assert_allclose(model.learnt["beta"][0], theirs, rtol=1e-6, atol=1e-8)


def test_realised_variance_is_the_mean_over_one_five_and_more_bars() -> None:
    rng = np.random.default_rng(5)
    close = np.cumsum(0.01 * rng.standard_normal((1, 23)), axis=1)
    high, low = close + 0.004, close - 0.006
    spans = np.array([1, 5, 22])
    found = har_rv.log_volatility(high, low, close, np.array([1e-9]), spans)[0]
    moves = np.diff(close[0]) ** 2
    variance = 0.5 * (moves + 0.01**2 / (4.0 * np.log(2.0)))
    wanted = [0.5 * np.log(variance[-span:].mean()) for span in spans]
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_quantiles_cover_what_they_say_when_volatility_clusters(name: str) -> None:
    model, x, y = fitted(name, simulated(9000, seed=6), rows=6000)
    rows = slice(6000, 8700)
    answer = model.predict(x.rows(rows)).quantiles
    covered = (y[rows, :, None] <= answer).mean(axis=0)
    np.testing.assert_allclose(covered, np.tile(model.levels, (2, 1)), atol=0.045)


@pytest.mark.parametrize("name", NAMES)
def test_the_scale_follows_the_volatility_that_made_the_returns(name: str) -> None:
    returns = simulated(9000, seed=6)
    model, x, _ = fitted(name, returns, rows=6000)
    answer = model.predict(x.rows(slice(6000, None))).quantiles[:, 0]
    width = np.log(answer[:, -1] - answer[:, 0])
    variance, true = OMEGA / 0.02, np.empty(9000)
    for k, r in enumerate(returns):
        variance = OMEGA + ALPHA * r * r + BETA * variance
        true[k] = np.log(variance)
    true = true[-len(width) :]
    assert np.corrcoef(width, true)[0, 1] > (0.99 if name == "garch" else 0.8)


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_bar_in_the_window_is_passed_over(name: str) -> None:
    model, x, _ = fitted(name, simulated())
    values = x.values[4000:4001].copy()
    values[0, -3] = np.nan
    broken = Features(values, x.names, x.known_at[4000:4001])
    was = model.predict(x.rows(slice(4000, 4001))).quantiles
    now = model.predict(broken).quantiles
    assert np.isfinite(now).all()
    np.testing.assert_allclose(now, was, rtol=0.7)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ewma", {"decays": ()}),
        ("ewma", {"decays": (1.2,)}),
        ("garch", {"lookback": 1}),
        ("har_rv", {"spans": (5, 1)}),
    ],
)
def test_impossible_options_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        models.build(name, **options)
