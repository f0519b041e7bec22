"""Windows of dependency maps: from a BED, from introns; what lies in them; the configuration."""

import numpy as np
import pandas as pd
import pytest

from splicebert.configuration import check, check_references, read_schema, read_yaml
from splicebert.dependency_config import check_dependency
from splicebert.dependency_regions import (
    annotate_windows,
    draw_introns,
    read_branchpoints,
    read_regions,
    require_regions,
)
from splicebert.dependency_tables import (
    DEPENDENCY_INTRONS,
    DEPENDENCY_PARTS,
    DEPENDENCY_WINDOWS,
)
from splicebert.errors import ConfigError, FormatError, GenomeError, SpliceBERTError
from splicebert.tables import EXONS, INTRONS, TRANSCRIPTS, validate
from splicebert.transcripts import introns as introns_of

CONTIGS = {"chr1": 10_000, "chr2": 5_000}
SETTINGS = {"smallest": 50, "largest": 150, "most": None, "seed": 1}
ON_DEMO = {"genome": "demo", "assembly": "demo"}


def write(path, *lines):
    path.write_text("".join(line + "\n" for line in lines))
    return path


# --- regions of a BED


def test_windows_are_centred_on_regions_and_named(tmp_path):
    path = write(tmp_path / "r.bed", "1\t100\t120\tone\t0\t+", "chr2\t4990\t5000\t.\t0\t-")
    table = validate(read_regions(path, CONTIGS, "g.fa", 51), DEPENDENCY_WINDOWS)
    assert table["window_id"].tolist() == [
        "one::chr1:100-120(+)", "region::chr2:4990-5000(-)",
    ]  # fmt: skip
    assert table[["start", "end"]].to_numpy().tolist() == [[85, 136], [4970, 5021]]
    assert table["number"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("chr1\t5\t9\tx\t0\t.", "no strand"),
        ("chr1\t5\t5\tx\t0\t+", "is empty"),
        ("chr1\t5\t57\tx\t0\t+", "longer than the window of 51 nt"),
        ("chr1\t9990\t10001\tx\t0\t+", "ends past its contig in g.fa"),
        ("chrX\t5\t9\tx\t0\t+", "no contig 'chrX'"),
    ],
)
def test_regions_that_are_refused(tmp_path, line, words):
    path = write(tmp_path / "r.bed", "chr1\t1\t9\tfirst\t0\t+", line)
    with pytest.raises((FormatError, GenomeError), match=words.replace("(", r"\(")):
        read_regions(path, CONTIGS, "g.fa", 51)


# --- introns of an annotation


@pytest.fixture(scope="module")
def annotation():
    """Two canonical transcripts on either strand and one that is not."""
    exons = {
        "a": ("chr1", "+", [(1000, 1100), (1200, 1300), (1360, 1500)]),
        "b": ("chr1", "-", [(2000, 2100), (2220, 2400)]),
        "other": ("chr1", "+", [(1000, 1100), (1210, 1500)]),
    }
    spans = [
        (tx, f"g{tx}", f"g{tx}", "lncRNA", chrom, parts[0][0], parts[-1][1], strand, pd.NA, pd.NA,
         len(parts), tx != "other")
        for tx, (chrom, strand, parts) in exons.items()
    ]  # fmt: skip
    rows = [
        (tx, chrom, start, end, strand, number)
        for tx, (chrom, strand, parts) in exons.items()
        for number, (start, end) in enumerate(parts if strand == "+" else parts[::-1], 1)
    ]
    transcripts = validate(pd.DataFrame(spans, columns=TRANSCRIPTS.names), TRANSCRIPTS)
    table = validate(pd.DataFrame(rows, columns=EXONS.names), EXONS)
    introns = validate(introns_of(table)[INTRONS.names], INTRONS)
    return transcripts, table, introns


def test_introns_are_drawn_within_their_transcripts(annotation):
    transcripts, _, introns = annotation
    table, skipped = draw_introns(introns, transcripts, SETTINGS, 200)
    validate(table, DEPENDENCY_WINDOWS)
    assert table["name"].tolist() == ["a.intron1", "a.intron2", "b.intron1"]
    assert table["region_start"].tolist() == [1100, 1300, 2100]
    size = table["end"] - table["start"]
    assert (size == 200).all()
    assert skipped == {"length out of the limits": 0, "window leaves the transcript": 0}
    _, skipped = draw_introns(introns, transcripts, SETTINGS | {"smallest": 70}, 320)
    assert skipped == {"length out of the limits": 1, "window leaves the transcript": 1}


def test_the_draw_has_a_seed(annotation):
    transcripts, _, introns = annotation
    drawn = {
        seed: draw_introns(introns, transcripts, SETTINGS | {"most": 1, "seed": seed}, 200)[0]
        for seed in range(12)
    }
    again, _ = draw_introns(introns, transcripts, SETTINGS | {"most": 1, "seed": 3}, 200)
    pd.testing.assert_frame_equal(again, drawn[3])
    assert all(len(table) == 1 for table in drawn.values())
    assert len({table["name"][0] for table in drawn.values()}) == 3


