"""A reduced precision is measured on each run's own sequences, and given up where it is too bad."""

import logging

import numpy as np
import pytest
import torch
from scipy.stats import entropy, spearmanr

from splicebert import precision
from splicebert.inference import Item, run_attention_rows, run_hidden_states, run_logits
from splicebert.models.base import ModelAdapter
from splicebert.runtime import DTYPES, Runtime
from splicebert.sequence import A, T, tokens

CPU = torch.device("cpu")


class Noisy(ModelAdapter):
    """Smooth logits of the sequence; in other dtypes than float32, `spoil` changes them.

    Parameters
    ----------
    spoil
        Takes the results of a sequence, and the sequence; returns other results.
    """

    name, min_length, max_length, n_layers, hidden_size = "noisy", 1, 10_000, 1, 10

    def __init__(self, dtype, spoil=lambda values, sequence: values):
        self.dtype, self.spoil, self.ran = dtype, spoil, []

    def set_dtype(self, dtype):
        self.dtype = dtype

    def _one(self, sequence, offsets):
        codes = tokens(sequence).astype(float)
        place = np.arange(len(codes))
        around = 0.01 * 0.95 ** np.abs(place - place[:, None]) @ codes
        values = np.sin(around[:, None] * np.arange(1, 11))
        if self.dtype != "float32":
            values = self.spoil(values, sequence)
        return values if offsets is None else values[offsets]

    def logits_packed(self, sequences, masks=None, offsets=None):
        self.ran.append((self.dtype, list(sequences)))
        offsets = offsets or [None] * len(sequences)
        rows = [self._one(s, o) for s, o in zip(sequences, offsets, strict=True)]
        return torch.from_numpy(np.concatenate(rows)).float()

    def hidden_states_packed(self, sequences, layers, offsets=None):
        return self.logits_packed(sequences, None, offsets)[:, None]

    def attention_rows(self, sequences, offsets, *, maximum=False):
        values = self.logits_packed(sequences)[:, 0].split([len(s) for s in sequences])
        rows = torch.nn.utils.rnn.pad_sequence(values, batch_first=True)
        return rows[:, None, None].expand(-1, 2, offsets.shape[1], -1)


def noise(size):
    def spoil(values, sequence):
        rng = np.random.default_rng(tokens(sequence).tolist())
        return values + size * rng.standard_normal(values.shape)

    return spoil


def not_finite(what):
    def spoil(values, sequence):
        values = values.copy()
        values[-1, 3] = what
        return values

    return spoil


def random_sequence(rng, length=60):
    return "".join(rng.choice(list("ACGT"), length))


def items(n=30, length=60, seed=0):
    rng = np.random.default_rng(seed)
    return [Item(random_sequence(rng, length)) for _ in range(n)]


def pairs(n=15, changes=1, seed=0, **options):
    """Sequences, each with a neighbour that differs in `changes` bases."""
    rng, out = np.random.default_rng(seed), []
    for _ in range(n):
        sequence = random_sequence(rng)
        other = list(sequence)
        for place in rng.choice(60, changes, replace=False):
            other[place] = "ACGT"[("ACGT".index(other[place]) + 1) % 4]
        out += [Item(sequence, **options), Item("".join(other), **options)]
    return out


def runtime(dtype="float16", purpose="probability", batch_nt=10_000):
    return Runtime(CPU, dtype, batch_nt, 64, purpose)


def logits(adapter, batch, **options):
    return list(run_logits(adapter, batch, runtime(adapter.dtype, **options)))


def check_all(found, batch):
    """Every item has its result, in order, within what float16 allows."""
    assert len(found) == len(batch)
    exact = Noisy("float32")
    for rows, item in zip(found, batch, strict=True):
        expected = exact.logits_packed([item.sequence], None, [item.offsets]).numpy()
        np.testing.assert_allclose(rows, expected, atol=0.05, rtol=0)


# --- stays, or falls back


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int8"])
def test_a_slight_error_is_logged_and_kept(caplog, dtype):
    adapter, batch = Noisy(dtype, noise(1e-3)), items()
    purpose = "embedding" if dtype == "bfloat16" else "probability"
    with caplog.at_level(logging.INFO):
        check_all(logits(adapter, batch, purpose=purpose), batch)
    assert adapter.dtype == dtype
    assert adapter.ran[-1][0] == dtype
    (line,) = [r.getMessage() for r in caplog.records if "against float32" in r.getMessage()]
    assert line.startswith(f"dtype {dtype} against float32 on 16 sequences: largest error of log")
    error = float(line.split()[-3].rstrip(","))
    assert 1e-8 < error < 1e-5
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


