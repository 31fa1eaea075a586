"""Which member of the committee a network of document 001 or 004 is, and what it is made of."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from folkmoot import models
from folkmoot.core.errors import UsageError
from folkmoot.models.neural.network import Network
from folkmoot.models.neural.targets import WIDTH

if TYPE_CHECKING:
    from torch import nn

CHANNELS = 5


@dataclass(eq=False)
class Given(Network):
    """A module of the user's own, called with `[rows, lookback, columns]` alone.

    It answers `[rows, 8 x horizons]`: a direction and seven quantiles for each horizon.
    """

    horizons: tuple[int, ...] = (1,)
    lookback: int = 60
    select: int = 64
    training: dict[str, Any] = field(default_factory=dict)
    module: Any = None

    def network(self, features: int, out: int) -> "nn.Module":
        """Return the module itself."""
        del features, out
        return self.module


def recognise(model: Any) -> tuple[str, dict[str, Any], str]:
    """Return (member, its size options, where the model lies in the member's network).

    The member is empty for a module of the user's own. Raises `UsageError` for what is no module.
    """
    from torch import nn

    from folkmoot.models.networks.lstm_model import LSTMModel
    from folkmoot.models.networks.tft import TFTModel
    from folkmoot.models.networks.trading_model import TradingModel

    if isinstance(model, LSTMModel):
        return "lstm_model", lstm_size(model), ""
    if isinstance(model, TFTModel):
        return "tft", tft_size(model), ""
    if isinstance(model, TradingModel):
        return "trading_model", trading_size(model), "model."
    if isinstance(model, nn.Module):
        return "", {}, ""
    raise UsageError(
        f"{type(model).__name__} is no network",
        where="NeuralTrainer",
        allowed="LSTMModel, TFTModel, TradingModel, or another nn.Module",
    )


def member_of(
    model: Any, features: int, horizons: tuple[int, ...], lookback: int, training: dict[str, Any]
) -> tuple[str, Network]:
    """Return (name, an unfitted member that starts from the weights of `model`).

    Raises `UsageError` where the model is not made for so many `features`, horizons or steps.
    """
    name, size, place = recognise(model)
    shared: dict[str, Any] = {
        "horizons": horizons,
        "lookback": lookback,
        "select": max(1, features),
    }
    if not name:
        return name, Given(module=model, training=training, **shared)
    member: Network = models.build(name, training={**training, "warm": True}, **shared, **size)
    _check_fit(model, member, place, features, len(horizons))
    weights = {f"net0.{place}{key}": t.cpu().numpy() for key, t in model.state_dict().items()}
    member.before = weights
    return name, member


def give_back(member: Network, model: Any) -> None:
    """Put what the member has learnt into the model that it started from."""
    fitted = member.networks()[0]
    if fitted is model:
        return
    place = recognise(model)[2]
    state = fitted.state_dict()
    model.load_state_dict({name.removeprefix(place): tensor for name, tensor in state.items()})


def lstm_size(model: Any) -> dict[str, Any]:
    """Return the options of an `LSTMModel`."""
    return {
        "hidden": model.norm.normalized_shape[0] // 2,
        "layers": len(model.layers),
        "heads": model.attention.num_heads,
        "dropout": model.attention.dropout,
    }


def tft_size(model: Any) -> dict[str, Any]:
    """Return the options of a `TFTModel`."""
    return {
        "hidden": model.answer.in_features,
        "heads": model.attention.heads,
        "width": model.selections[0].scale.shape[1],
        "dropout": model.local.dropout.p,
    }


def trading_size(model: Any) -> dict[str, Any]:
    """Return the options of a `TradingModel`."""
    return {
        "channels": model.feature_extractor[1].out_channels,
        "hidden": model.technical_layer.out_features,
        "layers": len(model.lstm),
        "heads": model.attention[0].attention.num_heads,
        "dropout": model.feature_extractor[4].p,
    }


def _check_fit(model: Any, member: Network, place: str, features: int, horizons: int) -> None:
    wanted = member.network(features, WIDTH * horizons).state_dict()
    given = {f"{place}{name}": tensor.shape for name, tensor in model.state_dict().items()}
    other = [name for name in wanted if given.get(name) != wanted[name].shape]
    if other or len(given) != len(wanted):
        raise UsageError(
            f"{type(model).__name__} does not fit the data: {other[0] if other else 'layers'}",
            where="NeuralTrainer",
            allowed=f"{features} features, {horizons} horizons with {WIDTH} answers each",
        )
