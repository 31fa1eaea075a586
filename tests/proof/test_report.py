"""The report says what it was given, escapes all of it, and needs nothing outside itself."""

import json
import math
import re
from html.parser import HTMLParser
from inspect import getsource
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from folkmoot.proof import verdict
from folkmoot.proof.report import render, render_demo
from folkmoot.proof.report.curves import PLACES, thin
from folkmoot.proof.report.markup import node
from folkmoot.proof.report.scales import Scale, dates
from folkmoot.proof.report.words import REASONS

START = 1_577_836_800_000
HOUR = 3_600_000
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>&{power}'
VOID = ("meta", "br")
BLOCKS = 6
POWER = {
    "n": 21_000,
    "bound_accuracy": 0.512,
    "planted_accuracy": 0.55,
    "planted_found": 5,
    "planted_tried": 5,
}


def scored(name: str, edge: float, rng: np.random.Generator, n: int = 21_000) -> dict[str, Any]:
    """Score a forecaster that is right with probability 0.5 + edge on simulated bars."""
    size = np.abs(0.006 * rng.standard_t(4, n))
    right = rng.random(n) < 0.5 + edge
    said = 0.5 + max(edge, 0.002)
    loss = np.where(right, -math.log(said), -math.log(1.0 - said))
    gain = math.log(2.0) - loss
    spread, room = 1.96 * gain.std() / math.sqrt(n), 0.98 / math.sqrt(n)
    return {
        "name": name,
        "status": "ok" if edge > 0.01 else "no_earned_weight",
        "weight": max(0.0, edge) * 8.0,
        "n": n,
        "accuracy": right.mean(),
        "accuracy_interval": [right.mean() - room, right.mean() + room],
        "weighted_accuracy": size[right].sum() / size.sum(),
        "gross_bp": 1e4 * float(np.where(right, size, -size).mean()),
        "log_loss": loss.mean(),
        "brier": np.where(right, (1.0 - said) ** 2, said**2).mean(),
        "gain": gain.mean(),
        "gain_interval": [gain.mean() - spread, gain.mean() + spread],
    }


def traded(rng: np.random.Generator, n: int = 21_000, edge: float = 2e-5) -> dict[str, Any]:
    """Simulate an equity curve and everything the report draws from it."""
    market = 0.006 * rng.standard_t(4, n) / math.sqrt(2.0)
    held = np.exp(np.cumsum(market))
    desk = np.exp(np.cumsum(0.35 * market * rng.choice([-1.0, 1.0], n) + edge))
    time = START + HOUR * np.arange(n)
    edges = np.linspace(time[0], time[-1], BLOCKS)
    p = np.linspace(0.41, 0.59, 9)
    counts = np.round(4000.0 * np.exp(-(((p - 0.5) / 0.05) ** 2))).astype(int)
    hit = rng.binomial(counts, p) / counts
    room = 1.96 * np.sqrt(hit * (1.0 - hit) / counts)
    return {
        "equity": {"time": time.tolist(), "desk": desk.tolist(), "hold": held.tolist()},
        "folds": [{"start": a, "stop": b} for a, b in pairwise(edges)],
        "reliability": [
            {"p": a, "hit": b, "low": b - r, "high": b + r, "n": int(c)}
            for a, b, r, c in zip(p, hit, room, counts, strict=True)
        ],
        "costs": [
            {
                "cost_bp": bp,
                "sharpe": 2.4 - 0.16 * bp,
                "sharpe_interval": [1.2 - 0.16 * bp, 3.6 - 0.16 * bp],
                "net_bp": 1.9 - 0.13 * bp,
            }
            for bp in (0, 1, 2, 5, 10, 15, 20, 30)
        ],
    }


