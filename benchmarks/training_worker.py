"""neuralforecast's side of `training.py`: run by an interpreter that need not have folkmoot.

    python training_worker.py LSTM|TFT|TCN SETTINGS.json

Says on stdout, as JSON, that it is missing or how many parameters it has; then fits anew for every
line on stdin, which is a number of steps, and says what the fit took: seconds and those of the
thread alone, and microseconds from one step's start to the next one's.
"""

import json
import logging
import math
import sys
import time
import warnings
from pathlib import Path
from typing import Any


def say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def stamps() -> Any:
    """Return a callback that notes when each step starts, by the clock and by the thread."""
    from pytorch_lightning.callbacks import Callback

    class Stamps(Callback):
        def __init__(self) -> None:
            self.seen: list[tuple[int, int]] = []

        def on_train_batch_start(self, *_: Any) -> None:
            self.seen.append((time.perf_counter_ns(), time.thread_time_ns()))

        # The trainer copies its callbacks with the model; what was noted must stay in one place.
        def __deepcopy__(self, memo: Any) -> "Stamps":
            return self

    return Stamps()


def make(name: str, asked: dict[str, Any], steps: int, noted: Any) -> Any:
    """Return the model: `asked` holds the sizes that both sides share."""
    from neuralforecast import losses, models

    common = {
        "h": asked["h"],
        "input_size": asked["lookback"],
        "loss": losses.pytorch.MQLoss(quantiles=asked["levels"]),
        "max_steps": steps,
        "windows_batch_size": asked["batch"],
        "batch_size": 1,
        "val_check_steps": 1_000_000,
        "accelerator": "cpu",
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
        "callbacks": [noted],
    }
    return getattr(models, name)(**common, **asked["options"])


def fit(name: str, asked: dict[str, Any], frame: Any, steps: int) -> dict[str, Any]:
    """Fit once and say what it took and how many parameters were fitted."""
    from neuralforecast import NeuralForecast

    noted = stamps()
    began, used = time.perf_counter(), time.thread_time()
    whole = NeuralForecast(models=[make(name, asked, steps, noted)], freq=1)
    whole.fit(frame, val_size=0)
    took, used = time.perf_counter() - began, time.thread_time() - used
    pairs = list(zip(noted.seen, noted.seen[1:], strict=False))
    return {
        "seconds": took,
        "used": used,
        "clock_us": [(b[0] - a[0]) / 1e3 for a, b in pairs],
        "used_us": [(b[1] - a[1]) / 1e3 for a, b in pairs],
        "parameters": sum(p.numel() for p in whole.models[0].parameters() if p.requires_grad),
    }


def table(asked: dict[str, Any]) -> Any:
    """Return the series as a frame, with as many known columns as the model reads."""
    import pandas as pd

    rows = len(asked["series"])
    columns: dict[str, Any] = {"unique_id": "a", "ds": range(rows), "y": asked["series"]}
    for place, name in enumerate(asked["options"].get("futr_exog_list", [])):
        columns[name] = [math.sin(0.1 * (place + 1) * t) for t in range(rows)]
    return pd.DataFrame(columns)


def main() -> None:
    name, path = sys.argv[1:]
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    asked = json.loads(Path(path).read_text(encoding="utf-8"))
    try:
        import torch

        torch.set_num_threads(1)
        frame = table(asked)
        first = fit(name, asked, frame, 3)
    except ImportError as error:
        say({"missing": f"not installed: {error}"})
        return
    say({"parameters": first["parameters"]})
    for line in sys.stdin:
        say(fit(name, asked, frame, int(line)))


if __name__ == "__main__":
    main()
