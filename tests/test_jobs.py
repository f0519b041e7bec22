from types import SimpleNamespace

import pytest

from splicebert.errors import SpliceBERTError
from splicebert.jobs import job, open_genome, open_model

ENTRY = {"adapter": "onehot", "flank": 3}


def snakemake(tmp_path, *, device="auto", gpu=0, dtype="auto", purpose="probability"):
    return SimpleNamespace(
        rule="infer",
        log=[str(tmp_path / "job.log")],
        threads=1,
        wildcards=SimpleNamespace(model="onehot"),
        params=SimpleNamespace(model=ENTRY, dtype=dtype, purpose=purpose),
        config={
            "inference": {"device": device, "batch_nt": 99, "attention": "auto", "compile": False}
        },
        resources={"gpu": gpu},
        input=SimpleNamespace(
            fasta=str(tmp_path / "g.fa"), fai=str(tmp_path / "g.fai"), gzi=str(tmp_path / "g.gzi")
        ),
    )


def test_the_log_says_what_runs_where(tmp_path):
    fake = snakemake(tmp_path)
    with job(fake):
        model, runtime = open_model(fake)
    assert model.neighbourhood == 3
    assert runtime.batch_nt == 99
    text = (tmp_path / "job.log").read_text()
    for word in ("model onehot", "device cpu", "dtype float32", "99 nt a batch"):
        assert word in text


def test_a_job_without_a_gpu_runs_on_the_cpu(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: "pretended")
    _, runtime = open_model(snakemake(tmp_path, gpu=0))
    assert runtime.device.type == "cpu"
    _, runtime = open_model(snakemake(tmp_path, gpu=1))
    assert runtime.device.type == "cuda"


def test_a_dtype_too_coarse_for_a_purpose_gives_way(tmp_path):
    fake = snakemake(tmp_path, dtype="bfloat16", purpose="difference")
    with job(fake):
        assert open_model(fake)[1].dtype == "float32"
    assert "bfloat16 is too coarse for a difference" in (tmp_path / "job.log").read_text()
    fake = snakemake(tmp_path, dtype="bfloat16", purpose="embedding")
    assert open_model(fake)[1].dtype == "bfloat16"


def test_a_gpu_that_is_not_there_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SpliceBERTError, match="torch sees no GPU"):
        open_model(snakemake(tmp_path, device="cuda", gpu=1))


def test_an_error_is_logged_and_told_in_one_line(tmp_path, capsys):
    fake = snakemake(tmp_path)
    with pytest.raises(ValueError, match="broken"), job(fake):
        raise ValueError("broken input")
    assert capsys.readouterr().err == "infer: broken input\n"
    text = (tmp_path / "job.log").read_text()
    assert "Traceback" in text
    assert "broken input" in text


def test_the_log_of_one_job_does_not_reach_another(tmp_path):
    (tmp_path / "b").mkdir()
    first, second = snakemake(tmp_path), snakemake(tmp_path / "b")
    with job(first) as log:
        log.info("one")
    with job(second) as log:
        log.info("two")
    assert "two" not in (tmp_path / "job.log").read_text()
    assert "one" not in (tmp_path / "b" / "job.log").read_text()


def test_the_genome_of_a_job_is_read_through_its_own_index(tmp_path):
    (tmp_path / "g.fa").write_text(">chr1\nACGT\n")
    with open_genome(snakemake(tmp_path)) as genome:
        assert genome.fetch("chr1", 0, 4) == "ACGT"
    assert (tmp_path / "g.fai").exists()
