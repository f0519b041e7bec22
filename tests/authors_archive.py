"""Makes an archive in the form of the authors' pre-computed results, with small arrays."""

import pickle
import tarfile
import warnings
from collections import OrderedDict
from pathlib import Path

import h5py
import numpy as np

GROUPS = ("intronic_pair", "exonic_pair", "unpair", "donor_pair", "acceptor_pair", "random_pair")
MODELS = ("SpliceBERT", "SpliceBERT-human")
NT, LAYERS = 510, 6
MOTIF = ("GT(donor)", "GT(non-donor)", "AG(acceptor)", "AG(non-acceptor)")
USAGE = ("donor(SSE < 0.2)", "donor(SSE > 0.8)", "acceptor(SSE < 0.2)", "acceptor(SSE > 0.8)")


def dump(path: Path, value) -> None:
    """Pickle as the authors' Python 3.9 does, with numpy 1's name of the module."""
    from numpy._core import multiarray, numeric

    path.parent.mkdir(parents=True, exist_ok=True)
    functions = {numeric._frombuffer: "numeric", multiarray._reconstruct: "multiarray"}
    before = {function: function.__module__ for function in functions}
    try:
        for function, module in functions.items():
            function.__module__ = f"numpy.core.{module}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the old name
            path.write_bytes(pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL))
    finally:
        for function, module in before.items():
            function.__module__ = module


def masked_bases(rng, n=3000):
    """What pred_in_region.pkl holds: tensors of torch, and arrays."""
    import torch

    label = rng.integers(6, 10, n)
    label[:5] = 5
    logits = [rng.normal(size=(n, 10)).astype(np.float32) for _ in MODELS]
    for part, strength in zip(logits, (2.5, 1.5), strict=True):
        part[np.arange(n), label] += strength
    annotation = (rng.random((n, 12)) < 0.3).astype(np.int8)
    repeat = (rng.random(n) < 0.4).astype(np.int8)
    tensors = [torch.from_numpy(part) for part in (label, *logits)]
    return (*tensors, annotation, repeat)


def probe_windows(rng, n=8, hidden=8):
    """What embed_cons.pkl holds."""
    tokens = rng.integers(6, 10, (n, 3 * NT))
    phastcons = np.where(rng.random((n, NT)) < 0.15, 0.9, 0.1).astype(np.float32)
    phastcons[0, :7] = np.nan
    states = [rng.normal(size=(n, NT, hidden)).astype(np.float32) for _ in MODELS]
    for part, strength in zip(states, (2, 1), strict=True):
        part[..., 0] += strength * (phastcons > 0.5)
    return {
        "ids_extend": tokens,
        "splicebert": states[0],
        "splicebert-human": states[1],
        "phastcons": phastcons,
        "phylop": rng.normal(size=(n, NT)).astype(np.float32),
        "annotation": rng.integers(0, 2, (n, NT, 12), np.int8),
    }


def attention_rows(rng, n=20, types=("D", "A"), strength=0.02, nt=600):
    """What a file of section 3 holds."""
    p, q = rng.integers(110, 250, n), rng.integers(350, 490, n)
    rows = [rng.gamma(1, 0.001, (n, LAYERS, 3, nt)).astype(np.float16) for _ in range(2)]
    for i in range(n):
        rows[0][i, 3, :, q[i]] += strength
        rows[1][i, 3, :, p[i]] += strength
    kinds = [np.full(n, kind) for kind in types]
    return (*rows, p.astype(np.int16), q.astype(np.int16), *kinds, (q - p).astype(np.int16))


def variants(rng, delta_psi, strength):
    """What a file of one set and one model holds: 21 values by name."""
    n = len(delta_psi)
    disrupting = delta_psi < np.median(delta_psi) / 2 + delta_psi.min() / 2
    near = np.exp(-np.arange(1, 101) / 30)
    kl = rng.gamma(1, 0.01, (n, 100)) * near * np.where(disrupting, strength, 1)[:, None]
    nothing = np.zeros((n, NT, 4), np.float32)
    return OrderedDict(
        wt_logits=nothing,
        mt_logits=nothing,
        all_kl=nothing[..., 0],
        masked_probs=np.full((n, 10), 0.1, np.float32),
        prob_change_scores=(rng.normal(size=n) - disrupting * strength / 4).astype(np.float32) / 5,
        donor_starts=np.full(n, 300),
        donor_ends=np.full(n, 302),
        acceptor_starts=np.full(n, 208),
        acceptor_ends=np.full(n, 210),
        donor_kl=kl[:, 5].astype(np.float32),
        acceptor_kl=kl[:, 9].astype(np.float32),
        flanking_kl=nothing[:, :201, 0],
        kl_distance=kl.astype(np.float32),
        phastcons_scores=np.linspace(0, 1, n).astype(np.float16),
        phylop_scores=np.linspace(-1, 5, n).astype(np.float16),
        ref_psi=np.full(n, 80.0),
        delta_psi=delta_psi,
        is_exonic=np.arange(n) % 2,
        distance=np.arange(n) % 40,
        labels=disrupting.astype(int),
        dataset="ExonCenterVariant(vcf=...)",
    )


