from pathlib import Path

from splicebert.config_reference import render, table

ROOT = Path(__file__).parents[1]


def test_the_readme_lists_the_keys_of_the_schemas():
    assert (ROOT / "config/README.md").read_text() == render(ROOT / "config"), (
        "run `python -m splicebert.config_reference config`"
    )


def test_a_key_has_its_kind_default_and_meaning():
    schema = {
        "properties": {
            "a": {"type": "integer", "default": 3, "description": "one | two"},
            "c": {"type": ["array", "null"], "items": {"type": ["integer", "null"]}},
            "b": {"type": "object", "additionalProperties": {"type": "object", "properties": {}}},
        },
        "required": ["b"],
    }
    assert table(schema).splitlines()[2:] == [
        "| `a` | integer | `3` | one \\| two |",
        "| `c` | array of (integer or null) or null | `null` |  |",
        "| `b` | object | required |  |",
        "| `b.<name>` | object |  |  |",
    ]
