"""Fused multiply-add (one rounding, a third of the latency of y + a * (x - y)), and `step`."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

Index = np.uint64
"""Offsets are unsigned: no wrap-around check keeps a loop from being vectorised."""

ZERO, ONE, TWO, THREE, FOUR = (Index(number) for number in range(5))

step = njit(error_model="numpy", nogil=True)
"""Compile a step. Only the machine is cached on disk; the steps are compiled into it."""

choice = njit(error_model="numpy", nogil=True, inline="always")
"""Compile a choice between steps into whoever calls it: on its own it would be compiled, with
every step below it, once more."""


@step
def whole(number: float) -> Index:
    """Return an offset that was stored as a float64 (a signed conversion is one instruction)."""
    return Index(np.int64(number))


@step
def real(index: Index) -> float:
    """Return an offset as a float64."""
    return float(np.int64(index))


@intrinsic
def pointer(typing: Any, array: Any) -> Any:
    """Return an array's data as one word, where an array is seven on every call of a step.

    It is indexed like the array and does not keep it alive.
    """
    signature = types.CPointer(array.dtype)(array)

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.make_array(array)(context, builder, arguments[0]).data

    return signature, lower


def _cells(kind: Any) -> Any:
    def cells(typing: Any, address: Any) -> Any:
        signature = types.CPointer(kind)(address)

        def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return signature, lower

    return intrinsic(cells)


floats_at, words_at = _cells(types.float64), _cells(types.uint64)
"""Return the cells at an address, as `pointer` returns those of an array."""


@intrinsic
def fma(typing: Any, x: Any, y: Any, z: Any) -> Any:
    """Return x * y + z rounded once, inside a compiled function."""
    signature = types.float64(types.float64, types.float64, types.float64)

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        double = ir.DoubleType()
        shape = ir.FunctionType(double, [double, double, double])
        instruction = builder.module.declare_intrinsic("llvm.fma", [double], shape)
        return builder.call(instruction, arguments)

    return signature, lower