def mutagenesis(rng, n=60):
    """What insilico_mutation_in_transcripts.pkl holds."""
    kl = rng.gamma(1, 0.01, (n, NT)) * np.exp(-np.abs(np.arange(NT) - NT // 2) / 60)
    in_exon = (np.arange(n) % 3 == 0).astype(np.int8)
    far = [np.where(in_exon == kind, 30, -100).astype(np.int32) for kind in (1, 1, 0, 0)]
    tracks = [np.linspace(0, 1, n).astype(np.float16), np.linspace(-2, 6, n).astype(np.float16)]
    chrom = np.where(np.arange(n) % 2, "chr1", "chr17")
    position = np.arange(n, dtype=np.int32) * 50 + 500
    return kl.astype(np.float16), chrom, position, in_exon, *far, *tracks


def write_h5ad(path: Path, columns: dict, place: np.ndarray, names=None, *, old=True) -> None:
    """Write what anndata writes of obs and obsm: before 0.8 (old) or since."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        obs = file.create_group("obs")
        obs.attrs["_index"] = "_index"
        n = len(place)
        index = list(map(str, range(n))) if names is None else names
        obs["_index"] = np.array(index, object).astype(h5py.string_dtype())
        if old:
            obs.create_group("__categories")
        for name, values in columns.items():
            kinds, codes = np.unique(np.asarray(values, str), return_inverse=True)
            kinds = kinds.astype(object).astype(h5py.string_dtype())
            if old:
                obs["__categories"][name] = kinds
                obs[name] = codes.astype(np.int8)
                obs[name].attrs["categories"] = obs["__categories"][name].ref
            else:
                obs[f"{name}/categories"], obs[f"{name}/codes"] = kinds, codes.astype(np.int8)
        file["obsm/X_umap"] = place.astype(np.float32)
        file["X"] = np.zeros((n, 4), np.float16)


def sites(rng, labels, per_class, noise):
    """Columns of obs and a layout whose clusters agree with the labels, but for some noise."""
    label = np.repeat(labels, per_class)
    rng.shuffle(label)
    cluster = np.array([list(labels).index(name) for name in label])
    wrong = rng.random(len(label)) < noise
    cluster = np.where(wrong, rng.integers(0, len(labels), len(label)), cluster)
    place = rng.normal(size=(len(label), 2)) + 5 * np.stack([cluster % 2, cluster // 2], axis=1)
    columns = {
        "name": [f"site{i}|{name}" for i, name in enumerate(label)],
        "name2": ["."] * len(label),
        "label": label,
        "leiden": cluster,
    }
    return columns, place


def write_sites(folder: Path, rng, per_class=20) -> None:
    """Write the files of section 2."""
    stem = "hg19.ss-motif.for_umap"
    label = sites(rng, MOTIF, per_class, 0)[0]["label"]

    def same(noise):
        columns, place = sites(rng, MOTIF, per_class, noise)
        order = np.argsort(label, kind="stable"), np.argsort(columns["label"], kind="stable")
        back = np.empty(len(label), int)
        back[order[0]] = order[1]
        return {name: np.asarray(v)[back] for name, v in columns.items()}, place[back]

    for layer in range(LAYERS + 1):
        columns, place = same(0.8 - 0.1 * layer)
        write_h5ad(folder / f"{stem}.SpliceBERT.L{layer}.h5ad", columns, place)
        for kind in ("GT", "AG"):
            own = np.flatnonzero(np.char.startswith(label.astype(str), kind))
            part = {name: values[own] for name, values in columns.items()}
            path = folder / f"{stem}.SpliceBERT.L{layer}.{kind}.h5ad"
            write_h5ad(path, part, place[own], list(map(str, own)))
    write_h5ad(folder / f"{stem}.SpliceBERT-human.L{LAYERS}.h5ad", *same(0.5), old=False)
    for flank in (10, 20, 50, 100, 200):
        write_h5ad(folder / f"{stem}.onehot.flanking{flank}.h5ad", *same(0.9))
    stem = "K562.SSE.hg38.for_visualization"
    label = np.repeat(USAGE, per_class)
    for name in (*(f"{model}.L{LAYERS}" for model in MODELS),
                 *(f"onehot.flanking{flank}" for flank in (10, 20, 50, 100, 200))):  # fmt: skip
        cluster = rng.integers(0, 3, len(label))
        columns = {"name": label, "name2": ["gene"] * len(label), "label": label, "leiden": cluster}
        write_h5ad(folder / f"{stem}.{name}.h5ad", columns, rng.normal(size=(len(label), 2)))


def write_results(folder: Path, seed=1) -> Path:
    """Write every file of the four sections where the authors' scripts put them."""
    rng = np.random.default_rng(seed)
    dump(folder / "00-conservation/pred_in_region.pkl", masked_bases(rng))
    dump(folder / "00-conservation/embed_cons.pkl", probe_windows(rng))
    dump(folder / "00-conservation/mlm2cons_models.pkl", "models of scikit-learn")
    output = folder / "01-variant/output"
    sets = {"vexseq": rng.normal(-2, 15, 150), "mfass": rng.normal(0, 0.4, 150)}
    for kind, delta_psi in sets.items():
        for model, strength in zip(MODELS, (4, 2), strict=True):
            dump(output / f"{kind}.{model}.output.pkl", variants(rng, delta_psi, strength))
            (output / f"{kind}.{model}.output.pkl.log").write_text("log\n")
    dump(output / "insilico_mutation_in_transcripts.pkl", mutagenesis(rng))
    write_sites(folder / "02-embedding/output", rng)
    for group in GROUPS:
        types = ("D", "A") if group != "random_pair" else (".", ".")
        strength = 0.02 if group == "intronic_pair" else 0.004
        rows = attention_rows(rng, types=types, strength=strength)
        dump(folder / f"03-attention/output/hg19.{group}.1000_per_group.att.v2.pkl", rows)
    name = "gencode.v41lift37.MANE.intron.for_attention.att.v2.pkl"
    dump(folder / "03-attention/output" / name, attention_rows(rng, n=25))
    return folder


def pack(folder: Path, archive: Path) -> Path:
    """Pack a folder of results as the authors' archive."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=f"./{path.name}")
    return archive
