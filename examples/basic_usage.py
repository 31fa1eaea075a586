"""From bars to a verdict and to decisions, offline: a small world in which an edge was planted.

Run it with `python examples/basic_usage.py [FOLDER]`. For your own series replace the first line of
`main` by `fm.history("csv:bars.csv", "BTC/USDT", "1h")`.
"""

import sys
from pathlib import Path

import folkmoot as fm


def main(folder: Path) -> None:
    """Prove a committee of one, write its report into `folder`, and let its desk run on."""
    bars = fm.history("world:planted:0:20000")
    past = bars.rows(0, len(bars) - 100)

    committee = fm.Committee(models=["logistic"], horizon=1)
    costs = fm.Costs(fee=0.001, slippage=0.0005)
    study = fm.prove(committee, past, costs=costs, controls="needed", root=folder)
    print(f"{past.symbol}: {len(past):,} bars of {past.timeframe.label}")
    print(f"verdict: {study.verdict}")
    for reason in study.reasons:
        print(f"  {reason}")
    print(f"report: {study.report(folder / 'report.html')}")

    desk = study.desk(limits=fm.Limits(max_weight=0.5))
    replay = desk.replay(bars)
    print(f"the desk went on for {replay.decided} bars; its journal ends in {replay.head[:12]}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
