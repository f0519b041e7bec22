"""The program itself: help, version, exit codes, interruptions, what is left behind."""

import importlib
import os
import signal
import subprocess
import sys
import time
import tomllib

import pytest

from splicebert import __version__
from splicebert.cli import main

PROGRAM = [sys.executable, "-m", "splicebert"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
COMMANDS = (
    "embed",
    "fill",
    "score-variants",
    "variant-background",
    "dependency-map",
    "predict",
    "predict-branchpoints",
    "predict-splice-sites",
    "train",
)
GOLDEN = {
    "embed": ("0-based", "float32 (layers, nt, hidden)", "list<float>", "--pool", "--layers"),
    "fill": ("0-based", "p_A .. p_T", "ten tokens", "--each", "510 of them"),
    "dependency-map": ("0-based", "5'->3'", "da Silva", "log2 odds", "3 x length + 1"),
    "score-variants": ("1-based", "0-based half-open", "ln(max(k(d), 1e-6))", "STRAND", "bbae163"),
    "variant-background": ("in-silico", "1-based", "--seed", "--annotation", "percentile"),
    "predict-splice-sites": ("0-based", "PREFIX.donor.plus.bw", "ensemble", "--least", "GC"),
    "predict": ("softmax", "sigmoid", "p_0", "BertForTokenClassification", "--raw"),
    "predict-branchpoints": ("softmax", "0-based", "rank", "distance", "--zone", "mean"),
    "train": ("5'->3'", "-100", "cross-validation", "from_pretrained", "--initial"),
}


def run(*arguments, **options):
    options = {"capture_output": True, "text": True, "timeout": 120, "env": ENVIRONMENT} | options
    return subprocess.run([*PROGRAM, *map(str, arguments)], check=False, **options)


def help_of(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--help"])
    assert stop.value.code == 0
    return capsys.readouterr().out


# --- help


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(capsys, command):
    text = help_of(capsys, command)
    lengths = () if command == "train" else ("lengths:", "--any-length")
    for words in (*GOLDEN[command], "output", "examples:", "--device", *lengths):
        assert words in text
    assert text.count(f"  splicebert {command} ") == 2
    assert max(map(len, text.splitlines())) <= 100


def test_help_lists_the_commands(capsys):
    text = help_of(capsys)
    for command in COMMANDS:
        assert f"\n    {command}" in text


def test_examples_can_be_parsed(capsys):
    from splicebert.cli import build_parser

    for command in COMMANDS:
        examples = help_of(capsys, command).split("examples:")[1].replace("\\\n", " ")
        for line in examples.strip().splitlines():
            arguments = line.split(">")[0].split()[1:]
            assert build_parser().parse_args(arguments).command == command


def test_help_is_fast_and_imports_no_torch():
    code = (
        "import sys\nfrom splicebert.cli import main\ntry:\n    main(['embed', '--help'])\n"
        "finally:\n    print([m for m in ('torch', 'transformers', 'pandas') if m in sys.modules])"
    )
    begun = time.monotonic()
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert time.monotonic() - begun < 5  # a tenth of a second where the machine is idle
    assert found.stdout.endswith("[]\n")


def test_version():
    found = run("--version")
    assert (found.returncode, found.stdout) == (0, f"splicebert {__version__}\n")


def test_the_installed_program_is_main(root):
    scripts = tomllib.loads((root / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, function = scripts["splicebert"].partition(":")
    assert getattr(importlib.import_module(module), function) is main


def test_no_command_is_an_error(capsys):
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


# --- errors


def test_an_error_is_one_line_without_a_traceback(fasta):
    found = run("embed", "-m", "nonesuch", fasta)
    assert (found.returncode, found.stdout) == (2, "")
    (line,) = found.stderr.splitlines()
    assert line.startswith("splicebert embed: error: no model 'nonesuch'")


def test_a_file_that_is_not_there(cli, folder, tmp_path):
    found = cli("embed", "-m", folder, tmp_path / "none.fa")
    assert found.code == 2
    assert found.err == f"splicebert embed: error: {tmp_path}/none.fa: No such file or directory\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [("out.csv", "expected a name in .tsv"), ("", "is a folder"), (".tsv", "is a folder")],
)
def test_outputs_that_can_not_be(cli, folder, fasta, tmp_path, name, message):
    out = tmp_path / "folder.tsv" if name == ".tsv" else tmp_path / name
    (tmp_path / "folder.tsv").mkdir()
    found = cli("fill", "-m", folder, fasta, "-o", out)
    assert found.code == 2
    assert message in found.err or "unknown kind" in found.err
    assert len(found.err.splitlines()) == 1


def test_a_folder_that_can_not_be_made(cli, folder, fasta, tmp_path):
    (tmp_path / "file").write_text("")
    found = cli("embed", "-m", folder, fasta, "-o", tmp_path / "file" / "out.tsv")
    assert found.code == 2
    assert "error: " in found.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--device", "tpu"), "device 'tpu'"),
        (("--device", "cuda:99"), "cuda:99"),
        (("--dtype", "float8"), "float8"),
        (("--attention", "quick"), "quick"),
    ],
)
def test_runtimes_that_are_not_there(cli, folder, fasta, options, message):
    found = cli("embed", "-m", folder, fasta, *options)
    assert found.code == 2
    assert message in found.err.splitlines()[-1]


@pytest.mark.parametrize("command", ["fill", "score-variants"])
def test_coarse_precision_is_refused_where_it_matters(cli, folder, fasta, genome, command):
    source = (fasta,) if command == "fill" else ("--genome", genome.path, "--length", 100, "-")
    vcf = b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\nchr1\t1\t.\tA\tC\t.\t.\t.\n"
    found = cli(command, "-m", folder, *source, "--dtype", "bfloat16", stdin=vcf)
    assert found.code == 2
    assert "bfloat16" in found.err


def test_quiet_says_nothing(cli, folder, fasta):
    assert cli("embed", "-m", folder, fasta, "-q").err == ""
    assert "device cpu" in cli("embed", "-m", folder, fasta).err


@pytest.mark.parametrize("threads", ["0", "-1", "x"])
def test_threads_must_be_a_number(cli, folder, fasta, threads, capsys):
    with pytest.raises(SystemExit):
        cli("embed", "-m", folder, fasta, f"--threads={threads}")
    assert "1 or more" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS[:3])
