"""The paper's downloads in small, in the form of the real ones, and a server of them here.

Every host of config/sources.yaml is a folder of the mirror. What real data are at hand go into the
archives as they are; what is not is written here in the same format.
"""

import gzip
import hashlib
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MODELS = {
    "SpliceBERT.1024nt": "tiny.1024nt",
    "SpliceBERT.510nt": "tiny.510nt",
    "SpliceBERT-human.510nt": "tiny-human.510nt",
}
# File of the archive -> file of the real data at hand.
DATA = {
    "gencode.v41lift37.canonical.tx.bed.gz": "canonical.tx.bed.gz",
    "regions.v41lift37.bed.gz": "regions.bed.gz",
    "regions.v41lift37.bed.gz.tbi": "regions.bed.gz.tbi",
    "regions.v41lift37.names.json": "regions.names.json",
    "hg19.ss-motif.for_umap.bed.gz": "ss-motif.bed.gz",
    "VexSeq.hg19.SNP.vcf.gz": "synthetic_snv.VexSeq.vcf.gz",
    "gencode.v41lift37.tx.random-200.bed.gz": "random.tx.bed.gz",
    "gencode.v41lift37.annotation.genepred.txt.gz": "genepred.txt.gz",
    "mercer_dataset.hg19.bed.gz": "mercer_dataset.hg19.bed.gz",
}
UCSC = "hgdownload.soe.ucsc.edu/goldenPath/hg19"
GENCODE = "ftp.ebi.ac.uk/pub/databases/gencode/Gencode_human/release_41"
# Address, and the list of checksums beside it -> file of the real data at hand.
DOWNLOADS = {
    (f"{UCSC}/bigZips/hg19.fa.gz", "md5sum.txt"): "genome.fa.gz",
    (f"{UCSC}/phastCons100way/hg19.100way.phastCons.bw", "md5sum.txt"): "phastcons.bw",
    (f"{UCSC}/phyloP100way/hg19.100way.phyloP100way.bw", "md5sum.txt"): "phylop.bw",
    (f"{GENCODE}/GRCh38.primary_assembly.genome.fa.gz", "MD5SUMS"): "genome.fa.gz",
}
PAIRS = ("acceptor_pair", "donor_pair", "exonic_pair", "intronic_pair", "random_pair", "unpair")
PAIRS_OF_A_GROUP = 40  # windows of 1,000 nt are what takes time
USAGE = {
    "GT(donor)": "donor(SSE > 0.8)",
    "GT(non-donor)": "donor(SSE < 0.2)",
    "AG(acceptor)": "acceptor(SSE > 0.8)",
    "AG(non-acceptor)": "acceptor(SSE < 0.2)",
}
FUNCTION_REGIONS = [
    f"genomic_function_region.{kind}.{region}{suffix}.bed.gz"
    for kind in ("protein_coding", "lncRNA")
    for region in ("UTR5", "CDS", "UTR3", "intron", "exon")
    for suffix in ("", ".in_repeat")
]
SPECIES = ("Danio", "Fly", "Worm", "Thaliana")


def lines(path: Path, most: int | None = None) -> list[str]:
    """The first lines of a gzip file."""
    with gzip.open(path, "rt") as file:
        return file.read().splitlines()[:most]