def sample(word: str = "NOT PROVEN", reason: str = "skill_without_profit") -> dict[str, Any]:
    """Make a study as `prove` would write it, read back from its JSON."""
    rng = np.random.default_rng(5)
    members = {"lightgbm": 0.052, "logistic": 0.045, "lorentzian": 0.004}
    baselines = {"base_rate": 0.003, "ar1": 0.03, "persistence": 0.028, "always_up": 0.006}
    charts = traded(rng)
    study = {
        "verdict": word,
        "reasons": [f"{reason}: the net Sharpe may be as low as -0.74"] if reason else [],
        "symbol": "SIMULATED",
        "timeframe": "1h",
        "bars": 35_000,
        "span": ["2020-01-01T00:00:00Z", "2023-12-29T08:00:00Z"],
        "horizon": 1,
        "costs": {"fee": 0.001, "slippage": 0.0005},
        "consensus": {**scored("consensus", 0.05, rng), "tests": {"k1_p": 2e-9}},
        "members": [scored(name, edge, rng) for name, edge in members.items()],
        "baselines": [scored(name, edge, rng) for name, edge in baselines.items()],
        "controls": {"copies": randomised(rng), "passed": True},
        "backtest": backtest(charts["equity"]),
        "power": POWER,
        "scored": 21_000,
        "scored_span": ["2021-08-02T00:00:00Z", "2023-12-29T08:00:00Z"],
        "strategy": "half_kelly",
        "feature_set": {"name": "mine", "columns": 17, "definition": 'base = "core"\n# a < b\n'},
        "calibration": {"ece": 0.008, "null_95": 0.011, "p": 0.31},
        "trials": 9,
        "report": "report.html",
        "journal_hash": rng.bytes(32).hex(),
        "cached": False,
        "seconds": 41.7,
        "charts": charts,
        "notes": ["27 gaps, 122 bars missing; the longest lasted 34 hours"],
        "dropped": ["volume_z", "volume_rank"],
        "provenance": {"data": rng.bytes(32).hex(), "libraries": {"numpy": np.__version__}},
    }
    return json.loads(json.dumps(study))