def test_commands_on_the_demo_model(cli, root, genome, command):
    base = genome.chr1[399]
    record = f"chr1\t400\tv\t{base}\t{'C' if base == 'A' else 'A'}\t.\t.\tSTRAND=-\n"
    header = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    sequence = f">v\n{genome.chr1[:500]}NNNNNNNNNN\n"
    options, stdin = ("-",), sequence
    if command == "score-variants":
        options, stdin = ("--genome", genome.path, "-"), header + record
    found = cli(command, "-m", root / "config/demo_model", *options, stdin=stdin.encode())
    assert found.code == 0
    assert {row["id"] for row in found.rows} == {"v"}
    assert len(found.rows) == {"embed": 510, "fill": 10, "score-variants": 1}[command]


# --- what is left behind


@pytest.mark.parametrize("kind", [".parquet", ".npz", ".tsv", ".tsv.gz"])
def test_a_failure_leaves_the_old_output_and_nothing_else(cli, folder, fasta, tmp_path, kind):
    out = tmp_path / f"out{kind}"
    out.write_text("old")
    bad = fasta.read_bytes() + b">short\nACGT\n"
    found = cli("embed", "-m", folder, "-", "-o", out, "--batch-nt", "1", stdin=bad)
    assert found.code == 2
    assert "'short' has 4 nt" in found.err
    assert out.read_text() == "old"
    assert os.listdir(tmp_path) == [out.name]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_leaves_nothing_behind(folder, sequences, tmp_path, number, code):
    # A program started in the background, as this one may be, would ignore Ctrl-C.
    program = ["env", "--default-signal", *PROGRAM]
    command = [*program, "embed", "-m", folder, "-", "-o", tmp_path / "out.parquet"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, env=ENVIRONMENT, **pipes) as process:
        # The second header ends the first record; the program then waits for more.
        process.stdin.write(f">a\n{sequences['s0']}\n>b\n".encode())
        process.stdin.flush()
        deadline = time.monotonic() + 60
        while not os.listdir(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert os.listdir(tmp_path)[0].startswith(".tmp-")
        process.send_signal(number)
        try:
            assert process.wait(60) == code
        finally:
            process.kill()
        err = process.stderr.read().decode()
    assert "Traceback" not in err
    assert os.listdir(tmp_path) == []


def test_a_reader_that_goes_away(folder, sequences, tmp_path):
    path = tmp_path / "many.fa"
    path.write_text("".join(f">{i}\n{sequences['s2']}\n" for i in range(20)))
    program = " ".join(map(str, [*PROGRAM, "embed", "-q", "-m", folder, path]))
    shell = f"{program} | head -n 1; echo ${{PIPESTATUS[0]}}"
    found = subprocess.run(
        ["bash", "-c", shell], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    header, code = found.stdout.splitlines()
    assert header.startswith("id\toffset")
    assert code == "141"
    assert found.stderr == ""


def test_a_pipe_between_two_programs(folder, fasta):
    shell = f"cat {fasta} | {' '.join(PROGRAM)} fill -q -m {folder} --offsets 3 - | cut -f 1,2"
    found = subprocess.run(
        ["bash", "-c", shell], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines() == ["id\toffset", *(f"s{i}\t3" for i in range(5))]
    assert found.stderr == ""