def write(path: Path, rows: list[str]) -> None:
    """Write lines, compressed where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = ("\n".join(rows) + "\n").encode()
    path.write_bytes(gzip.compress(text, 1) if path.suffix == ".gz" else text)


def write_sites(real: Path, data: Path) -> None:
    """Sites of high and low usage: the real ones and the others of the motif set."""
    rows = []
    for row in lines(real / "ss-motif.bed.gz"):
        place, label = row.split("\t")[3].rsplit("|", 1)
        rows.append(row.replace(f"{place}|{label}", f"{place}|{USAGE[label]}"))
    write(data / "K562.SSE.hg38.for_visualization.bed.gz", rows)


def write_pairs(real: Path, data: Path) -> None:
    """The first pairs of each group, and of the introns, under the names of the archive."""
    for name in (f"hg19.{group}.1000_per_group.bedpe.gz" for group in PAIRS):
        write(data / name, ["# pairs of splice sites", *lines(real / name, PAIRS_OF_A_GROUP)])
    introns = "gencode.v41lift37.MANE.intron.for_attention.bedpe.gz"
    shutil.copy(real / introns, data / introns)


def write_variants(real: Path, data: Path) -> None:
    """Variants of invented effect, and the real ones of MFASS behind them."""
    rows = lines(real / "synthetic_snv.MFASS.vcf.gz")
    more = [r for r in lines(real / "MFASS_mmsplice.hg19.vcf.gz") if not r.startswith("#")]
    write(data / "MFASS_mmsplice.hg19.vcf.gz", rows + more)


def write_spliceator(real: Path, data: Path) -> None:
    """Training files, and benchmarks of four species, all of them parts of Arabidopsis's."""
    training = data / "spliceator/Training_data"
    for site in ("donor", "acceptor"):
        for folder, name in (
            ("Positive/GS", f"POS_{site}_600.csv"),
            ("Negative/GS/GS_1", f"NEG_600_{site}.csv"),
        ):
            (training / folder).mkdir(parents=True, exist_ok=True)
            shutil.copy(real / "splice_site" / name, training / folder / name)
        for label in ("positive", "negative"):
            name = f"SA_sequences_{site}_400_Final_3.{label}.txt"
            rows = (real / "splice_site/Benchmarks/Thaliana" / name).read_text().splitlines()
            for number, species in enumerate(SPECIES):
                own = rows[100 * number : 100 * (number + 1)]
                if species == "Worm":  # the other form, with a text between
                    own = [row.replace(";", ";a protein;") for row in own]
                header = ["ID_uniprot;Sequence"] if species != "Fly" else []
                write(data / "spliceator/Benchmarks" / species / name, header + own)


def write_archive(folder: Path, target: Path) -> None:
    """Pack a folder under its own name, as tar does."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w:gz", compresslevel=1) as tar:
        tar.add(folder, folder.name)


def write_record(folder: Path) -> None:
    """The record of the two archives as Zenodo's API tells of it."""
    files = []
    for archive in sorted((folder / "zenodo.org/records/7995778/files").iterdir()):
        content = archive.read_bytes()
        checksum = f"md5:{hashlib.md5(content).hexdigest()}"
        files.append({"key": archive.name, "size": len(content), "checksum": checksum})
    record = folder / "zenodo.org/api/records/7995778"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"id": 7995778, "files": files}))


def write_mirror(real: Path, folder: Path) -> None:
    """Write all that paper mode downloads; `folder` is left with a folder for each host."""
    work = folder.with_name(f"{folder.name}.unpacked")
    data = work / "data"
    for name, model in MODELS.items():
        shutil.copytree(real / "models" / model, work / "models" / name)
    data.mkdir()
    for name, source in DATA.items():
        shutil.copy(real / source, data / name)
    write_sites(real, data)
    write_pairs(real, data)
    write_variants(real, data)
    write_spliceator(real, data)
    for name in FUNCTION_REGIONS:
        write(data / "genomic_function_region" / name, ["chr1\t0\t100"])
    for name in ("models", "data"):
        write_archive(work / name, folder / f"zenodo.org/records/7995778/files/{name}.tar.gz")
    write_record(folder)
    shutil.rmtree(work)
    for (address, checksums), name in DOWNLOADS.items():
        (folder / address).parent.mkdir(parents=True, exist_ok=True)
        (folder / address).symlink_to(real / name)
        md5 = hashlib.md5((real / name).read_bytes()).hexdigest()
        listed = (folder / address).with_name(checksums)
        listed.write_text(f"{'0' * 32}  another.gz\n{md5}  {Path(address).name}\n")


class Handler(SimpleHTTPRequestHandler):
    """Answers with files of a folder and remembers what was asked for."""

    def __init__(self, *args: Any, asked: list[str], **kwargs: Any):
        self.asked = asked
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        self.asked.append(self.path.partition("?")[0].lstrip("/"))
        super().do_GET()

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def serve(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder; yields its address and the list of the files that were asked for."""
    asked: list[str] = []
    handler = partial(Handler, directory=str(folder), asked=asked)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
