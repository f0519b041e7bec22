"""Adapters are found in the source, and so are the files that decide their numbers."""

import pytest

from splicebert import families
from splicebert.errors import SpliceBERTError


@pytest.fixture
def package(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(families, "PACKAGE", tmp_path)
    cached = (families.adapter_classes, families.family_code)
    for function in cached:
        function.cache_clear()
    yield tmp_path
    for function in cached:
        function.cache_clear()


def write(package, **modules):
    for name, text in modules.items():
        (package / "models" / f"{name}.py").write_text(text)


def test_an_adapter_may_be_built_on_another(package):
    write(
        package, base="class ModelAdapter: ...", tools="class Tool: ...",
        a="class Second(First): ...\nclass Other(dict): ...", b="class First(ModelAdapter): ...",
    )  # fmt: skip
    assert families.adapter_classes() == {"a": "Second", "b": "First"}


def test_two_adapters_in_a_module_are_refused(package):
    write(package, a="class B(ModelAdapter): ...\nclass C(ModelAdapter): ...")
    with pytest.raises(SpliceBERTError, match="defines the adapters B, C; expected one a module"):
        families.adapter_classes()


def test_code_of_a_family_is_what_its_module_imports(package):
    write(
        package, a="import os\nfrom . import b\nfrom ..errors import X\nfrom ..deep import f",
        b="from .base import M\nfrom .a import g", base="", unused="",
    )  # fmt: skip
    for name in ("errors", "deep"):
        (package / f"{name}.py").write_text("")
    assert families.family_code("a") == ("models/a", "models/b", "deep")


def test_sources_are_read_once_however_many_jobs_ask(package, monkeypatch):
    write(package, a="from . import b", b="")
    first = families.family_code("a")
    monkeypatch.setattr(families, "_imports", None)
    assert families.family_code("a") == first


def test_the_families_of_the_package():
    assert {"onehot", "splicebert"} <= set(families.adapter_classes())
    assert families.family_code("onehot") == ("models/onehot", "sequence")
    assert {"models/encoder", "models/linear"} <= set(families.family_code("splicebert"))