SPOILT = {
    "a lot": noise(0.5),
    "nan": not_finite(np.nan),
    "infinite": not_finite(np.inf),
    "minus infinite": not_finite(-np.inf),
    "all zero": lambda values, sequence: values * 0,
    "one value": lambda values, sequence: values + np.eye(len(values), 10, 3),
}


@pytest.mark.parametrize("kind", ["logits", "hidden_states"])
@pytest.mark.parametrize("spoil", SPOILT)
def test_a_bad_dtype_falls_back_with_a_warning(caplog, spoil, kind):
    adapter, batch = Noisy("float16", SPOILT[spoil]), items()
    if kind == "logits":
        check_all(logits(adapter, batch), batch)
    else:
        found = run_hidden_states(adapter, batch, runtime(), layers=[0])
        check_all([states[0] for states in found], batch)
    check_fallen_back(adapter, caplog, kind)


def test_bad_attention_falls_back_with_a_warning(caplog):
    adapter = Noisy("float16", noise(0.01))
    batch = [item._replace(offsets=np.array([3, 59])) for item in items()]
    assert len(list(run_attention_rows(adapter, batch, runtime()))) == len(batch)
    check_fallen_back(adapter, caplog, "attention")


def check_fallen_back(adapter, caplog, kind):
    assert adapter.dtype == "float32"
    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "dtype float16: error" in record.getMessage()
    assert f"above the limit {precision.LIMITS['float16'][kind]:.0e} for {kind}" in caplog.text
    assert record.getMessage().endswith("going on in float32")


@pytest.mark.parametrize(("number", "dtype"), [(0, "float32"), (15, "float32"), (16, "float16")])
def test_every_sequence_of_the_sample_counts(number, dtype):
    batch = items()
    bad = batch[number].sequence
    adapter = Noisy("float16", lambda values, s: values * (np.nan if s == bad else 1))
    assert len(logits(adapter, batch)) == len(batch)
    assert adapter.dtype == dtype


def test_float32_that_is_not_finite_is_no_agreement():
    nothing = [torch.full((3, 10), torch.nan)]
    assert precision.largest_error([torch.zeros(3, 10)], nothing, "logits") == float("inf")
    assert precision.largest_error(nothing, [torch.zeros(3, 10)], "logits") == float("inf")


# --- what is read, and what is given on


def check(adapter, source, batch_nt=10_000):
    def compute(batch):
        return adapter.logits_packed([item.sequence for item in batch])

    chosen = runtime(adapter.dtype, batch_nt=batch_nt)
    return precision.check_sample(adapter, source, compute, chosen, kind="logits")


@pytest.mark.parametrize("n", [0, 1, 3, 16, 17, 40])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_all_items_are_given_on_in_order(dtype, n):
    batch = items(n)
    found = check(Noisy(dtype), iter(batch))
    assert all(a is b for a, b in zip(found, batch, strict=True))


def read_ahead(dtype, batch, batch_nt):
    """How many items are read before the first is given on, and how many of them were run."""
    read, adapter = [], Noisy(dtype)
    found = check(adapter, (read.append(item) or item for item in batch), batch_nt)
    assert not read
    next(found)
    largest = max([sum(map(len, sequences)) for _, sequences in adapter.ran], default=0)
    return len(read), largest, [dtype for dtype, sequences in adapter.ran for _ in sequences]


def test_the_sample_is_bounded():
    batch = items(200)
    for batch_nt, expected in ((10_000, 16), (600, 10), (601, 11), (60, 1), (1, 1)):
        read, largest, ran = read_ahead("float16", batch, batch_nt)
        assert read == expected <= precision.SAMPLE
        assert ran == ["float16"] * expected + ["float32"] * expected
        assert largest <= max(batch_nt, 60)


def test_float32_is_not_checked():
    assert read_ahead("float32", items(200), 10_000) == (1, 0, [])


def test_nothing_to_run_and_nothing_to_read():
    adapter = Noisy("float16")
    assert logits(adapter, []) == []
    batch = [item._replace(offsets=np.array([], int)) for item in items(4)]
    assert [len(rows) for rows in logits(adapter, batch)] == [0] * 4
    assert adapter.dtype == "float16"


# --- the difference of two runs


@pytest.mark.parametrize("changes", [1, 2, 3])
def test_good_pairs_keep_float16(caplog, changes):
    adapter, batch = Noisy("float16", noise(1e-6)), pairs(changes=changes)
    with caplog.at_level(logging.INFO):
        check_all(logits(adapter, batch, purpose="difference"), batch)
    assert adapter.dtype == "float16"
    line = next(r.getMessage() for r in caplog.records if "Spearman" in r.getMessage())
    assert precision.MIN_CORRELATION < float(line.split("Spearman ")[1].split()[0]) <= 1


