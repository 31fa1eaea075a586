"""From the text of a formula to an expression: what a settings file or a command line may say.

Only the words of `folkmoot.causal`, of the indicators and of `features.volatility` are known, so
that a formula can neither look ahead nor do anything but compute.
"""

import ast
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from folkmoot import causal, indicators
from folkmoot.causal import Expr, const
from folkmoot.core import plugins
from folkmoot.core.errors import UnknownOption, UsageError

LONGEST = 4_000


def _expr(value: Any) -> Expr:
    return value if isinstance(value, Expr) else const(value)


OPERATIONS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
    ast.Lt: lambda a, b: _expr(a) < b,
    ast.LtE: lambda a, b: _expr(a) <= b,
    ast.Gt: lambda a, b: _expr(a) > b,
    ast.GtE: lambda a, b: _expr(a) >= b,
    ast.Eq: causal.equal,
    ast.NotEq: lambda a, b: causal.negate(causal.equal(a, b)),
}
NO_WORDS = frozenset({"NEVER", "Expr", "Program", "Stream", "compile"})


def parse(text: str) -> Expr:
    """Return the expression that a formula spells.

    It is Python's notation: arithmetic, one comparison, calls of operators and indicators, and
    `macd()["histogram"]` for one of several outputs. Raises `UsageError` that says what was
    wrong and where.

    >>> parse("100 * (close - lowest(low, 14)) / (highest(high, 14) - lowest(low, 14))").warmup
    13
    """
    found = value(text)
    if isinstance(found, dict):
        outputs = [f"[{key!r}]" for key in found]
        raise UsageError(f"{text!r} has several outputs", where="formula", allowed=outputs)
    return found if isinstance(found, Expr) else const(found)


def value(text: str) -> Any:
    """Return what a formula spells: an expression, a number, or an indicator's outputs by name."""
    if len(text) > LONGEST:
        raise UsageError(
            f"a formula of {len(text)} characters", where="formula", allowed=f"<= {LONGEST}"
        )
    try:
        tree = ast.parse(text.strip(), mode="eval")
        found = _Reader(text).read(tree.body)
    except (SyntaxError, ValueError, OverflowError, RecursionError) as problem:
        raise UsageError(
            f"{text!r} cannot be read: {problem}", where="formula", allowed="Python's notation"
        ) from problem

    if isinstance(found, (Expr, dict, int, float)):
        return found
    raise UsageError(f"{text!r} is no expression", where="formula", allowed="numbers and columns")


def call(function: Any, given: Sequence[Any], named: Mapping[str, Any], where: str) -> Any:
    """Return what an operator or an indicator makes of its arguments.

    Raises `UnknownOption` for arguments that it does not have, `UsageError` for values that it
    cannot compute with.
    """
    accepted = inspect.signature(function)
    try:
        accepted.bind(*given, **named)
    except TypeError as problem:
        raise UnknownOption(
            f"{function.__name__}: {problem}", where=where, allowed=[*accepted.parameters]
        ) from problem
    try:
        return function(*given, **named)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as problem:
        shown = [*map(str, given), *(f"{key}={value}" for key, value in named.items())]
        raise UsageError(
            f"{function.__name__}({', '.join(shown)}) means nothing: {problem}",
            where=where,
            allowed=[*accepted.parameters],
        ) from problem


@cache
def words() -> Mapping[str, Any]:
    """Return everything that a formula may name."""
    from folkmoot.features import volatility
    from folkmoot.features.fracdiff import fractional_difference

    known = {name: getattr(causal, name) for name in causal.__all__ if name not in NO_WORDS}
    for name in ("ewma_vol", "log_open", "log_high", "log_low", "log_close", "log_return"):
        known[name] = getattr(volatility, name)
    known |= {"fractional_difference": fractional_difference, "abs": abs, "open": causal.open_}
    found = {name: indicators.function(name) for name in plugins.names(indicators.__name__)}
    return {"tau": math.tau, **known, **{k: v for k, v in found.items() if k not in known}}


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text

    def read(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant):
            return self._constant(node)
        if isinstance(node, ast.Name):
            return self._word(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._call(node)
        if isinstance(node, ast.Tuple | ast.List):
            return [self.read(item) for item in node.elts]
        return self._compound(node)

    def _compound(self, node: ast.expr) -> Any:
        match node:
            case ast.BinOp():
                return self._apply(node.op, node, self.read(node.left), self.read(node.right))
            case ast.Compare(ops=[operation], comparators=[other]):
                return self._apply(operation, node, self.read(node.left), self.read(other))
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
                return self._signed(node, self.read(node.operand), sign)
            case ast.Subscript(slice=ast.Constant(value=str(key))):
                return self._output(node, key)
        raise self._refusal(node, "arithmetic, one comparison, calls by name, ['output']")

    def _signed(self, node: ast.AST, operand: Any, sign: float) -> Any:
        if not isinstance(operand, (Expr, int, float)):
            raise self._refusal(node, "a number or a column")
        return operand if sign > 0.0 else -operand

    def _constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, (str, int, float)) and not isinstance(node.value, bool):
            return node.value
        raise self._refusal(node, "numbers and texts")

    def _refusal(self, node: ast.AST, allowed: list[Any] | str) -> UsageError:
        said = ast.get_source_segment(self._text.strip(), node) or self._text
        return UsageError(f"{said!r} means nothing here", where="formula", allowed=allowed)

    def _word(self, node: ast.Name) -> Any:
        if node.id not in words():
            raise UsageError(f"nothing is called {node.id!r}", where="formula", allowed=[*words()])
        return words()[node.id]

    def _apply(self, operation: ast.AST, node: ast.AST, left: Any, right: Any) -> Any:
        numbers = (Expr, int, float)
        known = type(operation) in OPERATIONS
        if not known or not isinstance(left, numbers) or not isinstance(right, numbers):
            raise self._refusal(node, "+ - * / ** < <= > >= == != between numbers and columns")
        if not isinstance(left, Expr) and isinstance(operation, ast.Pow):
            left, right = left * 1.0, right * 1.0
        try:
            return OPERATIONS[type(operation)](left, right)
        except (ZeroDivisionError, OverflowError) as problem:
            raise self._refusal(node, "a number") from problem

    def _call(self, node: ast.Call) -> Any:
        function = self.read(node.func)
        if not callable(function) or isinstance(function, Expr):
            raise self._refusal(node, "a call of an operator or an indicator")
        given = [self.read(argument) for argument in node.args]
        named = {str(word.arg): self.read(word.value) for word in node.keywords}
        return call(function, given, named, "formula")

    def _output(self, node: ast.Subscript, key: str) -> Any:
        found = self.read(node.value)
        if not isinstance(found, dict) or key not in found:
            outputs = [*found] if isinstance(found, dict) else "an indicator of several outputs"
            raise UsageError(f"there is no output {key!r}", where="formula", allowed=outputs)
        return found[key]
