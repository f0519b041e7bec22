import numpy as np
import pytest
import torch

from splicebert.masking import MASKED
from splicebert.pretraining.evaluation import evaluate, read_validation
from splicebert.pretraining.model import MaskedLoss, build_model
from splicebert.pretraining.processes import Process
from splicebert.pretraining.validation import GROUPS, fragment_codes
from splicebert.sequence import MASK, base_codes
from splicebert.tables import REGION_NAMES

CPU = torch.device("cpu")


@pytest.fixture
def loss(make_job):
    job = make_job()
    model = build_model(job.settings)
    with torch.no_grad():
        for parameter in model.parameters():  # so that bases differ in their losses
            parameter.add_(
                torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)) / 9
            )
    return job, MaskedLoss(model)


def test_fragments_are_those_of_the_genome_on_held_out_chromosomes(corpus, genome, held_out):
    fragments, _, _ = held_out
    assert set(fragments["chrom"]) == {"chr3"}
    assert set(fragments["strand"]) == {"+", "-"}
    for f, codes in zip(fragments.itertuples(), fragment_codes(corpus, fragments), strict=True):
        np.testing.assert_array_equal(
            codes, base_codes(genome.fetch(f.chrom, f.start, f.end, f.strand))
        )


def by_hand(job, loss, genome, held_out, regions):
    """Sums (bases, nats, right) of each group, base by base, from padded logits."""
    fragments, bases, _ = held_out
    sums = dict.fromkeys(GROUPS, (0, 0.0, 0))
    for row, f in enumerate(fragments.itertuples()):
        sequence = genome.fetch(f.chrom, f.start, f.end, f.strand)
        here = bases[bases["fragment"] == row]
        ids = np.array([2, *(base_codes(sequence) % 4 + 6), 3])
        ids[1:-1][base_codes(sequence) == 4] = 5
        for b in here.itertuples():
            ids[b.position + 1] = MASK if b.treatment == MASKED else (6, 7, 8, 9, 5)[b.seen]
        with torch.no_grad():
            logits = loss.model.eval()(input_ids=torch.from_numpy(ids[None])).logits[0, 1:-1]
        logs = logits.log_softmax(-1).numpy()
        for b in here.itertuples():
            place = f.start + b.position if f.strand == "+" else f.end - 1 - b.position
            covers = regions[(regions["start"] <= place) & (place < regions["end"])]
            names = ["all", *covers["name"]] if len(covers) else ["all", "no region"]
            kind = "repeat" if sequence[b.position].islower() else "nonrepeat"
            true = "ACGT".index(sequence[b.position].upper()) + 6
            value = (1, -float(logs[b.position, true]), int(logs[b.position].argmax() == true))
            for group in [(name, k) for name in set(names) for k in ("all", kind)]:
                sums[group] = tuple(a + v for a, v in zip(sums[group], value, strict=True))
    return sums


def test_perplexities_are_those_counted_by_hand(loss, corpus, genome, held_out, regions):
    job, module = loss
    wanted = by_hand(job, module, genome, held_out, regions)
    module.train()
    found = evaluate(
        module, read_validation(job, corpus, Process(0, 1, CPU)), Process(0, 1, CPU), "auto"
    )
    assert module.training
    assert found["n_bases"].sum() > 200
    assert (found["n_bases"] > 0).sum() >= 10
    for row in found.itertuples():
        n, nats, right = wanted[row.region, row.bases]
        assert row.n_bases == n
        if n:
            assert row.cross_entropy == pytest.approx(nats / n, abs=1e-5)
            assert row.perplexity == pytest.approx(np.exp(nats / n), rel=1e-5)
            assert row.accuracy == pytest.approx(right / n)
        else:
            assert np.isnan(row.perplexity)


def test_a_base_may_lie_in_two_regions(held_out):
    bits = held_out[1]["regions"]
    both = 1 | 1 << 2
    assert (bits & both == both).any()
    assert bits.max() < 1 << len(REGION_NAMES)


def test_processes_share_the_fragments_out(loss, corpus):
    job = loss[0]
    job = job._replace(hardware=job.hardware | {"micro_tokens": 130})
    whole = read_validation(job, corpus, Process(0, 1, CPU))
    parts = [read_validation(job, corpus, Process(rank, 5, CPU)) for rank in range(5)]
    assert len(whole.batches) == 6
    count = sum(len(batch.labels) for part in parts for batch in part.batches)
    assert count == sum(len(batch.labels) for batch in whole.batches)
    sums = sum(part.members.sum(1) for part in parts)
    np.testing.assert_array_equal(sums, whole.members.sum(1))
