"""An option has the type that its plug-in asks for, or the plug-in is not made."""

from typing import Any

import pytest

from folkmoot import models
from folkmoot.core import plugins
from folkmoot.core.errors import FolkmootError, UsageError
from folkmoot.core.option_types import takes

ODD = ("False", "", -1, 10**20, float("nan"), float("inf"), True, None, [0], ["a"], {"a": 1}, 0.5)
OPTIONS = [
    (name, option)
    for name in models.MODELS
    for option in plugins.options(plugins.load("folkmoot.models", name))
]


def cup(
    size: int = 3,
    depth: float = 1.0,
    handle: bool = True,
    colour: str = "red",
    lid: float | None = None,
    feet: tuple[int, ...] = (),
    box: tuple[int, int] = (1, 2),
    glaze: dict[str, Any] = {},  # noqa: B006
    plain=(1.5,),  # type: ignore[no-untyped-def]  # noqa: ANN001
    maker: Any = None,
) -> None:
    """Take an option of each kind."""


def refusal(name: str, option: str, value: Any) -> FolkmootError | None:
    """Return why the member is not made of that option; what is no refusal passes through."""
    try:
        models.build(name, **{option: value})
    except FolkmootError as error:
        return error
    return None


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_every_option_of_every_member_is_taken_or_refused_with_what_is_allowed(odd: Any) -> None:
    refused = [error for where in OPTIONS if (error := refusal(*where, odd)) is not None]
    assert len(refused) > len(OPTIONS) // 3
    assert all(error.allowed and error.where for error in refused)


@pytest.mark.parametrize(
    ("option", "good", "bad"),
    [
        ("size", [0, -4, 2**63 - 1], [True, 3.0, "3", None, 2**63, [3]]),
        ("depth", [1, 0.5, -2], [False, "1", float("inf"), float("nan"), 10**400, None]),
        ("handle", [True, False], [0, 1, "False", "false", None]),
        ("colour", ["", "blue"], [1, None, b"blue", True]),
        ("lid", [None, 2, 0.5], ["none", False, [1.0]]),
        ("feet", [(), [1, 2], (3,)], [1, "12", [1.5], [True], None]),
        ("box", [[1, 2], (3, 4)], [[1], (1, 2, 3), 5]),
        ("glaze", [{}, {"a": 1}], [[], "a", None]),
        ("plain", [(0.5, 1)], [1.5, ["a"]]),
        ("maker", [None, 1, "x"], []),
    ],
)
def test_each_kind_of_option_takes_its_own(option: str, good: list[Any], bad: list[Any]) -> None:
    assert all(takes(cup, option, value) for value in good)
    assert not any(takes(cup, option, value) for value in bad)


def test_a_refusal_says_what_it_was_and_what_is_allowed() -> None:
    with pytest.raises(UsageError) as caught:
        models.build("gru_standard", both="False")
    assert caught.value.as_dict() == {
        "type": "UsageError",
        "message": "both is 'False'",
        "where": "gru_standard.both",
        "allowed": "true or false",
    }


def test_a_list_of_a_file_is_the_tuple_that_the_member_holds() -> None:
    made = models.build("nhits", pools=[4, 2], rates=[3])
    assert (made.pools, made.rates) == ((4, 2), (3,))
