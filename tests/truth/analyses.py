"""What a model recovers of the planted truth: a score with its interval, for each analysis.

Every function takes a model and says what it measures in its docstring; the interval is a bootstrap
over transcripts.
"""

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from splicebert.scores import (
    context_profile,
    context_score,
    exon_site_offsets,
    kl_per_base,
    probability_change,
    site_kl,
)
from splicebert.sequence import VOCABULARY
from splicebert.sites import centred_window, site_offsets
from splicebert.statistics import block_weights, estimate, rank_scores
from splicebert.synthetic import GenomeSpec, effects, motifs
from splicebert.synthetic.grammar import ACCEPTOR_OFFSETS, BRANCHPOINT_OFFSETS, DEMO, DONOR_OFFSETS
from truth.world import COMPLEMENT, HELD_OUT, around, background, window

LENGTH, BATCH = 510, 32
REPLICATES = 500
STRONG, WEAK = -0.5, 0.05
"""delta_psi below which a variant disrupts, and size under which it changes nothing."""
VARIANTS, VARIANTS_BOTH_WAYS = 12_000, 24_000
"""Drawn as the demo's 6,000 are: those that weaken a site, and those that disrupt either way."""
STATES = ["chrom", "start", "end", "strand", "tx_id"]
CLASS_BASES = {"+3": (0, 2), "+6": (1, 5), "+7": (2, 6), "+8": (3, 7), "-3": (4, -3)}
"""Base of the donor -> bit of the intron class that it shows, offset from the first intron base."""
LOOKING = {"+3": 2, "+4": 3, "+5": 4}
"""Base that shows the acceptor's tract, and two that show nothing of it -> offset, likewise."""


def batches(sequences):
    for start in range(0, len(sequences), BATCH):
        yield slice(start, start + BATCH)


def once(compute):
    """Decorate a function of a model or world and a hashable: what it gives is computed once."""
    known = {}  # holds the models, too, so that an id stays one model's

    @functools.wraps(compute)
    def recall(model, subject):
        key = id(model), subject
        if key not in known:
            known[key] = model, compute(model, subject)
        return known[key][1]

    return recall


@once
@torch.inference_mode()
def pair_states(model, sequences):
    """Last hidden states of the two bases in the middle: float32 (n, 2 * hidden)."""
    middle = np.array([len(sequences[0]) // 2 - 1, len(sequences[0]) // 2])
    parts = [
        model.hidden_states_packed(sequences[b], [-1], [middle] * len(sequences[b])).flatten(1)
        for b in batches(sequences)
    ]
    return torch.cat(parts).reshape(len(sequences), -1).numpy()


def one_hot(sequences, flank):
    """The dinucleotide and `flank` bases on either side: float32 (n, 4 * (2 + 2 * flank))."""
    middle = len(sequences[0]) // 2
    letters = np.array([list(s[middle - 1 - flank : middle + 1 + flank]) for s in sequences])
    return (letters[..., None] == np.array(list("ACGT"))).reshape(len(letters), -1).astype("f4")


def probe():
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, C=0.1))


def auc(label, score, block):
    return rank_scores(
        np.asarray(label), score, np.asarray(block), replicates=REPLICATES, seed=0
    ).auc


def site_table(world, site, other, n, seed):
    """Real sites of the training chromosomes and of the held-out one, as many others of each."""
    genome = world.genome
    real = genome.splice_sites[genome.splice_sites["site"] == site]
    if other == "decoys":
        false = genome.decoys[genome.decoys["site"] == site]
    else:
        false = background(world, site, n, seed)
    real = real.sample(min(n, len(real)), random_state=seed)
    return pd.concat(
        [real[STATES].assign(label=True), false[STATES].assign(label=False)], ignore_index=True
    )


def across_chromosomes(features, table):
    """Probe scores of each chromosome by a probe of the others: float (n,)."""
    score = np.empty(len(table))
    for chrom in table["chrom"].unique():
        test = (table["chrom"] == chrom).to_numpy()
        fitted = probe().fit(features[~test], table["label"][~test])
        score[test] = fitted.decision_function(features[test])
    return score