def randomised(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Score three copies in which nothing can be found."""
    scores = rng.standard_normal(3).tolist()
    return [
        {"seed": i, "accuracy": 0.5 + 0.0035 * z, "z": z, "k1_p": 0.5 * math.erfc(z / 2**0.5)}
        for i, z in enumerate(scores)
    ]


def backtest(equity: dict[str, Any]) -> dict[str, Any]:
    """Summarise the simulated equity curve."""
    desk, hold = np.array(equity["desk"]), np.array(equity["hold"])
    return {
        "net_return": desk[-1] / desk[0] - 1.0,
        "gross_return": desk[-1] / desk[0] - 0.7,
        "buy_and_hold": hold[-1] / hold[0] - 1.0,
        "sharpe": 0.31,
        "sharpe_interval": [-0.74, 1.32],
        "sharpe_bounds": [-0.58, 1.15],
        "deflated_sharpe": 0.412,
        "net_bp": 0.14,
        "gross_bp": 0.29,
        "max_drawdown": float((desk / np.maximum.accumulate(desk)).min() - 1.0),
        "turnover": 212.4,
        "trades": 318,
        "exposure": 0.43,
        "costs": 0.318,
    }


def demo() -> dict[str, Any]:
    verdicts = {
        "A": ("NO EDGE", ""),
        "B": ("EDGE FOUND", ""),
        "C": ("NOT PROVEN", "skill_without_profit"),
    }
    truths = {
        "A": "a martingale with stochastic volatility: no edge",
        "B": "a planted 55 % sign edge that persists",
        "C": "the same 55 %, flipping on half of all bars: it cannot pay",
    }
    return {
        "self_check": {"columns": 62, "bars": 108_000, "mismatches": 0, "future_leaks": 0},
        "popular_mistake": {
            "same_bar_accuracy": 0.711,
            "same_bar_interval": [0.703, 0.719],
            "self_removed_accuracy": 0.546,
            "self_removed_interval": [0.537, 0.555],
            "point_in_time_accuracy": 0.499,
            "point_in_time_interval": [0.489, 0.509],
            "n": 11_842,
        },
        "worlds": [
            {
                "name": name,
                "truth": truths[name],
                "verdict": verdict,
                "correct": True,
                "study": {**sample(verdict, reason), "symbol": f"WORLD/{name}"},
            }
            for name, (verdict, reason) in verdicts.items()
        ],
        "runs": [
            {},
            {"seed": 1, "worlds": [{"name": "B", "verdict": "NOT PROVEN", "correct": False}]},
        ],
        "seconds": 48.2,
        "report": "demo.html",
        "journal_hash": "ab" * 32,
    }


class Reader(HTMLParser):
    """Collects elements, ids, links and text, and checks that elements are closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.names: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.names.update(name for name, _ in attrs)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for name, value in attrs if name in ("href", "src") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += f" {data}"


@pytest.fixture(scope="module")
def study() -> dict[str, Any]:
    return sample()


def everywhere(value: Any, text: str) -> Any:
    """Return the value with every string in it, keys aside, replaced by `text`."""
    if isinstance(value, dict):
        return {key: everywhere(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [everywhere(item, text) for item in value]
    return text if isinstance(value, str) else value


def test_a_report_carries_its_verdict_its_reason_and_what_it_would_take(study: dict) -> None:
    page = Reader(render(study))
    assert "NOT PROVEN" in page.text
    assert "skill_without_profit" in page.text
    assert REASONS["skill_without_profit"].takes in page.text
    assert study["journal_hash"] in page.text


def test_a_report_names_the_feature_set_and_shows_an_own_one_escaped(study: dict) -> None:
    page = render(study)
    assert re.search(r"feature set</dt><dd>mine</dd>.*columns</dt><dd>17</dd>", page)
    assert "<pre>base = &quot;core&quot;\n# a &lt; b\n</pre></details>" in page
    assert "<details" not in render({**study, "feature_set": {"name": "core", "columns": 62}})
    assert "<details" not in render({**study, "feature_set": None})


def test_a_report_needs_no_script_and_nothing_outside_itself(study: dict) -> None:
    for page in (render(study), render_demo(demo())):
        read = Reader(page)
        assert {"script", "link", "img", "iframe", "object", "base"} & set(read.tags) == set()
        assert all(link.startswith("#") for link in read.links)
        assert not re.search(r"url\(|@import|https?:", page)


def test_every_link_of_a_page_leads_to_one_place_on_it() -> None:
    read = Reader(render_demo(demo()))
    assert len(read.ids) == len(set(read.ids))
    assert {link.removeprefix("#") for link in read.links} <= set(read.ids)
    assert {f"world-{index}" for index in range(3)} <= {link[1:] for link in read.links}


def test_hostile_text_stays_text_wherever_it_stands(study: dict) -> None:
    tame, wild = Reader(render(study)), Reader(render(everywhere(study, HOSTILE)))
    assert set(wild.tags) <= set(tame.tags) | {"ul", "li"}
    assert wild.names <= tame.names | {"title"}
    assert HOSTILE in wild.text
    demonstration = Reader(render_demo(everywhere(demo(), HOSTILE)))
    assert "script" not in demonstration.tags
    assert "onerror" not in demonstration.names


def test_baselines_stand_in_the_same_table_ordered_by_log_loss(study: dict) -> None:
    page = render(study)
    table = page[page.index('class="leaders"') :]
    rows = [study["consensus"], *study["members"], *study["baselines"]]
    order = [row["name"] for row in sorted(rows, key=lambda row: row["log_loss"])]
    places = [table.index(f">{name}<small>") for name in order]
    assert places == sorted(places)


@pytest.mark.parametrize("part", sorted(sample()))
def test_an_absent_part_is_said_to_be_absent(part: str, study: dict) -> None:
    for missing in (
        {key: value for key, value in study.items() if key != part},
        {**study, part: None},
    ):
        Reader(render(missing))


def test_every_rule_is_shown_with_what_was_found_and_how_it_came_out(study: dict) -> None:
    page = render(study)
    rules = page[page.index("How it was reached</h2>") : page.index("What was tested</h2>")]
    outcomes = re.findall(r'class="outcome \w+">([^<]+)<', rules)
    assert outcomes == ["passes", "fails", "fails", "passes", "passes"]
    assert "p 2e-09" in rules


def test_a_study_without_any_part_says_what_was_not_run() -> None:
    page = Reader(render({}))
    assert page.text.count("not run") >= 7
    assert "No verdict was reached" in page.text
    assert Reader(render_demo({})).text.count("not run") >= 1


def test_unknown_numbers_are_dashes_and_break_curves_instead_of_pages(study: dict) -> None:
    charts = json.loads(json.dumps(study["charts"]))
    for name in ("desk", "hold"):
        charts["equity"][name][100:200] = [None] * 100
    charts["reliability"][0].update(low=None, high=None)
    charts["costs"][0].update(sharpe=None, sharpe_interval=None)
    rows = [{"name": row["name"], "accuracy": math.nan} for row in study["members"]]
    page = render({**study, "charts": charts, "members": rows, "power": {"planted_tried": 0}})
    assert "nan" not in Reader(page).text.lower().split()


def test_a_report_of_twenty_thousand_bars_stays_small(study: dict) -> None:
    assert len(render(study).encode()) < 150_000


def test_thinning_keeps_the_extremes() -> None:
    rng = np.random.default_rng(1)
    points = list(zip(np.linspace(0, 1, 50_000).tolist(), rng.random(50_000).tolist(), strict=True))
    kept = thin(points)
    heights = [y for _, y in points]
    assert len(kept) <= PLACES + 2
    assert {min(heights), max(heights)} <= {y for _, y in kept}
    assert [x for x, _ in kept] == sorted(x for x, _ in kept)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.0003, 0.0104), (97.0, 101.0), (-3, 2e5)])
