"""`folkmoot analyze`: the decision for the last closed bar of one or more markets."""

from typing import Annotated, Any

import typer

from folkmoot.app.cli.output import (
    FeaturesOption,
    FeeOption,
    HorizonOption,
    JsonOption,
    LenientOption,
    ModelsOption,
    SlippageOption,
    SourceOption,
    SymbolOption,
    TimeframeOption,
    emit,
)

MarketsArgument = Annotated[list[str], typer.Argument(help="Files, kind:place, or symbols.")]
WeightOption = Annotated[
    float, typer.Option(min=0.0, max=1.0, help="Largest share of equity in one market.")
]
LlmOption = Annotated[
    str | None, typer.Option(help="URL of an OpenAI-compatible server, e.g. .../v1.")
]
LlmModelOption = Annotated[str | None, typer.Option(help="The model to ask there.")]
DeadlineOption = Annotated[
    float | None, typer.Option(min=0.1, max=600.0, help="Seconds in all for the server.")
]
AtOnceOption = Annotated[int, typer.Option(min=1, max=32, help="Markets worked on at once.")]


def run(
    data: MarketsArgument,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    source: SourceOption = None,
    models: ModelsOption = None,
    features: FeaturesOption = "core",
    horizon: HorizonOption = 1,
    fee: FeeOption = 0.001,
    slippage: SlippageOption = 0.0005,
    max_weight: WeightOption = 1.0,
    lenient: LenientOption = False,
    llm: LlmOption = None,
    llm_model: LlmModelOption = None,
    deadline: DeadlineOption = None,
    at_once: AtOnceOption = 2,
    json: JsonOption = False,
) -> int:
    """Decide for the last closed bar, with the evidence, every member's belief and the limits."""
    from folkmoot.app.analyze import Place, Question, analyze, server
    from folkmoot.app.load import committee_of
    from folkmoot.execution import Costs, Limits

    question = Question(
        place=Place(symbol, timeframe, source, lenient),
        committee=committee_of(models, horizon),
        features=features,
        costs=Costs(fee=fee, slippage=slippage),
        limits=Limits(max_weight=max_weight),
    )
    found = analyze(data, question, llm=server(llm, llm_model, deadline), at_once=at_once)
    _show(found, json)
    return 3 if any("error" in one for one in found) else 0


def _show(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        emit(found[0] if len(found) == 1 else {"decisions": found})
        return
    from folkmoot.app.cli.tables import show_decisions

    show_decisions(found)
