"""Eight cells of memory taken at once, where LLVM cannot tell by itself that it may.

Each of the eight gets the very operations that the plain loop in its docstring would give it.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_DOUBLE, _FLAG, _LANES = ir.DoubleType(), ir.IntType(32), 8
_EIGHT = ir.VectorType(_DOUBLE, _LANES)
_NONE = ir.Constant(_EIGHT, ir.Undefined)
BYTES = 8


@intrinsic
def apart(typing: Any, mem: Any, z: Any, x: Any, w: Any) -> Any:
    """Write `for j in range(8): mem[z + j] = w * (mem[x + j] - mem[x])`."""

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory, to, place, weight = arguments
        first = builder.load(builder.gep(memory, [place]), typ=_DOUBLE)
        gaps = builder.fsub(_load(builder, memory, place), _all(builder, first))
        _store(builder, memory, to, builder.fmul(_all(builder, weight), gaps))
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
        summands = _NONE
        # With a summand of -0.0 the rounding and the sign are those of a product alone.
        for lane, part in enumerate((ir.Constant(_DOUBLE, -0.0), *parts)):
            summands = builder.insert_element(summands, part, _FLAG(lane))
        name, shape = "llvm.fma.v8f64", ir.FunctionType(_EIGHT, [_EIGHT] * 3)
        rule = declared(builder.module, name, shape)
        factors = [_load(builder, memory, powers), _all(builder, before), summands]
        lanes = builder.fadd(_all(builder, base), builder.call(rule, factors))
        _store(builder, memory, to, lanes)
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
    one = builder.insert_element(_NONE, number, _FLAG(0))
    return builder.shuffle_vector(one, _NONE, ir.Constant(ir.VectorType(_FLAG, _LANES), [0] * 8))


def _lanes_at(builder: Any, memory: Any, place: Any) -> Any:
    return builder.bitcast(builder.gep(memory, [place]), _EIGHT.as_pointer())


def _load(builder: Any, memory: Any, place: Any) -> Any:
    lanes = builder.load(_lanes_at(builder, memory, place), typ=_EIGHT)
    lanes.align = BYTES
    return lanes


def _store(builder: Any, memory: Any, place: Any, lanes: Any) -> None:
    builder.store(lanes, _lanes_at(builder, memory, place)).align = BYTES
