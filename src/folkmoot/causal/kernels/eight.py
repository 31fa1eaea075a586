"""Eight cells of memory taken abreast, where LLVM cannot tell by itself that it may.

Each of the eight gets the very operations that the plain loop in its docstring would give it. They
go by fours: eight wide, one half would wait for the other.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_DOUBLE, _FLAG, _INDEX = ir.DoubleType(), ir.IntType(32), ir.IntType(64)
_LANES = 4
_FOUR = ir.VectorType(_DOUBLE, _LANES)
_NONE = ir.Constant(_FOUR, ir.Undefined)
BYTES = 8


@intrinsic
def apart(typing: Any, mem: Any, z: Any, x: Any, w: Any) -> Any:
    """Write `for j in range(8): mem[z + j] = w * (mem[x + j] - mem[x])`."""

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory, to, place, weight = arguments
        first = _all(builder, builder.load(builder.gep(memory, [place]), typ=_DOUBLE))
        weights = _all(builder, weight)
        read = [_load(builder, memory, place, half) for half in (0, _LANES)]
        for half, values in zip((0, _LANES), read, strict=True):
            gaps = builder.fsub(values, first)
            _store(builder, memory, to, half, builder.fmul(weights, gaps))
        return context.get_dummy_value()

    return types.void(mem, z, x, w), lower


@intrinsic
def together(
    typing: Any,
    mem: Any,
    z: Any,
    p: Any,
    r: Any,
    u: Any,
    c2: Any,
    c3: Any,
    c4: Any,
    c5: Any,
    c6: Any,
    c7: Any,
    c8: Any,
) -> Any:
    """Write `for j in range(8): mem[z + j] = r + fma(mem[p + j], u, (-0.0, c2, .. c8)[j])`."""
    read = (p, r, u, c2, c3, c4, c5, c6, c7, c8)

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory, to, powers, base, before, *parts = arguments
        # With a summand of -0.0 the rounding and the sign are those of a product alone.
        every = [ir.Constant(_DOUBLE, -0.0), *parts]
        r_all, u_all = _all(builder, base), _all(builder, before)
        rule = declared(builder.module, "llvm.fma.v4f64", ir.FunctionType(_FOUR, [_FOUR] * 3))
        for half in (0, _LANES):
            summands = _NONE
            for lane, part in enumerate(every[half : half + _LANES]):
                summands = builder.insert_element(summands, part, _FLAG(lane))
            factors = [_load(builder, memory, powers, half), u_all, summands]
            lanes = builder.fadd(r_all, builder.call(rule, factors))
            _store(builder, memory, to, half, lanes)
        return context.get_dummy_value()

    return types.void(mem, z, *read), lower


@intrinsic
def fetch(typing: Any, mem: Any, index: Any) -> Any:
    """Ask for the line of cache of a cell that is going to be written, and go on."""

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.gep(arguments[0], [arguments[1]])
        shape = ir.FunctionType(ir.VoidType(), [place.type, _FLAG, _FLAG, _FLAG])
        rule = declared(builder.module, "llvm.prefetch.p0", shape)
        # To be read, into the second level: more lines than the first can wait for at once.
        builder.call(rule, [place, _FLAG(0), _FLAG(2), _FLAG(1)])
        return context.get_dummy_value()

    return types.void(mem, index), lower


def declared(module: Any, name: str, shape: Any) -> Any:
    """Return a function of LLVM by name, declared at most once in a module."""
    return module.globals.get(name) or ir.Function(module, shape, name)


def _all(builder: Any, number: Any) -> Any:
    one, lanes = builder.insert_element(_NONE, number, _FLAG(0)), ir.VectorType(_FLAG, _LANES)
    return builder.shuffle_vector(one, _NONE, ir.Constant(lanes, [0] * _LANES))


def _lanes_at(builder: Any, memory: Any, place: Any, half: int) -> Any:
    first = builder.gep(memory, [builder.add(place, _INDEX(half))])
    return builder.bitcast(first, _FOUR.as_pointer())


def _load(builder: Any, memory: Any, place: Any, half: int) -> Any:
    lanes = builder.load(_lanes_at(builder, memory, place, half), typ=_FOUR)
    lanes.align = BYTES
    return lanes


def _store(builder: Any, memory: Any, place: Any, half: int, lanes: Any) -> None:
    builder.store(lanes, _lanes_at(builder, memory, place, half)).align = BYTES
