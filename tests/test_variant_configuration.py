"""What the configuration of the variant branch refuses, and what it fills in."""

import pytest

from splicebert.configuration import check, published_name, read_schema, read_yaml
from splicebert.errors import ConfigError
from splicebert.variant_config import check_variant
from splicebert.variant_kinds import MODEL_SCORES, MPRA_KINDS, MUTAGENESIS, SUBSETS

ON_DEMO = {"genome": "demo", "assembly": "demo"}
VEXSEQ = ON_DEMO | {"kind": "VexSeq", "variants": "resources/v.vcf"}
MUTATED = ON_DEMO | {"kind": "mutagenesis"}
GENOME = {"assembly": "demo", "fasta": "resources/g.fa", "annotation": "resources/a.gtf",
          "phastcons": "resources/p.bw"}  # fmt: skip
MODELS = {"a": {"label": "A"}, "b": {"label": "A"}}


@pytest.fixture(scope="module")
def schema(root):
    return read_schema(root / "config/schemas/config.schema.yaml")


def configuration(schema, datasets, genome=GENOME, **variant):
    values = {"genomes": {"demo": dict(genome)}, "variant": {"datasets": datasets} | variant}
    return check(values, schema, "c")


def mistakes(schema, datasets, **options):
    with pytest.raises(ConfigError) as caught:
        check_variant(configuration(schema, datasets, **options), MODELS)
    return "\n".join(str(caught.value).splitlines()[1:])


def test_the_kinds_of_the_schema_are_those_of_the_library(schema):
    datasets = schema["properties"]["variant"]["properties"]["datasets"]
    kinds = datasets["additionalProperties"]["properties"]["kind"]["enum"]
    assert kinds == [*MPRA_KINDS, MUTAGENESIS]


def test_defaults_are_the_papers(schema):
    section = configuration(schema, {"d": VEXSEQ})["variant"]
    assert section["windows"]["length"] == 510
    settings = section["mutagenesis"]
    assert (settings["transcripts"], settings["most"], settings["seed"]) == (200, 20000, 2023)
    assert (settings["fraction"], settings["threshold"]) == (0.1, 0.8)
    assert MPRA_KINDS["VexSeq"].disrupting_below == -24
    assert MPRA_KINDS["MFASS"].disrupting_below == -0.5


def test_what_a_kind_needs_is_asked_for_and_what_it_has_not_is_refused(schema):
    check_variant(configuration(schema, {"d": VEXSEQ, "m": MUTATED}), MODELS)
    text = mistakes(schema, {"d": ON_DEMO | {"kind": "MFASS", "transcripts": "resources/t.bed"},
                             "m": MUTATED | {"disrupting_below": 0.5}})  # fmt: skip
    assert "variant.datasets.d.variants: missing; kind MFASS needs its VCF" in text
    assert "variant.datasets.d.transcripts: given, but kind is MFASS" in text
    assert "variant.datasets.m.disrupting_below: given, but kind is mutagenesis" in text


def test_mutagenesis_needs_conservation_and_exons(schema):
    bare = {"assembly": "demo", "fasta": "resources/g.fa"}
    text = mistakes(schema, {"m": MUTATED, "d": VEXSEQ}, genome=bare)
    assert "genomes.demo.phastcons: missing; the mutagenesis of data set 'm' needs it" in text
    assert "variant.datasets.m.annotation: missing, and genomes.demo.annotation" in text
    own = MUTATED | {"transcripts": "resources/t.bed", "annotation": "resources/g.txt"}
    genome = bare | {"phastcons": "resources/p.bw"}
    check_variant(configuration(schema, {"m": own}, genome=genome), MODELS)
    text = mistakes(schema, {"m": MUTATED | {"annotation": "resources/g.txt"}})
    assert "annotation: given without transcripts" in text


def test_two_published_sets_of_a_kind_and_two_labels_are_refused(schema):
    twice = {name: VEXSEQ | {"published": True} for name in "de"}
    assert "two of kind 'VexSeq' are marked published" in mistakes(schema, twice)
    text = mistakes(schema, {"d": VEXSEQ}, models=["a", "b"])
    assert "two models have the label 'A'" in text


def test_the_published_numbers_can_be_met_by_name(root):
    """Every published row of models and sets that the paper's configuration has."""
    lines = (root / "config/published.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines if line.startswith("variant\t")]
    models = read_yaml(root / "config/models.yaml")
    names = {published_name(e.get("published_as"), "variant") for e in models.values()} - {None}
    methods = {f"{name} {score}" for name in names for score in MODEL_SCORES.values()}
    own = [row for row in rows if row[2] in methods]
    assert len(own) == 12 + 12  # SpliceBERT of all and of human genomes; DNABERT 3 to 6
    assert {row[1] for row in own} == {
        f"{kind.title}, {subset}" for kind in MPRA_KINDS.values() for subset in SUBSETS.values()
    }
