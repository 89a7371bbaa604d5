"""Writes beside-N.pkl and module-N.pkl (N: the protocol): what trainers leave beside weights, and a whole module.

Needs nothing but Python: classes of torch, numpy and others are stand-ins with their names and reduce forms.
"""
import collections
import datetime
import decimal
import enum
import fractions
import functools
import io
import pathlib
import pickle
import random
import sys
import types
import uuid


def stand_in(module, name, base=object, **members):
    """A class or function that pickles under another module's name."""
    parts = module.split(".")
    for i in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:i]), types.ModuleType(".".join(parts[:i])))
    made = type(name, (base,), {**members, "__module__": module, "__qualname__": name})
    setattr(sys.modules[module], name, made)
    return made


def function(module, name):
    made = types.FunctionType((lambda *a: None).__code__, {}, name)
    made.__module__, made.__qualname__ = module, name
    stand_in(module, "_")
    setattr(sys.modules[module], name, made)
    return made


class Reduced:
    """Pickles as a call with arguments and a state."""

    def __init__(self, *form):
        self.form = form

    def __reduce_ex__(self, protocol):
        return self.form


class Storage:
    pass


FloatStorage = stand_in("torch", "FloatStorage")
rebuild_tensor = function("torch._utils", "_rebuild_tensor_v2")
rebuild_parameter = function("torch._utils", "_rebuild_parameter")
rebuild_parameter_with_state = function("torch._utils", "_rebuild_parameter_with_state")
rebuild_from_type = function("torch._tensor", "_rebuild_from_type_v2")
rebuild_sparse = function("torch._utils", "_rebuild_sparse_tensor")
rebuild_quantized = function("torch._utils", "_rebuild_qtensor")
rebuild_meta = function("torch._utils", "_rebuild_meta_tensor_no_storage")
rebuild_wrapper = function("torch._utils", "_rebuild_wrapper_subclass")
Parameter = stand_in("torch.nn.parameter", "Parameter")
dtype_of_torch = stand_in("torch", "dtype")


class Named:
    """A global that is no class: torch.float32."""

    def __init__(self, module, name):
        self.module, self.name = module, name
        setattr(sys.modules[module], name, self)

    def __reduce_ex__(self, protocol):
        return self.name


float32 = Named("torch", "float32")
strided = Named("torch", "sparse_coo")
affine = Named("torch", "per_tensor_affine")
for named in (float32, strided, affine):
    named.__module__ = "torch"


def tensor(shape, strides, offset=0):
    return Reduced(rebuild_tensor, (Storage(), offset, shape, strides, False, collections.OrderedDict()))


ndarray = stand_in("numpy", "ndarray")
numpy_dtype = stand_in("numpy", "dtype")


randomstate = function("numpy.random._pickle", "__randomstate_ctor")


def numpy_values(core):
    """An array, scalars and a generator as the NumPy of that core writes them."""
    reconstruct = function(f"{core}.multiarray", "_reconstruct")
    scalar = function(f"{core}.multiarray", "scalar")
    frombuffer = function(f"{core}.numeric", "_frombuffer")
    def dtype(name, order="<"):
        return Reduced(numpy_dtype, (name, False, True), (3, order, None, None, None, -1, -1, 0))

    array = Reduced(
        reconstruct, (ndarray, (0,), b"b"), (1, (2,), dtype("f8"), False, b"\0" * 16))
    return {
        "array": array,
        "objects": Reduced(reconstruct, (ndarray, (0,), b"b"), (1, (2,), dtype("O8", "|"), False, ["a", None])),
        "buffer": Reduced(frombuffer, (bytearray(16), dtype("f8"), (2,), "C")),
        "f8": Reduced(scalar, (dtype("f8"), b"\0\0\0\0\0\0\xe0\x3f")),
        "u1": Reduced(scalar, (dtype("u1", "|"), b"\x07")),
        "f2": Reduced(scalar, (dtype("f2"), b"\x00\x3c")),
        "big": Reduced(scalar, (dtype("f8", ">"), b"\x3f\xe0\0\0\0\0\0\0")),
        "text": Reduced(scalar, (dtype("U1"), b"a\0\0\0")),
        "complex": Reduced(scalar, (dtype("c16"), b"\0" * 16)),
        "random": Reduced(
            randomstate, ("MT19937",),
            {"bit_generator": "MT19937", "state": {"key": array, "pos": 5}, "has_gauss": 0, "gauss": 0.0}),
    }


class Color(enum.Enum):
    RED = 1


class Flags(enum.IntFlag):
    A = 1
    B = 2


class Point(collections.namedtuple("Point", "x y")):
    pass


class Slots:
    __slots__ = ("a", "b")


class Old:
    """With keyword arguments for __new__."""

    def __new__(cls, *args, **named):
        return super().__new__(cls)

    def __getnewargs_ex__(self):
        return (1,), {"named": 2}


EasyDict = stand_in("easydict", "EasyDict", dict)
HistoryBuffer = stand_in("mmengine.logging.history_buffer", "HistoryBuffer", min=lambda self: 0)
DictConfig = stand_in("omegaconf.dictconfig", "DictConfig")
ContainerMetadata = stand_in("omegaconf.base", "ContainerMetadata")
StateDict = stand_in("trainer.state", "StateDict", collections.OrderedDict)
Shuffled = stand_in("trainer.state", "Shuffled", list)
Unique = stand_in("trainer.state", "Unique", set)


