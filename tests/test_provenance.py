"""What is written down of a run: rules by benchmark, seeds, files, source, devices."""

import hashlib
import subprocess
from pathlib import Path

from splicebert import provenance
from splicebert.tables import validate

PATTERNS = {
    "infer": "benchmarks/{dataset}/{model}/infer.tsv",
    "infer_shard": "benchmarks/{dataset}/{model}/infer.{shard}.tsv",
    "plot": "benchmarks/plot.tsv",
}


def test_a_benchmark_belongs_to_the_rule_that_says_most_of_its_path():
    assert provenance.rule_of("benchmarks/a/b/infer.tsv", PATTERNS) == "infer"
    assert provenance.rule_of("benchmarks/a/b/infer.0.tsv", PATTERNS) == "infer_shard"
    assert provenance.rule_of("benchmarks/plot.tsv", PATTERNS) == "plot"
    assert provenance.rule_of("benchmarks/plot-tsv", PATTERNS) is None
    assert provenance.rule_of("benchmarks/old.tsv", PATTERNS) is None


def test_costs_are_those_of_the_jobs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    head = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    for name, row in (("a/b/infer.0", "2.5\t0:00:02\t100\t0\t0\t0\t0\t0\t0\t2"),
                      ("a/b/infer.1", "1.5\t0:00:01\t300\t0\t0\t0\t0\t0\t0\t1"),
                      ("plot", "0.2\t0:00:00\t-\t-\t-\t-\t-\t-\t-\t0"),
                      ("gone", "9\t0:00:09\t1\t0\t0\t0\t0\t0\t0\t9")):  # fmt: skip
        path = Path("benchmarks", f"{name}.tsv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(head + row + "\n")
    jobs = provenance.read_benchmarks(Path("benchmarks").rglob("*.tsv"), PATTERNS)
    table = validate(provenance.rule_costs(jobs, PATTERNS), provenance.RULE_COSTS)
    rows = table.set_index("rule")
    assert list(rows.index) == ["infer_shard", "plot", "infer"]
    assert rows.loc["infer_shard"].tolist() == [2, 4.0, 2.5, 3.0, 300.0]
    assert rows.loc["plot", "jobs"] == 1
    assert rows.loc["plot", "memory"] != rows.loc["plot", "memory"]  # too short to be measured
    assert rows.loc["infer", "jobs"] == 0
    empty = provenance.rule_costs([], PATTERNS)
    assert validate(empty, provenance.RULE_COSTS)["jobs"].tolist() == [0, 0, 0]


def test_seeds_are_found_at_every_depth():
    config = {"demo": {"seed": 3}, "a": {"b": {"seed": 7, "n": 1}, "seed": None}, "seeds": 4}
    assert dict(provenance.find_seeds(config)) == {"demo.seed": 3, "a.b.seed": 7}


def test_files_have_their_checksum_and_missing_ones_none(tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(b"abc")
    rows = provenance.file_states({"m": str(file), "n": str(tmp_path / "none")})
    assert rows[0]["sha256"] == hashlib.sha256(b"abc").hexdigest()
    assert rows[0]["bytes"] == 3
    assert rows[1]["sha256"] is rows[1]["bytes"] is None


def git(folder, *arguments):
    names = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", "-C", folder, *names, *arguments], check=True, capture_output=True)


def test_source_is_known_in_git_and_outside_of_it(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "Snakefile").write_text("rule all:\n")
    outside = provenance.source_state(tmp_path)
    assert outside["commit"] is None
    assert outside["reason"]
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "One")
    clean = provenance.source_state(tmp_path)
    assert len(clean["commit"]) == 40
    assert clean["modified"] == []
    assert clean["sha256"] == outside["sha256"]
    (tmp_path / "Snakefile").write_text("rule none:\n")
    changed = provenance.source_state(tmp_path)
    assert changed["modified"] == ["Snakefile"]
    assert changed["sha256"] != clean["sha256"]
    inside = provenance.source_state(tmp_path / "rules")
    assert inside["reason"] == "the project is no repository of its own"


def test_devices_come_from_the_logs(tmp_path):
    for name in "ab":
        log = tmp_path / f"{name}.log"
        log.write_text("2026 INFO model m, device cuda (H200), dtype bfloat16\n2026 INFO 3 done\n")
    (tmp_path / "c.log").write_text("2026 INFO no model here\n")
    found = provenance.devices(tmp_path.glob("*.log"))
    assert list(found) == ["model m, device cuda (H200), dtype bfloat16"]
    assert len(found["model m, device cuda (H200), dtype bfloat16"]) == 2