def test_noise_that_shuffles_the_differences_falls_back(caplog):
    adapter, batch = Noisy("float16", noise(6e-3)), pairs()
    check_all(logits(adapter, batch, purpose="difference"), batch)
    assert adapter.dtype == "float32"
    assert "of the KL of pairs is below 0.99; going on in float32" in caplog.text
    other = Noisy("float16", noise(6e-3))  # for a probability it is good enough
    logits(other, batch)
    assert other.dtype == "float16"


NO_PAIRS = {
    "strangers": items(),
    "the same twice": [item for item in items(15) for _ in range(2)],
    "too many changes": pairs(changes=4),
    "of other masks": [
        item._replace(mask=np.arange(60) == number) for number, item in enumerate(pairs())
    ],
    "one of two with a mask": [
        item._replace(mask=np.zeros(60, bool) if number % 2 else None)
        for number, item in enumerate(pairs())
    ],
    "of other offsets": [
        item._replace(offsets=np.array([number % 2])) for number, item in enumerate(pairs())
    ],
    "one alone": items(1),
}


@pytest.mark.parametrize("kind", NO_PAIRS)
def test_without_pairs_differences_are_float32(caplog, kind):
    adapter, batch = Noisy("float16"), NO_PAIRS[kind]
    check_all(logits(adapter, batch, purpose="difference"), batch)
    assert adapter.dtype == "float32"
    assert "no two neighbours of the sample differ in few bases" in caplog.text


@pytest.mark.parametrize("options", [{"mask": np.arange(60) == 5}, {"offsets": np.arange(9, 50)}])
def test_pairs_of_one_mask_and_one_choice_of_offsets_are_pairs(options):
    adapter, batch = Noisy("float16"), pairs(**options)
    check_all(logits(adapter, batch, purpose="difference"), batch)
    assert adapter.dtype == "float16"


@pytest.mark.filterwarnings("ignore:An input array is constant")
def test_differences_that_are_all_alike_are_no_agreement():
    adapter = Noisy("float16")
    adapter._one = lambda sequence, offsets: np.zeros((len(sequence), 10))
    logits(adapter, pairs(), purpose="difference")
    assert adapter.dtype == "float32"


# --- the measures by hand


def test_kl_divergence():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7, 10))
    p, q = (np.exp(x) / np.exp(x).sum(1, keepdims=True) for x in (a, b))
    found = precision.kl_divergence(torch.from_numpy(a).float(), torch.from_numpy(b).float())
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found, entropy(p, q, axis=1), rtol=1e-5)


def test_largest_error():
    zero, other = torch.zeros(2, 4), torch.zeros(3, 4)
    other[2, 1] = -0.25
    assert precision.largest_error([zero, zero], [zero, zero], "logits") == 0
    for order in ([zero, other], [other, zero]):
        reference = [torch.zeros_like(x) for x in order]
        assert precision.largest_error(order, reference, "hidden_states") == 0.25
        kl = precision.largest_error(order, reference, "logits")
        assert kl == pytest.approx(np.log((3 + np.exp(-0.25)) / 4) + 0.25 / 4)


def test_correlation_of_pairs_by_hand():
    rng = np.random.default_rng(1)
    batch = [Item("AAAA"), Item("AAAC"), Item("GGGG"), Item("GGTG")]
    exact = [torch.from_numpy(rng.normal(size=(4, 10))) for _ in batch]
    found = [values + 0.3 * torch.from_numpy(rng.normal(size=(4, 10))) for values in exact]

    def kl(values):
        p = [x[:, A : T + 1].softmax(1).numpy() for x in values]
        return np.concatenate([entropy(p[1], p[0], axis=1), entropy(p[3], p[2], axis=1)])

    expected = spearmanr(kl(found), kl(exact)).statistic
    assert precision.pair_correlation(found, exact, batch) == pytest.approx(expected)
    assert precision.pair_correlation(exact, exact, batch) == pytest.approx(1)


def test_limits_grow_with_the_coarseness_of_the_dtype():
    assert list(precision.LIMITS) == [dtype for dtype in DTYPES if dtype != "float32"]
    for kind in ("logits", "hidden_states", "attention"):
        values = [limits[kind] for limits in precision.LIMITS.values()]
        assert 0 < values[0] < values[1] < values[2]
