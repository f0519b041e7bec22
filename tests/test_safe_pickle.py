"""Pickles are read without Python's unpickler: plain data arrive, and nothing in a file can run."""

import codecs
import collections
import gzip
import io
import os
import pickle
import pickletools
import struct
import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pytest

from splicebert.errors import FormatError
from splicebert.safe_pickle import load_pickle
from splicebert.safe_pickle.objects import BUILDERS
from splicebert.safe_pickle.tensors import TENSOR_BUILDERS

PROTOCOLS = (2, 3, 4, 5)


@pytest.fixture
def read(tmp_path):
    """Function of the bytes of a pickle to the object."""

    def read_bytes(data):
        path = tmp_path / "some.pkl"
        path.write_bytes(data)
        return load_pickle(path)

    return read_bytes


@pytest.fixture
def refused(read, tmp_path, monkeypatch):
    """Function of the bytes of a pickle that must be refused to the message; nothing has run."""
    monkeypatch.chdir(tmp_path)

    def refuse(data):
        before = set(sys.modules)
        with pytest.raises(FormatError) as caught:
            read(data)
        assert not (tmp_path / "ran").exists(), "code of the pickle has run"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["some.pkl"]
        assert set(sys.modules) == before, "the pickle had something imported"
        assert str(tmp_path / "some.pkl") in str(caught.value)
        return str(caught.value)

    return refuse


# --- plain data arrive


SHARED = [1, 2]
PLAIN = {
    "numbers": (1, -70000, 2.5, True, None, 10**40, "text", "ä" * 300, b"bytes", b""),
    "containers": [[], {}, (), {"a": [1, {"b": (2, 3, 4, 5)}]}, {1, 2}, frozenset("ab")],
    "ordered": collections.OrderedDict(x=1, y=[2]),
    "default": collections.defaultdict(list, {"a": [1]}),
    "shared": [SHARED, SHARED],
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", PLAIN)
def test_plain_values_arrive_unchanged(read, name, protocol):
    assert read(pickle.dumps(PLAIN[name], protocol)) == PLAIN[name]


ARRAYS = {
    "float32": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "float16, Fortran order": np.asfortranarray(np.arange(6, dtype=np.float16).reshape(2, 3)),
    "big-endian": np.arange(5, dtype=">i4"),
    "bool": np.array([True, False]),
    "text": np.array(["GT(donor)", "D", ""]),
    "bytes": np.array([b"ab", b"c"]),
    "every second": np.arange(20)[::2],
    "empty": np.zeros((0, 3)),
    "a single value": np.float32(2.5),
    "complex": np.array([1 + 2j]),
    "objects": np.array(["a", None, 3], object),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_arrive_unchanged(read, name, protocol):
    expected = ARRAYS[name]
    found = read(pickle.dumps(expected, protocol))
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tensors_arrive_as_arrays(read, protocol):
    import torch

    tensors = (
        torch.arange(6.0).reshape(2, 3).T,
        torch.arange(10)[3:7],
        torch.tensor([True, False]),
        torch.zeros(0, 4),
        torch.tensor(1.5, dtype=torch.float16),
    )
    found = read(pickle.dumps(tensors, protocol))
    for array, tensor in zip(found, tensors, strict=True):
        assert type(array) is np.ndarray
        assert array.dtype == tensor.numpy().dtype
        np.testing.assert_array_equal(array, tensor.numpy())


def test_a_compressed_pickle_is_read(read):
    assert read(gzip.compress(pickle.dumps([1, 2]))) == [1, 2]


# --- nothing runs


def run_command(command="touch ran"):
    """A pickle that Python's unpickler would run, by protocol 2 to 5."""

    class Evil:
        def __reduce__(self):
            return os.system, (command,)

    return Evil()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_call_of_os_system_is_refused(refused, protocol):
    assert "posix.system" in refused(pickle.dumps(run_command(), protocol))


def test_the_attack_would_work_on_pythons_unpickler(tmp_path):
    """What the tests refuse is real: the sentinel file appears where pickle.load reads it."""
    path = tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps(run_command()))
    code = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))"
    subprocess.run([sys.executable, "-c", code, path], cwd=tmp_path, check=True)
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("place", ["list", "dict", "key", "tuple", "objects", "compressed"])
def test_an_attack_within_data_is_refused(refused, place):
    evil = run_command()
    hidden = {
        "list": [1, [evil]],
        "dict": {"a": evil},
        "key": {(1, evil): 2} if place == "key" else None,
        "tuple": (np.arange(3), evil),
        "objects": np.array([evil], object),
        "compressed": evil,
    }[place]
    data = pickle.dumps(hidden)
    assert "posix.system" in refused(gzip.compress(data) if place == "compressed" else data)


