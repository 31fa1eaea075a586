"""A whole study as a process: `python -m tests.proof.study_process ROOT WORKERS`.

Prints the hash of everything the study says, seconds, places and task counts left out.
"""

import sys
from pathlib import Path

from folkmoot.committee import Committee
from folkmoot.core.hashing import content_hash
from folkmoot.market.worlds import world
from folkmoot.proof import prove

PASSING = ("seconds", "cached", "tasks", "journal", "report")


def main() -> None:
    """Prove a small world and print what it came to."""
    root, workers = Path(sys.argv[1]), int(sys.argv[2])
    bars = world("planted", n=3_000, seed=1).bars
    committee = Committee(models=("logistic", "lightgbm"))
    study = prove(committee, bars, root=root, workers=workers, copies=1, plants=1)
    lasting = {name: fact for name, fact in study.as_dict().items() if name not in PASSING}
    sys.stdout.write(f"{study.journal_hash} {content_hash(lasting)}\n")


if __name__ == "__main__":
    main()