def separates_sites(model, world, site, *, other="background", shuffled=False):
    """AUC of a linear probe on the dinucleotide's states: real sites against others.

    Each chromosome's sites are scored by a probe of the other chromosomes. `model` None: one-hot
    with 10 flanking bases.
    """
    table = site_table(world, site, other, 240, seed=1)
    sequences = around(world, table, LENGTH)
    features = one_hot(sequences, 10) if model is None else pair_states(model, tuple(sequences))
    if shuffled:
        table["label"] = np.random.default_rng(0).permutation(table["label"])
    return auc(table["label"], across_chromosomes(features, table), table["tx_id"])


def crosses_species(model, world, distant, site):
    """AUC in the second species of a probe of the first: real sites against others."""
    tables = [site_table(w, site, "background", 400, seed=2) for w in (world, distant)]
    sequences = [around(w, t, 400) for w, t in zip((world, distant), tables, strict=True)]
    features = [
        one_hot(s, 10) if model is None else pair_states(model, tuple(s)) for s in sequences
    ]
    fitted = probe().fit(features[0], tables[0]["label"])
    return auc(tables[1]["label"], fitted.decision_function(features[1]), tables[1]["tx_id"])


def intron_pairs(world, chroms, longest, shortest=100):
    """Donor and acceptor junction bases of introns, and pairs of a donor and a later acceptor.

    Columns chrom, strand, tx_id, donor, acceptor (the dinucleotide's base next to the middle of the
    intron, 0-based), distance, own (bool), intron_class (of the donor).
    """
    sites = world.genome.splice_sites
    sites = sites[sites["chrom"].isin(chroms)]
    plus = sites["strand"] == "+"
    # The intron base beside the exon: the G of GT, the G of AG.
    first = np.where(sites["site"] == "donor", plus, ~plus)
    sites = sites.assign(p=np.where(first, sites["start"], sites["end"] - 1))
    keys = ["tx_id", "chrom", "strand"]
    donors = sites[sites["site"] == "donor"][[*keys, "intron_number", "intron_class", "p"]]
    acceptors = sites[sites["site"] == "acceptor"][[*keys, "intron_number", "p"]]
    pairs = donors.merge(acceptors, on=keys, suffixes=("", "_acceptor"))
    pairs = pairs.rename(columns={"p": "donor", "p_acceptor": "acceptor"})
    pairs["own"] = pairs["intron_number"] == pairs["intron_number_acceptor"]
    pairs = pairs[pairs["intron_number"] <= pairs["intron_number_acceptor"]]
    pairs["distance"] = (pairs["acceptor"] - pairs["donor"]).abs()
    return pairs[pairs["distance"].between(shortest, longest)].reset_index(drop=True)


@once
@torch.inference_mode()
def link_scores(model, subject):
    """Attention of hidden bases of a donor to the 22 nt of an acceptor: (n, layers, heads, bases).

    Each base is hidden in turn, so that its own letter draws no head to anything. The sum over the
    acceptor's matrix, -20 to +2, of its row of the map. `subject`: a `PairedWindows`.
    """
    scores = []
    for b in batches(subject.sequences):
        sequences, ends = subject.sequences[b], subject.ends[b]
        of_bases = []
        for at in np.array(subject.rows[b]).T:
            hidden = [np.arange(len(s)) == base for s, base in zip(sequences, at, strict=True)]
            found = model.attention_rows(sequences, at[:, None], masks=hidden).numpy()
            of_bases.append([
                part[..., 0, end - len(ACCEPTOR_OFFSETS) : end].sum(-1)
                for part, end in zip(found, ends, strict=True)
            ])  # fmt: skip
        scores.append(np.moveaxis(np.array(of_bases), 0, -1))
    return np.concatenate(scores)


class PairedWindows(NamedTuple):
    """Windows around pairs, bases of the donor, end of the acceptor's matrix."""

    sequences: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]
    ends: tuple[int, ...]