def test_ticks_are_round_and_inside_the_axis(low: float, high: float) -> None:
    ticks = Scale(low, high).ticks()
    assert 3 <= len(ticks) <= 11
    assert all(low <= tick <= high for tick in ticks)
    steps = np.diff(ticks)
    np.testing.assert_allclose(steps, steps[0])


def test_growth_of_many_orders_gets_few_ticks() -> None:
    assert 2 <= len(Scale(0.3, 400_000.0, log=True).ticks()) <= 7


@pytest.mark.parametrize("days", [0.5, 2, 9, 40, 80, 200, 800, 3000, 9000, 40_000])
def test_dates_are_few_and_inside_the_span(days: float) -> None:
    marks = dates(START, START + days * 86_400_000.0)
    assert 1 <= len(marks) <= 8
    assert all(START <= at <= START + days * 86_400_000.0 for at, _ in marks)


@pytest.mark.parametrize("code", sorted(REASONS))
def test_every_reason_the_judge_can_give_is_explained(code: str) -> None:
    text = Reader(render(sample("NOT PROVEN", code))).text
    assert REASONS[code].takes in text


def test_the_reasons_of_the_report_are_those_of_the_judge() -> None:
    assert set(re.findall(r'^        "(\w+)": _\w+,$', getsource(verdict), re.MULTILINE)) == set(
        REASONS
    )


@pytest.mark.parametrize("word", ["EDGE FOUND", "NO EDGE", "NOT PROVEN"])
def test_a_verdict_without_a_code_is_explained_without_saying_there_is_none(word: str) -> None:
    text = Reader(render(sample(word, ""))).text
    assert word in text
    assert "there is none" not in text.lower()


def test_a_report_says_how_often_a_planted_edge_was_found() -> None:
    assert "found in 5 of 5 copies" in Reader(render(sample("NO EDGE", "no_skill"))).text


def test_the_demo_shows_the_three_ways_to_keep_score_and_every_world() -> None:
    text = Reader(render_demo(demo())).text
    for figure in ("71.1", "54.6", "49.9"):
        assert figure in text
    assert text.count("WORLD/") >= 3 or "World A" in text


def test_a_wrong_verdict_of_a_further_seed_is_shown_as_wrong() -> None:
    assert "WRONG" in Reader(render_demo(demo())).text


def test_attributes_are_escaped_too() -> None:
    assert node("p", title='"><b>') == '<p title="&quot;&gt;&lt;b&gt;"></p>'
