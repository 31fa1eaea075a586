"""Whatever is sent, no answer is a 5xx that the oracle did not mean, nor outside the contract."""

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from pydantic import SecretStr
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from tests.app.service_oracle import MARKETS, KnownOracle

from folkmoot.app.service import create


class Steady(KnownOracle):
    """The same, without the market whose data failed."""

    def markets(self) -> list[str]:
        return [market for market in MARKETS if market != "DOT/USDT"]


SECRET = "s" * 32
schema = schemathesis.openapi.from_asgi(
    "/openapi.json",
    create(Steady(), SecretStr(SECRET)),
    headers={"Authorization": f"Bearer {SECRET}"},
)


@schema.parametrize()
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_breaks_the_service(case: schemathesis.Case) -> None:
    case.call_and_validate(
        headers={"Authorization": f"Bearer {SECRET}"},
        checks=[
            not_a_server_error,
            status_code_conformance,
            response_schema_conformance,
            negative_data_rejection,
        ],
    )
