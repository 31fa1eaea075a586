"""Replay a scene into a journal and print its head: `PATH BARS COMMIT_EVERY [SEED]`.

A line `ready` comes first, so that whoever wants to kill this process knows when it works. Run as
`python -m tests.desk.replay_process`; run again on the same path it continues.
"""

import sys

from tests.desk.scene import scene, seat

from folkmoot.desk import Journal


def main(path: str, bars: str, commit_every: str, seed: str = "3") -> None:
    """Replay, then print what the journal holds and its head."""
    played = scene(int(bars), int(seed))
    with Journal(path, commit_every=int(commit_every), study="soak") as journal:
        desk = seat(played, journal, stop=0.02, take=0.05)
        print("ready", flush=True)  # noqa: T201 - the parent process reads it
        replay = desk.replay(played.bars)
        print(len(journal), replay.decided, journal.head, flush=True)  # noqa: T201 - the same


if __name__ == "__main__":
    main(*sys.argv[1:])
