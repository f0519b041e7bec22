"""Which model is meant, and which lengths it takes."""

import pytest

from splicebert.cli.model import check_length, find_model
from splicebert.errors import ModelError

TABLE = """\
small: {{adapter: splicebert, label: x, colour: "#000000", can: [], folder: {folder}}}
ranged: {{adapter: splicebert, label: x, colour: "#000000", can: [], folder: {folder},
  min_length: 70, max_length: 80}}
absent: {{adapter: splicebert, label: x, colour: "#000000", can: [], folder: none}}
onehot: {{adapter: onehot, label: x, colour: "#000000", can: []}}
"""


@pytest.fixture
def table(tmp_path, folder):
    """A table in a folder config/, which names folders relative to the one above."""
    (tmp_path / "project" / "config").mkdir(parents=True)
    (tmp_path / "project" / "linked").symlink_to(folder)
    path = tmp_path / "project" / "config" / "models.yaml"
    path.write_text(TABLE.format(folder="linked"))
    return path


def test_a_folder_needs_no_table(folder, tmp_path):
    choice = find_model(str(folder), str(tmp_path / "none.yaml"))
    assert choice.folder == folder
    assert choice.lengths == (64, 256)


def test_a_name_is_looked_up_beside_the_table(table, folder):
    choice = find_model("small", str(table))
    assert choice.folder.resolve() == folder.resolve()
    assert choice.lengths == (64, 256)
    assert find_model("ranged", str(table)).lengths == (70, 80)
    elsewhere = table.rename(table.parents[1] / "mine.yaml")
    assert find_model("small", str(elsewhere)).folder == choice.folder


def test_any_length_is_what_the_positions_hold(table, folder_510):
    assert find_model("ranged", str(table), any_length=True).lengths == (1, 256)
    assert find_model(str(folder_510), "", any_length=True).lengths == (1, 510)


def test_published_form_takes_exactly_510(folder_510):
    assert find_model(str(folder_510), "").lengths == (510, 510)


def test_demo_model_takes_a_range(root):
    assert find_model("demo", str(root / "config/models.yaml")).lengths == (64, 1024)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonesuch", "models.yaml has small, ranged, absent, onehot"),
        ("absent", "snakemake --cores 1 none/pytorch_model.bin"),
        ("onehot", "adapter 'onehot'"),
    ],
)
def test_models_that_can_not_be_had(table, name, message):
    with pytest.raises(ModelError, match=name) as error:
        find_model(name, str(table))
    assert message in str(error.value)


def test_without_a_table_the_error_says_so(tmp_path):
    with pytest.raises(ModelError, match=r"there is no .*none\.yaml"):
        find_model("demo", str(tmp_path / "none.yaml"))


@pytest.mark.parametrize("text", ["{", "[]", '{"max_position_embeddings": "many"}'])
def test_a_broken_configuration(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ModelError, match=str(tmp_path)):
        find_model(str(tmp_path), "")


def test_lengths(folder, folder_510):
    small, fixed = find_model(str(folder), ""), find_model(str(folder_510), "")
    check_length(64, small, "x has")
    check_length(256, small, "x has")
    with pytest.raises(ModelError, match=r"x has 63 nt.*takes 64 to 256 nt.*--any-length"):
        check_length(63, small, "x has")
    with pytest.raises(ModelError, match=r"x has 257 nt.*cut it into windows"):
        check_length(257, small, "x has")
    with pytest.raises(ModelError, match="takes exactly 510 nt: --any-length allows 1 to 510 nt"):
        check_length(509, fixed, "x has")


@pytest.mark.parametrize("command", ["embed", "fill", "predict"])
def test_commands_refuse_lengths_unless_told_otherwise(cli, folder, token_folder, command):
    model = token_folder if command == "predict" else folder
    options = ("--offsets", "3") if command == "fill" else ()
    short = b">a\nACGTACGTAC\n"
    refused = cli(command, "-m", model, *options, "-", stdin=short)
    assert refused.code == 2
    assert "sequence 'a' has 10 nt" in refused.err
    allowed = cli(command, "-m", model, *options, "-", "--any-length", stdin=short)
    assert allowed.code == 0
    assert allowed.rows[0]["id"] == "a"
    long = b">a\n" + b"A" * 257
    assert cli(command, "-m", model, *options, "-", "--any-length", stdin=long).code == 2


def test_variant_windows_are_checked_before_the_model_is_loaded(cli, folder, genome):
    found = cli("score-variants", "-m", folder, "--genome", genome.path, "-", stdin=b"")
    assert found.code == 2
    assert found.err.count("\n") == 1
    assert "--length is 510 nt; model" in found.err
