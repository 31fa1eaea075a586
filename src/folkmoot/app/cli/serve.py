"""`folkmoot serve`: the REST service."""

from typing import Annotated

import typer

from folkmoot.app.cli.output import (
    FeaturesOption,
    FeeOption,
    HorizonOption,
    JsonOption,
    ModelsOption,
    SlippageOption,
    TimeframeOption,
    emit,
    note,
)

DataOption = Annotated[
    list[str] | None, typer.Option("--data", help="File or kind:place; may be repeated.")
]
SymbolsOption = Annotated[
    list[str] | None, typer.Option("--symbol", help="The market of each --data, in order.")
]
HostOption = Annotated[
    str, typer.Option(help="Loopback; any other address needs FOLKMOOT_API_SECRET.")
]
PortOption = Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")]


def run(
    data: DataOption = None,
    symbol: SymbolsOption = None,
    timeframe: TimeframeOption = None,
    models: ModelsOption = None,
    features: FeaturesOption = "core",
    horizon: HorizonOption = 1,
    fee: FeeOption = 0.001,
    slippage: SlippageOption = 0.0005,
    host: HostOption = "127.0.0.1",
    port: PortOption = 5003,
    json: JsonOption = False,
) -> int:
    """Serve predictions over HTTP until stopped; without --data, for every stored series.

    With --json the one document is the address, written once the service listens.
    """
    from folkmoot.app.load import committee_of
    from folkmoot.app.oracle import StudyOracle, markets
    from folkmoot.app.serving import address, listen, serve
    from folkmoot.core.settings import settings
    from folkmoot.execution import Costs

    committee = committee_of(models, horizon)
    costs = Costs(fee=fee, slippage=slippage)
    with listen(host, port, settings().api_secret) as socket:
        oracle = StudyOracle(markets(data, symbol, timeframe), committee, features, costs)
        url = address(socket)
        if json:
            emit({"url": url, "markets": oracle.markets()})
        note(url)
        return serve(oracle, socket, settings().api_secret)