def text(value):
    """SHORT_BINUNICODE of a text."""
    return b"\x8c" + bytes([len(value)]) + value.encode()


def calls(module, name, *arguments):
    """Protocol 4: a call of module.name with texts."""
    inner = b"(" + b"".join(map(text, arguments)) + b"t"
    return b"\x80\x04" + text(module) + text(name) + b"\x93" + inner + b"R."


@pytest.mark.parametrize(
    ("module", "name"),
    [
        *(("builtins", name) for name in ("eval", "exec", "getattr", "__import__", "open", "map")),
        ("__builtin__", "eval"),
        ("os", "system"),
        ("nt", "system"),
        ("subprocess", "Popen"),
        ("operator", "attrgetter"),
        ("functools", "partial"),
        ("importlib", "import_module"),
        ("pickle", "loads"),
        ("numpy", "load"),
        ("numpy", "memmap"),
        ("numpy.testing._private.utils", "runstring"),
        ("numpy.f2py.crackfortran", "myeval"),
        ("numpy.core._internal", "os.system"),
        ("numpy", "f2py.os.system"),
        ("numpy.core.multiarray", "_reconstruct.__globals__"),
        ("numpy.core", "multiarray._reconstruct"),
        ("numpy", "dtype.__class__"),
        ("numpy.f2py.os", "system"),
        ("collections", "namedtuple"),
        ("torch", "load"),
        ("torch.storage", "_load_from_bytes.__globals__"),
        ("", ""),
    ],
)
def test_other_names_are_refused_by_name(refused, module, name):
    message = refused(calls(module, name, "touch ran"))
    assert f"a call of {module}.{name}" in message


def test_a_name_that_is_only_mentioned_is_refused(refused):
    assert "the name os.system" in refused(b"\x80\x02]cos\nsystem\na.")


@pytest.mark.parametrize("arguments", [("f4", "x", "y"), ("O4",), ("V8",), ("f4,f4",), ("{}",)])
def test_dtypes_of_another_form_are_refused(refused, arguments):
    assert "dtype" in refused(calls("numpy", "dtype", *arguments))


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x02\x83\x01\x00.", "EXT2"),
        (b"\x80\x02\x84\x01\x00\x00\x00.", "EXT4"),
        (b"\x80\x02X\x01\x00\x00\x00aQ.", "persistent id"),
        (b"Pabc\n.", "PERSID"),
        (b"(cos\nsystem\nX\x09\x00\x00\x00touch rano.", "OBJ"),
        (b"(X\x09\x00\x00\x00touch ranios\nsystem\n.", "INST"),
        (b"cos\nsystem\n(S'touch ran'\ntR.", "STRING"),
        (b"\x80\x02cos\nsystem\nX\x09\x00\x00\x00touch ran\x85\x81.", "NEWOBJ"),
        (b"\x80\x04" + text("os") + text("system") + b"\x93" + text("touch ran") + b"\x85}\x92.",
         "NEWOBJ_EX"),
        (b"\x80\x05\x97.", "NEXT_BUFFER"),
    ],
)  # fmt: skip
def test_opcodes_that_plain_data_do_not_need_are_refused(refused, data, named):
    assert named in refused(data)


