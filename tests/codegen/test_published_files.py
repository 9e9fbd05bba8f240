"""Every published file of AMQP, Qpid's variants too, is read, or told at which line and why not."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from codegen import __main__ as command
from codegen.diagnostics import SpecError
from codegen.formatting import Formatter
from codegen.pipeline import generate
from tests.codegen.published import published
from tests.codegen.specs import SPEC

READ = {
    "0-8/amqp0-8.stripped.xml": "0-8",
    "0-8-qpid/amqp0-8-qpid.stripped.xml": "0-8",
    "0-9-1/amqp0-9-1.stripped.xml": "0-9-1",
    "0-9-1-qpid/amqp0-9-1.stripped.xml": "0-91",
    "0-9-1-rabbit/amqp0-9-1.stripped.extended.xml": "0-9-1",
}
# They use a domain that they do not define; an overlay can (spec/corrections-0-9.overlay.xml).
INCOMPLETE = ["0-9/amqp0-9.stripped.xml", "0-9-qpid/amqp0-9-qpid.stripped.xml"]
OTHER = {
    "0-10/amqp.0-10.stripped.xml": "AMQP 0-10",
    "0-10-qpid/amqp.0-10-qpid-errata.stripped.xml": "AMQP 0-10",
    "1-0/index.bare.xml": "AMQP 1.0",
    "1-0/messaging.bare.xml": "AMQP 1.0",
    "1-0/security.bare.xml": "AMQP 1.0",
    "1-0/transactions.bare.xml": "AMQP 1.0",
    "1-0/transport.bare.xml": "AMQP 1.0",
    "1-0/types.bare.xml": "AMQP 1.0",
}


def spec_with(name: str, folder: Path, overlays: str = "") -> Path:
    """A folder as spec/ is, whose only version is a published file."""
    folder.mkdir()
    for schema in SPEC.glob("*.rng"):
        (folder / schema.name).write_bytes(schema.read_bytes())
    for overlay in overlays.split():
        (folder / overlay).write_bytes((SPEC / overlay).read_bytes())
    (folder / "published.xml").write_bytes(published(name).read_bytes())
    (folder / "versions.toml").write_text(
        f'[v_published]\nbase = "published.xml"\noverlays = {overlays.split()}\n'
    )
    return folder


@pytest.fixture(autouse=True)
def unformatted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave black out: it takes nine tenths of the time, and other tests are about the format."""
    monkeypatch.setattr(Formatter, "formatted", lambda _self, sources: sources)


def test_no_published_file_is_forgotten() -> None:
    root = published("")
    there = {str(path.relative_to(root)) for path in root.glob("*/*.xml")}
    assert there == {*READ, *INCOMPLETE, *OTHER}


@pytest.mark.parametrize("name", READ)
def test_it_is_read_as_it_is(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = generate(spec_with(name, tmp_path / "spec"))
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    for module in [module for module in sys.modules if module.startswith("amqpconn_spec")]:
        monkeypatch.delitem(sys.modules, module)
    package = importlib.import_module("amqpconn_spec.v_published")
    assert READ[name] == package.PROTOCOL_VERSION
    for method in package.registry.METHODS.values():
        assert method.decode(method().encode()) == method()


@pytest.mark.parametrize("name", INCOMPLETE)
def test_an_undefined_domain_is_told_and_can_be_corrected(name: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        generate(spec_with(name, tmp_path / "spec"))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.rule == "unknown-domain"
    line = published(name).read_text().splitlines()[diagnostic.origin.line - 1]
    assert 'domain="content"' in line
    generate(spec_with(name, tmp_path / "corrected", "corrections-0-9.overlay.xml"))


@pytest.mark.parametrize("name", OTHER)
def test_a_file_in_another_schema_has_one_clear_error_and_nothing_is_written(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, output = spec_with(name, tmp_path / "spec"), tmp_path / "generated"
    status = command.main(["generate", "--spec-dir", str(spec), "--output", str(output)])
    assert status == 2
    assert not output.exists()
    first, *rest = capsys.readouterr().err.splitlines()
    assert f"[other-schema] this is {'a part of ' if '1-0/' in name else ''}{OTHER[name]}" in first
    assert "only the class and method schema" in first
    assert not [line for line in rest if "[" in line]
