"""From bars to a verdict and a decision, offline: a small world with a planted edge.

Run it with `python examples/basic_usage.py`. For your own series replace the first line of `main`
by `fm.history("csv:bars.csv", "BTC/USDT", "1h")`.
"""

import sys
from pathlib import Path

import folkmoot as fm


def main(folder: Path) -> None:
    """Prove a committee of one on a small world and write the report into `folder`."""
    bars = fm.history("world:planted:0:6000")
    committee = fm.Committee(models=["logistic"], horizon=1)
    study = fm.prove(committee, bars, costs=fm.Costs(fee=0.001, slippage=0.0005), root=folder)

    print(f"{bars.symbol}: {len(bars):,} bars of {bars.timeframe}")
    print(f"verdict: {study.verdict} {study.reasons}")
    for row in study.as_dict()["members"]:
        print(f"  {row['name']}: accuracy {row['accuracy']:.3f} {row['accuracy_interval']}")

    report = folder / "report.html"
    study.report(report)
    print(f"report: {report}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