def test_parts_and_introns_of_a_window(annotation, tmp_path):
    _, exons, introns = annotation
    path = write(tmp_path / "r.bed", "chr1\t1100\t1200\tx\t0\t+", "chr1\t2100\t2220\ty\t0\t-")
    windows = read_regions(path, CONTIGS, "g.fa", 140)  # 1080-1220 and 2090-2230
    points = pd.DataFrame({"chrom": "chr1", "position": [1150, 1170, 1165, 2140, 2130, 2125],
                           "strand": ["+", "+", "-", "-", "-", "+"]})  # fmt: skip
    own = [table[table["tx_id"] != "other"] for table in (exons, introns)]
    inside, parts = annotate_windows(windows, *own, points)
    inside, parts = validate(inside, DEPENDENCY_INTRONS), validate(parts, DEPENDENCY_PARTS)
    assert inside[["tx_id", "intron_number", "branchpoint"]].to_numpy().tolist() == [
        ["a", 1, 1170], ["b", 1, 2130],
    ]  # fmt: skip
    found = parts.groupby(["window_id", "part"]).size().tolist()
    assert found == [1, 2, 1] * 2
    assert set(parts.loc[parts["part"] == "branchpoint", "start"]) == {1170, 2130}


def test_a_window_without_any_transcript(annotation, tmp_path):
    _, exons, introns = annotation
    windows = read_regions(write(tmp_path / "r.bed", "chr2\t1\t9\tx\t0\t+"), CONTIGS, "g.fa", 51)
    points = pd.DataFrame({"chrom": [], "position": [], "strand": []})
    inside, parts = annotate_windows(windows, exons, introns, points)
    assert inside.empty
    assert parts.empty
    validate(inside, DEPENDENCY_INTRONS)
    validate(parts, DEPENDENCY_PARTS)


def test_branchpoints_of_every_form(tmp_path):
    tsv = write(tmp_path / "b.tsv", "chrom\tstart\tend\tstrand\ttx_id", "chr1\t7\t8\t-\tx")
    bases = write(tmp_path / "b.bed", "1\t7\t8\tn\t0\t-", "chrX\t7\t8\tn\t0\t-")
    labels = write(tmp_path / "m.bed", "chr1\t5\t9\tn\t0,-1,1,0\t-", "chr1\t20\t22\tn\t1,1\t+")
    for path, positions in ((tsv, [7]), (bases, [7]), (labels, [7, 20, 21])):
        found = read_branchpoints(path, CONTIGS, "g.fa")
        assert found["position"].tolist() == positions
        assert set(found["chrom"]) == {"chr1"}
    with pytest.raises(FormatError, match="is not one base"):
        read_branchpoints(write(tmp_path / "w.bed", "chr1\t5\t9\tn\t0\t-"), CONTIGS, "g.fa")


def test_too_few_regions_say_what_to_change(annotation):
    windows = DEPENDENCY_WINDOWS.empty()
    with pytest.raises(SpliceBERTError, match=r"no region is left \(9 introns: too long\); widen"):
        require_regions(windows, 0, {"too long": 9, "other": 0})
    two = pd.DataFrame({"number": np.arange(2)})
    require_regions(two, 2, {})
    with pytest.raises(SpliceBERTError, match=r"2 regions for 3 figures .*\.figures to 2 or less"):
        require_regions(two, 3, {})


# --- configuration


@pytest.fixture(scope="module")
def schema(root):
    return read_schema(root / "config/schemas/config.schema.yaml")


def configuration(schema, *, annotation="resources/genes.gtf", **dependency):
    genome = {"assembly": "demo", "fasta": "resources/genome.fa", "annotation": annotation}
    return check({"genomes": {"demo": genome}, "dependency": dependency}, schema, "c")


def mistakes(values):
    with pytest.raises(ConfigError) as caught:
        check_dependency(values)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_regions_or_an_annotation(schema):
    datasets = {"d": ON_DEMO}
    check_dependency(configuration(schema, datasets=datasets))
    (line,) = mistakes(configuration(schema, annotation=None, datasets=datasets))
    assert line.startswith("dependency.datasets.d.regions: missing, and genomes.demo.annotation")
    datasets = {"d": ON_DEMO | {"regions": "resources/r.bed"}}
    check_dependency(configuration(schema, annotation=None, datasets=datasets))


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"introns": {"smallest": 500}}, "introns.smallest: found 500, allowed: introns.largest"),
        ({"introns": {"largest": 505}}, "introns.largest: found 505, allowed: 504 or less"),
        ({"blocks": {"donor": {"exon": 0, "intron": 0}}}, "blocks.donor: exon and intron are both"),
        ({"introns": {"most": 1}}, "datasets.d.regions: missing, and of the introns dependency."),
    ],
)
def test_numbers_that_contradict_each_other(schema, section, words):
    (line,) = mistakes(configuration(schema, datasets={"d": ON_DEMO}, **section))
    assert line.startswith(f"dependency.{words}")


def test_a_model_without_logits_is_refused(schema, root):
    models = check(read_yaml(root / "config/models.yaml"),
                   read_schema(root / "config/schemas/models.schema.yaml"), "m")  # fmt: skip
    with pytest.raises(ConfigError, match=r"dependency\.models: model 'onehot' gives no logits"):
        check_references(configuration(schema, models=["onehot"]), models, schema)