def lay_pairs(world, pairs, bases):
    sequences, rows, ends = [], [], []
    for row in pairs.itertuples():
        left = (row.donor + row.acceptor) // 2 - LENGTH // 2
        sequences.append(window(world, row.chrom, left, left + LENGTH, row.strand))
        local = np.array([row.donor, row.acceptor]) - left
        if row.strand == "-":
            local = LENGTH - 1 - local
        rows.append(tuple(int(local[0]) + LOOKING[base] for base in bases))
        ends.append(int(local[1]) + 3)
    return PairedWindows(tuple(sequences), tuple(rows), tuple(ends))


def upstream(pairs, n, seed):
    """Introns, and for each the place that lies as far upstream of its donor as its acceptor."""
    own = pairs[pairs["own"]]
    own = own.sample(min(n, len(own)), random_state=seed)
    away = 2 * own["donor"] - own["acceptor"]
    return pd.concat([own, own.assign(acceptor=away, own=False)], ignore_index=True)


def matched(pairs, seed, width=20):
    """As many pairs of either kind in each 20 nt of distance, for attention falls with it."""
    parts = []
    for _, part in pairs.groupby(pairs["distance"] // width):
        n = min(part["own"].sum(), (~part["own"]).sum())
        for _, kind in part.groupby("own"):
            parts.append(kind.sample(n, random_state=seed))
    return pd.concat(parts).sort_index().reset_index(drop=True)


def by_head(model, world, pairs, bases):
    """`link_scores` of some bases, each head of each layer: float (n, layers * heads, bases)."""
    scores = link_scores(model, lay_pairs(world, pairs, bases))
    return scores.reshape(len(scores), -1, len(bases))


def links_introns(model, world):
    """AUC of attention from a donor's hidden +3 to its own acceptor, by one head chosen on chr4.

    Against the acceptor of a later intron of the transcript at the same distance.
    """
    pairs, scores = [], []
    for chrom in ("chr4", HELD_OUT):
        pairs.append(matched(intron_pairs(world, [chrom], longest=400), seed=3))
        scores.append(by_head(model, world, pairs[-1], ("+3",))[..., 0])
    chosen = np.argmax([roc_auc_score(pairs[0]["own"], head) for head in scores[0].T])
    return auc(pairs[1]["own"], scores[1][:, chosen], pairs[1]["tx_id"])


class ClassBase(NamedTuple):
    """Pairs of the held-out chromosome, and the scores of +3, +4, +5 by one head: (n, bases)."""

    pairs: pd.DataFrame
    scores: np.ndarray

    def difference(self, label, weight=None):
        """AUC of the first base less the mean of the others'."""
        return _first_less_others(label, self.scores, weight)


def _first_less_others(label, scores, weight=None):
    first, *others = (roc_auc_score(label, s, sample_weight=weight) for s in scores.T)
    return first - np.mean(others)


def class_base(model, world):
    """`ClassBase` of the head of the largest difference on chr4.

    Own acceptors of introns of 100 to 300 nt are told from the place as far upstream.
    """
    pairs, scores = [], []
    for chrom, n in (("chr4", 80), (HELD_OUT, 160)):
        pairs.append(upstream(intron_pairs(world, [chrom], longest=300), n, seed=3))
        scores.append(by_head(model, world, pairs[-1], tuple(LOOKING)))
    own = pairs[0]["own"].to_numpy()
    heads = range(scores[0].shape[1])
    chosen = max(heads, key=lambda head: _first_less_others(own, scores[0][:, head]))
    return ClassBase(pairs[1], scores[1][:, chosen])


def only_the_class_base_links(model, world, *, shuffled=False):
    """AUC of attention to the own acceptor from a hidden +3, less the mean of +4's and +5's.

    The acceptor's tract and the donor's +3 were drawn together; its +4 and +5 were drawn for
    themselves. What draws a head to any base's acceptor cancels: a tract's composition, and a head
    that looks downstream whatever lies there.
    """
    found = class_base(model, world)
    label = found.pairs["own"].to_numpy()
    if shuffled:
        label = np.random.default_rng(0).permutation(label)
    return over_transcripts(found.pairs, lambda weight: found.difference(label, weight))


def over_transcripts(pairs, value):
    """Estimate of `value`, a function of the pairs' weights, from a bootstrap over transcripts."""
    blocks, index = np.unique(pairs["tx_id"], return_inverse=True)
    draws = [value(w[index]) for w in block_weights(len(blocks), REPLICATES, 0)]
    return estimate(value(np.ones(len(pairs))), np.array(draws))


def class_base_over(models, world, own, control):
    """`only_the_class_base_links` of one model less that of another, for the same pairs."""
    own, other = (class_base(models[name], world) for name in (own, control))
    label = own.pairs["own"].to_numpy()
    return over_transcripts(
        own.pairs,
        lambda weight: own.difference(label, weight) - other.difference(label, weight),
    )


@once
@torch.inference_mode()
def hidden_base(model, subject):
    """Probabilities of A, C, G, T at a base hidden from the model: float32 (n, 4).

    `subject`: the base's 0-based offset, and the sequences.
    """
    at, *sequences = subject
    hidden = [np.arange(len(sequence)) == at for sequence in sequences]
    parts = [
        model.logits_packed(sequences[b], hidden[b], [np.array([at])] * len(sequences[b]))
        for b in batches(sequences)
    ]
    columns = [VOCABULARY.index(base) for base in "ACGT"]
    return torch.cat(parts).softmax(-1).numpy()[:, columns]


def tells_variants(model, world, base, *, swapped=False, shuffled=False):
    """AUC of the model's odds at a hidden base of a donor, by which class bit that base shows.

    `base`: one of `CLASS_BASES`. Introns of up to 400 nt of the held-out chromosome, from 60 nt
    before to 60 nt behind. Nothing near the donor tells the bit. `swapped`: each intron's end (20
    bases) and the two exon bases behind it are another intron's, so that what the donor was drawn
    with is gone.
    """
    introns = intron_pairs(world, [HELD_OUT], longest=800, shortest=60)
    introns = introns[introns["own"] & (introns["distance"] <= 400)].reset_index(drop=True)
    sequences = []
    for row in introns.itertuples():
        left, right = sorted((row.donor, row.acceptor))
        sequences.append(window(world, row.chrom, left - 60, right + 61, row.strand))
    if swapped:
        other = np.random.default_rng(0).permutation(len(sequences))
        ends = [sequence[-80:-58] for sequence in sequences]
        sequences = [
            sequence[:-80] + ends[o] + sequence[-58:]
            for sequence, o in zip(sequences, other, strict=True)
        ]
    bit, offset = CLASS_BASES[base]
    at = 60 + offset
    p = hidden_base(model, (at, *sequences))
    usual = DEMO.donor[:, DONOR_OFFSETS.tolist().index(offset)]
    bits = np.arange(len(usual)) >> bit & 1
    shown = usual[bits == 1].mean(0) > usual[bits == 0].mean(0)
    score = np.log(p[:, shown].sum(1)) - np.log(p[:, ~shown].sum(1))
    label = (introns["intron_class"].to_numpy() >> bit & 1) == 1
    if shuffled:
        label = np.random.default_rng(0).permutation(label)
    return auc(label, score, introns["tx_id"])


def variant_scores(model, world, variants, *, hidden=False):
    """Scores of variants in exon-centred windows: a table with a row each, in their order.

    context and sites (splice-site score), as in the protocol; context without its floor, so that
    a model whose answers hardly differ is still ranked; where `hidden`, delta_p, the fall of the
    masked base.
    """
    laid = [_lay(world, row) for row in variants.itertuples()]
    columns = ["context", "context_unfloored", "sites"]
    found = pd.DataFrame(_each_once(model, _score_variants, laid), columns=columns)
    return found.assign(delta_p=_each_once(model, _hidden_changes, laid)) if hidden else found


def _each_once(model, compute, variants):
    """What `compute` says of variants, in their order; sets of variants overlap."""
    known = _known(model, compute)
    new = [variant for variant in dict.fromkeys(variants) if variant not in known]
    known.update(zip(new, compute(model, new), strict=True))
    return [known[variant] for variant in variants]


@once
def _known(model, compute):
    """Variant -> what is known of it: a dict to be added to."""
    return {}


@torch.inference_mode()
def _score_variants(model, variants):
    rows, reference = [], {}
    for b in batches(variants):
        ref, alt = ([v[k] for v in variants[b]] for k in range(2))
        new = sorted(set(ref) - reference.keys())
        if new:
            reference |= dict(zip(new, model.logits(new).numpy(), strict=True))
        for (text, _, offset, sites, _), logits in zip(
            variants[b], model.logits(alt).numpy(), strict=True
        ):
            kl = kl_per_base(logits, reference[text])
            profile = context_profile(kl, offset)
            rows.append((
                context_score(profile), context_score(profile, 1e-30),
                sum(site_kl(kl, site) for site in sites),
            ))  # fmt: skip
    return rows


@torch.inference_mode()
def _hidden_changes(model, variants):
    changes = []
    for b in batches(variants):
        ref, offsets, bases = ([v[k] for v in variants[b]] for k in (0, 2, 4))
        mask = np.arange(LENGTH) == np.array(offsets)[:, None]
        rows = [np.array([offset]) for offset in offsets]
        masked = model.logits_packed(ref, list(mask), rows).numpy()
        changes += [
            -probability_change(logits, *pair)[2]
            for logits, pair in zip(masked, bases, strict=True)
        ]
    return changes


def _lay(world, row):
    """Reference and alternative 5'->3', the variant's offset, its exon's sites, codes of bases."""
    place = centred_window(row.exon_start, row.exon_end, LENGTH)
    text = window(world, row.chrom, *place, row.strand)
    offset, _ = site_offsets(row.position, row.position + 1, place, row.strand)
    bases = (row.ref, row.alt)
    if row.strand == "-":
        bases = tuple(base.translate(COMPLEMENT) for base in bases)
    changed = text[:offset] + bases[1] + text[offset + 1 :]
    sites = exon_site_offsets((row.exon_start, row.exon_end), place, row.strand)
    return text, changed, offset, sites, tuple("ACGT".index(base) for base in bases)


def disrupting(world):
    """Variants outside the dinucleotides that weaken a site, and others like them.

    The first lower psi by over 0.5. The others move it by less than 0.05 and lie in the same kinds
    of places, twice as many in each where there are so many; their exon and its sites lie within
    the window. Those drawn to make a cryptic site are in `disrupting_both_ways`.
    """
    parts = []
    for _, rows in _weakening(world).groupby("place"):
        strong = rows[rows["delta_psi"] < STRONG]
        weak = rows[rows["delta_psi"].abs() < WEAK]
        parts += [strong, weak.sample(min(2 * len(strong), len(weak)), random_state=4)]
    return pd.concat(parts).sort_values(["chrom", "position", "alt"], ignore_index=True)


def disrupting_anywhere(world, n_weak=300):
    """The same disrupting variants, and others drawn from exons, introns and regions of sites."""
    table = _weakening(world)
    strong = table[table["delta_psi"] < STRONG]
    weak = table[table["delta_psi"].abs() < WEAK].sample(n_weak, random_state=4)
    return pd.concat([strong, weak]).sort_values(["chrom", "position", "alt"], ignore_index=True)


def disrupting_both_ways(world):
    """Variants that weaken a site or make a cryptic one beside it, and others that match them.

    Both kinds lower psi by over 0.5; for each there is one that moves it by less than 0.05 at the
    same offset from the nearer end of its exon, and that makes a GT or an AG if the other does. So
    neither distance nor such a pair tells them apart.
    """
    table = _scorable(_variants(world, VARIANTS_BOTH_WAYS))
    plus = table["strand"] == "+"
    first = np.where(plus, table["exon_start"], table["exon_end"] - 1)
    last = np.where(plus, table["exon_end"] - 1, table["exon_start"])
    from_first, from_last = ((table["position"] - end) * np.where(plus, 1, -1)
                             for end in (first, last))  # fmt: skip
    nearer = from_first.abs() <= from_last.abs()
    offset = from_first.where(nearer, from_last)
    makes_pair = np.array([_makes_pair(world, row) for row in table.itertuples()])
    parts = []
    for _, rows in table.groupby([nearer, offset, makes_pair]):
        strong = rows[rows["delta_psi"] < STRONG]
        weak = rows[rows["delta_psi"].abs() < WEAK]
        number = min(len(strong), len(weak))
        parts += [part.sample(number, random_state=4) for part in (strong, weak)]
    return pd.concat(parts).sort_values(["chrom", "position", "alt"], ignore_index=True)


def _makes_pair(world, row):
    """Whether a variant makes a GT or an AG."""
    before, _, behind = window(world, row.chrom, row.position - 1, row.position + 2, row.strand)
    base = row.alt if row.strand == "+" else row.alt.translate(COMPLEMENT)
    return not {before + base, base + behind}.isdisjoint({"GT", "AG"})


@once
def _variants(world, n):
    """So many variants, drawn as the demo's are."""
    codes = {chrom: motifs.encode(text) for chrom, text in world.sequences.items()}
    rng = np.random.default_rng(6)
    spec = GenomeSpec(variants=n)
    return effects.draw_variants(rng, spec, codes, world.genome.spliced_exons)


def _weakening(world):
    table = _scorable(_variants(world, VARIANTS))
    return table[table["place"] != "cryptic_site"]


def _scorable(table):
    table = table[~table["place"].isin(["donor", "acceptor"])]
    lower = (table["exon_start"] + table["exon_end"]) // 2 - LENGTH // 2
    table = table[table["position"].between(lower, lower + LENGTH - 1)]
    return table[table["exon_end"] - table["exon_start"] < LENGTH - 5]


def finds_disrupting(model, world, *, score, shuffled=False):
    """AUC of a score for `disrupting` variants: "context" or "sites" (the splice-site score)."""
    table = disrupting(world)
    label = (table["delta_psi"] < STRONG).to_numpy()
    if shuffled:
        label = np.random.default_rng(0).permutation(label)
    return auc(label, variant_scores(model, world, table)[score].to_numpy(), table["tx_id"])


@torch.inference_mode()
def finds_branchpoints(model, world, *, shuffled=False):
    """AUC of a linear probe on hidden states: branchpoints among the 27 bases before exons.

    Trained on chr1 to chr4, tested on the held-out chromosome. `model` None: the planted weight
    matrix, which needs no training.
    """
    table = world.genome.branchpoints
    table = pd.concat(
        [
            table[table["chrom"] != HELD_OUT].sample(240, random_state=5),
            table[table["chrom"] == HELD_OUT],
        ]
    )
    sequences, offsets, labels = [], [], []
    for row in table.itertuples():
        exon = row.acceptor if row.strand == "+" else row.acceptor + 1
        left = exon - 31 - LENGTH // 2
        sequences.append(window(world, row.chrom, left, left + LENGTH, row.strand))
        at = exon - left if row.strand == "+" else LENGTH - (exon - left)
        offsets.append(at - np.arange(44, 17, -1))
        labels.append(np.arange(44, 17, -1) == row.distance)
    label, block = np.concatenate(labels), np.repeat(table["tx_id"].to_numpy(), 27)
    test = np.repeat((table["chrom"] == HELD_OUT).to_numpy(), 27)
    if model is None:
        score = _matrix_scores(sequences, offsets)
        return auc(label[test], score[test], block[test])
    features = torch.cat(
        [
            model.hidden_states_packed(sequences[b], [-1], offsets[b]).flatten(1)
            for b in batches(sequences)
        ]
    ).numpy()
    if shuffled:
        label = np.random.default_rng(0).permutation(label)
    fitted = probe().fit(features[~test], label[~test])
    return auc(label[test], fitted.decision_function(features[test]), block[test])


def _matrix_scores(sequences, offsets):
    table = np.log2(DEMO.branchpoint + 1e-3)
    scores = []
    for sequence, at in zip(sequences, offsets, strict=True):
        codes = np.array(["ACGT".index(base) for base in sequence])
        windows = codes[at[:, None] + BRANCHPOINT_OFFSETS]
        scores.append(table[np.arange(len(table)), windows].sum(1))
    return np.concatenate(scores)