def test_a_state_for_anything_but_an_array_is_refused(refused):
    assert "a state for a dict" in refused(b"\x80\x02}}X\x01\x00\x00\x00aK\x01sb.")
    assert "a state for a Name" in refused(b"\x80\x02cos\nenviron\n}b.")


def array_with(**state):
    """Protocol 2 of an array with one part of its state replaced."""
    whole = {
        "version": 1,
        "shape": (2,),
        "dtype": np.dtype("<f4"),
        "fortran": False,
        "raw": b"8" * 8,
    }

    class Fake:
        def __reduce__(self):
            from numpy._core.multiarray import _reconstruct

            return _reconstruct, (np.ndarray, (0,), b"b"), tuple((whole | state).values())

    return pickle.dumps(Fake(), 2)


@pytest.mark.parametrize(
    "state",
    [
        {"shape": (1 << 40,)},
        {"shape": (1 << 100,)},
        {"shape": (-1,)},
        {"shape": (2.0,)},
        {"shape": (1,) * 40 + (2,)},
        {"shape": [2]},
        {"version": 7},
        {"dtype": "f4"},
        {"dtype": np.dtype("f8")},
        {"dtype": np.dtype("O")},
        {"dtype": np.dtype([("a", "f4"), ("b", "f4")])},
        {"raw": [1.0, 2.0]},
        {"raw": "88888888"},
    ],
)
def test_arrays_whose_state_does_not_fit_are_refused(read, refused, state):
    assert len(read(array_with())) == 2
    assert "refused" in refused(array_with(**state))


def test_an_array_of_a_subclass_is_refused(refused):
    data = pickle.dumps(np.arange(3), 2).replace(b"cnumpy\nndarray", b"cnumpy\nmatrix\n"[:-1])
    assert "numpy.ndarray" in refused(data)


@pytest.mark.parametrize("opcode", [b"\x8e", b"\x96", b"\x8d"], ids=["BYTES", "BYTEARRAY", "TEXT"])
def test_a_length_that_the_file_does_not_have_takes_no_memory(refused, opcode):
    data = b"\x80\x05" + opcode + struct.pack("<Q", 1 << 46) + b"abc."
    tracemalloc.start()
    try:
        assert "damaged" in refused(data)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


def test_more_than_the_limit_is_refused(tmp_path):
    path = tmp_path / "bomb.pkl.gz"
    path.write_bytes(gzip.compress(pickle.dumps(bytes(10 << 20))))
    assert path.stat().st_size < 100_000
    with pytest.raises(FormatError, match="limit of 1000000 bytes"):
        load_pickle(path, most_bytes=1_000_000)


def test_a_memo_of_a_far_index_takes_no_memory(read):
    assert read(b"\x80\x02Nr\xff\xff\xff\xff.") is None


def test_objects_that_hold_themselves_are_refused(refused):
    own = []
    own.append(own)
    assert "holds itself" in refused(pickle.dumps(own))
    table = {}
    table["a"] = [table]
    assert "holds itself" in refused(pickle.dumps(table))


def test_a_tower_is_refused_and_a_wide_graph_is_not_copied(refused, read):
    tower, wide = [], []
    for _ in range(60):
        tower = [tower]
    for _ in range(40):
        wide = [wide, wide]  # 2 ** 40 lists, if each were made anew
    assert "levels" in refused(pickle.dumps(tower))
    found = read(pickle.dumps(wide))
    assert found[0] is found[1]


def test_a_key_that_takes_for_ever_to_hash_is_refused(refused):
    key = ()
    for _ in range(40):
        key = (key, key)
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, 2)
    pickler.dump(key)
    body = buffer.getvalue()[2:-1]
    assert "a key of type tuple" in refused(b"\x80\x02}" + body + b"Ns.")
    assert "a key of type tuple" in refused(b"\x80\x04\x8f(" + body + b"\x90.")


