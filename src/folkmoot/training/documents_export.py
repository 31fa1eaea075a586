"""A `TradingModel` as a sealed file, and back: document 001's deployment, without a pickle."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from folkmoot.core.errors import DataError, Untrained, UsageError
from folkmoot.training import claims, container

if TYPE_CHECKING:
    from torch import Tensor

    from folkmoot.models.networks.trading_model import TradingModel

KIND = "TradingModel"
CONFIG = ("input_channels", "n_indicators", "output_dim")


def export_model(model: "TradingModel", path: str | Path) -> None:
    """Write the model's weights and sizes to `path` as a sealed file, whatever its suffix.

    Raises `UsageError` for a model of another class, `Untrained` for one that has met no batch,
    `DataError` for weights that are no numbers.
    """
    from folkmoot.models.networks.trading_model import TradingModel

    if not isinstance(model, TradingModel):
        raise UsageError(
            f"{type(model).__name__} cannot be exported",
            where="export_model",
            allowed="a TradingModel; NeuralTrainer.save for other networks",
        )
    if not int(model.feature_extractor[3].num_batches_tracked):
        raise Untrained("the model has learnt from no batch", where=str(path), allowed="train it")
    arrays = {name: tensor.cpu().numpy() for name, tensor in model.state_dict().items()}
    _check_finite(arrays, str(path))
    facts = {"kind": KIND, "config": _config(model), "size": _size(model)}
    container.write(Path(path), container.pack(arrays, facts))


def setup_inference(model_path: str | Path) -> "TradingModel":
    """Return the `TradingModel` of a file that `export_model` wrote, ready to be asked.

    Raises `DataError` for any other file (a pickle is named as one), for a damaged one, and for one
    whose sizes claim more than its arrays hold.
    """
    import torch

    from folkmoot.models.networks.trading_model import TradingModel

    arrays, facts = container.read(Path(model_path))
    if facts.get("kind") != KIND:
        raise DataError(
            f"it holds no {KIND}", where=str(model_path), allowed="what export_model wrote"
        )
    _check_finite(arrays, str(model_path))
    try:
        claims.check_sizes({**facts["config"], **facts["size"]})
        with claims.fence(arrays):
            model = TradingModel(facts["config"], **facts["size"])
        wanted = model.state_dict()
        state = {
            name: torch.from_numpy(np.array(array)).reshape(wanted[name].shape)
            for name, array in arrays.items()
        }
        model.load_state_dict(state)
    except claims.BROKEN as problem:
        raise DataError(
            f"its contents do not make a {KIND}: {problem!r}"[:200],
            where=str(model_path),
            allowed="what export_model wrote",
        ) from problem
    model.eval()
    return model


def predict(model: Any, data: Any) -> "Tensor":
    """Return the model's raw numbers `[rows, out]` for `sequence` and `indicators` of `data`.

    One window without the axis of rows is a batch of one. Raises `UsageError` for data without
    them, `DataError` where a number is unknown.
    """
    import torch

    missing = {"sequence", "indicators"} - set(data)
    if missing:
        raise UsageError(f"no {sorted(missing)}", where="predict", allowed="as calculate_features")
    device = next(model.parameters()).device
    sequence, indicators = (
        torch.as_tensor(data[name], dtype=torch.float32, device=device)
        for name in ("sequence", "indicators")
    )
    if sequence.ndim == 2:
        sequence, indicators = sequence[None], indicators.reshape(1, -1)
    if not bool(sequence.isfinite().all() and indicators.isfinite().all()):
        raise DataError("a number is unknown", where="predict", allowed="finite windows")
    before = model.training
    model.eval()
    with torch.no_grad():
        said: Tensor = model(sequence, indicators)
    model.train(before)
    return said


def _config(model: "TradingModel") -> dict[str, int]:
    return {
        "input_channels": model.feature_extractor[1].in_channels,
        "n_indicators": model.technical_layer.in_features,
        "output_dim": model.predictor[-1].out_features,
    }


def _size(model: "TradingModel") -> dict[str, Any]:
    """Return the options of a model, read from what it is made of."""
    from folkmoot.training.trainer_members import trading_size

    return trading_size(model)


def _check_finite(arrays: dict[str, Any], where: str) -> None:
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise DataError(f"array {name!r} is not finite", where=where, allowed="finite")
