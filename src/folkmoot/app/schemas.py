"""What the service takes and gives; the OpenAPI document is made of these."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_SYMBOLS = 100

Symbol = Annotated[str, Field(min_length=1, max_length=64, examples=["BTC"])]
Frame = Literal["1m", "5m", "15m", "30m", "1h", "2h", "4h", "1d", "1w"]
ModelId = Annotated[str, Field(min_length=1, max_length=64, examples=["ensemble"])]
Number = float | None


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", protected_namespaces=())


class SingleRequest(_Strict):
    """One market, one model."""

    symbol: Symbol
    timeframe: Frame | None = None
    model: ModelId = "ensemble"


class BatchRequest(_Strict):
    """Several markets, one model."""

    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=MOST_SYMBOLS)]
    timeframe: Frame | None = None
    model: ModelId = "ensemble"


class ErrorFacts(BaseModel):
    """What was wrong, where, and what is allowed."""

    type: str
    message: str
    where: str | None
    allowed: list[Any] | str | None


class ErrorAnswer(BaseModel):
    """The form of every error."""

    error: ErrorFacts


class UntrainedAnswer(ErrorAnswer):
    """A model that no stored study has tried, or only one that failed itself, says nothing."""

    status: Literal["untrained"]


class Health(BaseModel):
    """Whether the service answers, and for what."""

    status: Literal["ok"]
    version: str
    markets: list[str]
    members: int
    trained: int


class Member(BaseModel):
    """A member, its options, and what the stored study of a market says of it.

    `verdict` and `study` are that study's verdict and key; `skill` its row for the member, whose
    `status` is `earned` where it may be acted on.
    """

    id: str
    kind: Literal["model", "baseline", "committee"]
    status: Literal["trained", "untrained"]
    parameters: dict[str, Any]
    market: str | None
    timeframe: str | None
    verdict: str | None
    study: str | None
    skill: dict[str, Any]


class MemberList(BaseModel):
    """Every member, once per market that is served."""

    models: list[Member]


class MemberState(BaseModel):
    """One member on every market that is served; `trained` if it is on any of them."""

    id: str
    status: Literal["trained", "untrained"]
    markets: list[Member]


class Prediction(BaseModel):
    """What a model says about the next bars; null is unknown, never a guess.

    `confidence` is the calibrated probability that `signal` is right. A model that has earned no
    weight has status `no_earned_weight` and says HOLD; its `p_up` may be read all the same.
    `verdict` is that of the study behind it, `verdict_reason` the code of what decided it, and
    `caveats` say in words what stands against acting on it.
    """

    model_config = ConfigDict(protected_namespaces=())

    signal: Literal["BUY", "SELL", "HOLD"]
    confidence: Number
    reason: str
    interval: list[Number]
    n_evidence: int
    status: str
    symbol: str
    timeframe: str
    model: str
    horizon: int
    known_at: int
    p_up: Number
    quantiles: list[Number]
    weight: Number
    verdict: str
    verdict_reason: str
    caveats: list[str]


class BatchItem(BaseModel):
    """The prediction for one symbol as it was asked for, or its error."""

    symbol: str
    prediction: Prediction | None
    error: ErrorFacts | None


class BatchAnswer(BaseModel):
    """One item per symbol, in the order of the request."""

    predictions: list[BatchItem]