@pytest.mark.parametrize("cut", [1, 2, 10, 60, 100])
def test_a_truncated_pickle_is_damaged(refused, cut):
    whole = pickle.dumps({"a": np.arange(20.0), "b": "text"})
    assert "damaged" in refused(whole[:cut])
    assert "damaged" in refused(gzip.compress(whole)[: 10 + cut // 2])


def test_what_is_no_pickle_is_said_to_be_none(refused):
    array = io.BytesIO()
    np.save(array, np.array([run_command()], object), allow_pickle=True)
    assert "an array of np.save" in refused(array.getvalue())
    arrays = io.BytesIO()
    np.savez(arrays, a=np.array([run_command()], object))
    assert "a zip" in refused(arrays.getvalue())
    assert "damaged" in refused(b"<!doctype html>")
    assert "damaged" in refused(b"")


# --- tensors


def tensor_with(storage):
    """A pickle of a tensor whose storage is these bytes."""
    import torch

    class Fake:
        def __reduce__(self):
            return torch.storage._load_from_bytes, (storage,)

    return pickle.dumps(Fake(), 4)


def test_a_storage_of_torch_runs_nothing_either(refused):
    import torch

    buffer = io.BytesIO()
    torch.save(run_command(), buffer, _use_new_zipfile_serialization=False)
    assert "posix.system" in refused(tensor_with(buffer.getvalue()))
    assert "refused" in refused(tensor_with(pickle.dumps(run_command())))
    assert "damaged" in refused(tensor_with(b""))
    buffer = io.BytesIO()
    torch.save(torch.arange(3), buffer)  # a zip, torch's newer form
    assert "damaged" in refused(tensor_with(buffer.getvalue()))


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [(0, (5,), (1,)), (3, (2,), (1,)), (-1, (2,), (1,)), (0, (2,), (9,)), (0, (1 << 40,), (0,)),
     (0, (2, 2), (1,)), (0, (2,), (-1,))],
)  # fmt: skip
def test_a_tensor_that_leaves_its_storage_is_refused(refused, offset, size, stride):
    import torch

    class Fake:
        def __reduce__(self):
            storage = torch.arange(4.0).storage()
            order = collections.OrderedDict()
            return torch._utils._rebuild_tensor_v2, (storage, offset, size, stride, False, order)

    assert "tensor of torch" in refused(pickle.dumps(Fake(), 4))


def test_all_that_may_be_built_is_data():
    """The table is short, and nobody adds a function of another module unseen."""
    names = {str(name) for name in (*BUILDERS, *TENSOR_BUILDERS)}
    allowed = {"numpy.dtype", "_codecs.encode"}
    allowed |= {"collections.OrderedDict", "collections.defaultdict"}
    for base in ("builtins", "__builtin__"):
        allowed |= {f"{base}.{kind}" for kind in ("set", "frozenset", "bytes")}
    for base in ("numpy.core", "numpy._core"):
        allowed |= {f"{base}.multiarray._reconstruct", f"{base}.multiarray.scalar"}
        allowed |= {f"{base}.numeric._frombuffer"}
    allowed |= {"torch.storage._load_from_bytes", "torch._utils._rebuild_tensor_v2"}
    assert names == allowed


def test_the_package_names_no_unpickler(root):
    """Python's unpickler, and what uses it, is nowhere in the reader or the converters."""
    folders = ("src/splicebert/safe_pickle", "src/splicebert/precomputed", "scripts/precomputed")
    for folder in folders:
        for path in (root / folder).rglob("*.py"):
            words = path.read_text()
            for banned in ("pickle.load", "Unpickler(", "import pickle\n", "allow_pickle", "eval("):
                assert banned not in words, (path, banned)


def test_every_opcode_is_known_or_refused(refused, read):
    """All opcodes that exist: each of them either builds data or is refused."""
    for opcode in pickletools.opcodes:
        data = b"\x80\x02" + opcode.code.encode("latin-1") + b"\x00" * 12
        try:
            read(data)
        except FormatError:
            continue
        assert opcode.name in {"NONE", "NEWTRUE", "NEWFALSE"}, opcode.name


@pytest.mark.filterwarnings("ignore:invalid escape sequence")
def test_damaged_pickles_are_read_or_refused_and_raise_nothing_else(read):
    rng = np.random.default_rng(0)
    value = [np.arange(6.0).reshape(2, 3), np.array(["a", None], object), {"a": {1, 2}}, b"x" * 20]
    whole = [np.frombuffer(pickle.dumps(value, protocol), np.uint8) for protocol in PROTOCOLS]
    refused = 0
    for trial in range(200):
        data = whole[trial % len(whole)].copy()
        data[rng.integers(0, len(data), 3)] = rng.integers(0, 256, 3)
        try:
            read(data.tobytes())
        except FormatError:
            refused += 1
    assert 50 < refused < 200


# --- what goes into a message is short


class Call:
    """Pickled as a call of a function with arguments."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


def nested(levels):
    """A tuple that prints as 2 ** levels pairs of brackets."""
    value = ()
    for _ in range(levels):
        value = (value, value)
    return value


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
@pytest.mark.parametrize(
    "name", ["dtype", "encode", "dict", "shape", "raw", "objects", "size", "stride", "storage"]
)
def test_a_message_about_tuples_in_tuples_is_short(refused, name):
    import torch
    from numpy._core.numeric import _frombuffer

    large, order = nested(18), collections.OrderedDict()
    f4, storage, tensor = np.dtype("f4"), torch.arange(4.0).storage, torch._utils._rebuild_tensor_v2
    make = {
        "dtype": lambda: Call(np.dtype, large),
        "encode": lambda: Call(codecs.encode, large),
        "dict": lambda: Call(collections.OrderedDict, large),
        "shape": lambda: Call(_frombuffer, b"1234", f4, large, "C"),
        "raw": lambda: Call(_frombuffer, None, f4, large, "C"),
        "objects": lambda: None,
        "size": lambda: Call(tensor, storage(), 0, (large,), (1,), False, order),
        "stride": lambda: Call(tensor, storage(), 0, (1,), (large,), False, order),
        "storage": lambda: Call(torch.storage._load_from_bytes, persistent_id(large)),
    }
    data = pickle.dumps(make[name](), 4)
    if name == "objects":
        data = array_with(shape=large, dtype=np.dtype("f4"), raw=[])
    tracemalloc.start()
    try:
        assert len(refused(data)) < 1000
        # The text of it would take 2.7 MB; what the fixture notes of loaded modules, half of one.
        assert tracemalloc.get_traced_memory()[1] < 1_500_000
    finally:
        tracemalloc.stop()


def persistent_id(key):
    """A storage of torch whose persistent id is any object."""
    from torch.serialization import MAGIC_NUMBER, PROTOCOL_VERSION

    class Pickler(pickle.Pickler):
        def persistent_id(self, found):
            return key if found is Call else None

    parts = [pickle.dumps(part, 2) for part in (MAGIC_NUMBER, PROTOCOL_VERSION)]
    parts.append(pickle.dumps({"little_endian": True}, 2))
    buffer = io.BytesIO()
    Pickler(buffer, 2).dump(Call)
    return b"".join([*parts, buffer.getvalue()])


def test_a_message_about_a_deep_tower_is_short(refused):
    tower = b")" + b"\x85" * 100_000
    assert "dtype ((((" in refused(b"\x80\x02cnumpy\ndtype\n" + tower + b"R.")
    assert "levels" in refused(b"\x80\x02" + tower + b".")


def test_a_number_beyond_what_numpy_counts_is_refused(refused):
    import torch

    tensor, order = torch._utils._rebuild_tensor_v2, collections.OrderedDict()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the old storage
        storage = torch.arange(4.0).storage()
        data = pickle.dumps(Call(tensor, storage, 0, (1,), (1 << 100,), False, order), 4)
    assert "some.pkl" in refused(data)