class ByName:
    """getattr(class, name), as Python 3 pickles methods of classes."""

    def __reduce__(self):
        return getattr, (HistoryBuffer, "min")


def made(type_, state):
    value = type_.__new__(type_)
    value.__dict__.update(state)
    return value


def beside(protocol):
    slots = Slots()
    slots.a, slots.b = 1, "two"
    easy = EasyDict(lr=0.1, model=EasyDict(name="vim"))
    history = made(HistoryBuffer, {"_max_length": 1000, "_statistics_methods": {"min": ByName()}})
    weights = StateDict(w=tensor((2, 3), (3, 1)))
    weights["bias"] = Reduced(rebuild_parameter, (tensor((3,), (1,), 3), True, collections.OrderedDict()))
    weights["scale"] = Reduced(
        rebuild_parameter_with_state, (tensor((2,), (1,)), True, collections.OrderedDict(), {"tag": 1}))
    weights["kind"] = Reduced(
        rebuild_from_type,
        (rebuild_tensor, Parameter, (Storage(), 1, (2,), (1,), False, collections.OrderedDict()), {}))
    weights["row"] = tensor((4, 2), (0, 1))
    weights["_extra_state"] = None
    weights._metadata = {"": {"version": 1}}
    return {
        "epoch": 7,
        "state_dict": weights,
        "old": numpy_values("numpy.core"),
        "new": numpy_values("numpy._core"),
        "random": random.Random(3).getstate(),
        "generator": random.Random(3),
        "enum": Color.RED, "flags": Flags.A | Flags.B, "color": Color,
        "deque": collections.deque([1, 2], maxlen=5),
        "counter": collections.Counter("aab"), "default": collections.defaultdict(list, a=[1]),
        "nested": collections.defaultdict(functools.partial(collections.defaultdict, int)),
        "chain": collections.ChainMap({"a": 1}),
        "partial": functools.partial(sorted, reverse=True),
        "namespace": types.SimpleNamespace(lr=0.5), "point": Point(1, 2), "slots": slots, "old_style": Old(),
        "when": datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.timezone.utc),
        "took": datetime.timedelta(seconds=3), "day": datetime.date(2024, 2, 29), "time": datetime.time(1, 2),
        "complex": 1 + 2j, "fraction": fractions.Fraction(1, 3), "decimal": decimal.Decimal("0.1"),
        "slice": slice(1, 2), "range": range(3), "uuid": uuid.UUID(int=5), "path": pathlib.PurePosixPath("/runs/a"),
        "set": {1, 2}, "frozen": frozenset("ab"), "empty_set": set(), "empty_frozen": frozenset(),
        "bytes": b"\xff\0", "bytearray": bytearray(b"\xff\0"), "empty_bytearray": bytearray(), "big": 1 << 200,
        "ellipsis": ..., "not_implemented": NotImplemented, "none_type": type(None), "int_type": int,
        "easy": easy, "history": history, "by_name": ByName(),
        "config": made(DictConfig, {
            "_metadata": made(ContainerMetadata, {"ref_type": dict, "object_type": dict, "flags": {}}),
            "_parent": None, "_content": {"lr": 0.1}}),
        "subclasses": [Shuffled([1, 2]), Unique([3])],
        "sparse": Reduced(rebuild_sparse, (strided, (tensor((1, 2), (2, 1)), tensor((2,), (1,)), (4,)))),
        "quantized": Reduced(
            rebuild_quantized, (Storage(), 0, (2,), (1,), (affine, 0.5, 0), False, collections.OrderedDict())),
        "meta": Reduced(rebuild_meta, (float32, (2, 2), (2, 1), False)),
        "wrapper": Reduced(
            rebuild_from_type,
            (rebuild_wrapper, Parameter, (Parameter, float32, (2,), (1,), 0, strided, "cpu", False), {})),
        "expanded": tensor((1000000, 2), (0, 1)),
    }


Linear = stand_in("torch.nn.modules.linear", "Linear")
Sequential = stand_in("torch.nn.modules.container", "Sequential")


def module(type_, parameters, buffers=(), modules=(), hidden=()):
    return made(type_, {
        "training": True, "_parameters": collections.OrderedDict(parameters),
        "_buffers": collections.OrderedDict(buffers), "_non_persistent_buffers_set": set(hidden),
        "_backward_hooks": collections.OrderedDict(), "_modules": collections.OrderedDict(modules),
        "in_features": 3})


def whole():
    linear = module(
        Linear, [("weight", Reduced(rebuild_parameter, (tensor((2, 3), (3, 1)), True, collections.OrderedDict()))),
                 ("bias", None)])
    return module(
        Sequential, [], [("mean", tensor((2,), (1,))), ("mask", tensor((1,), (1,)))],
        [("0", linear), ("1", linear), ("2", None)], ["mask"])


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return ("storage", FloatStorage, "0", "cuda:0", 6) if isinstance(value, Storage) else None


def write(name, value, protocol):
    stream = io.BytesIO()
    Pickler(stream, protocol).dump(value)
    with open(pathlib.Path(__file__).parent / f"{name}-{protocol}.pkl", "wb") as file:
        file.write(stream.getvalue())


for number in (2, 3, 4, 5):
    write("beside", beside(number), number)
    write("module", whole(), number)
