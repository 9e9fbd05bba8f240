"""The generator from end to end: what is committed, what it does with bad input, what comes out."""

from __future__ import annotations

from pathlib import Path

import pytest

from amqpconn_spec._base import Method
from amqpconn_spec._wire import DecodeError
from amqpconn_spec.v0_9_1 import frames, registry
from codegen.__main__ import main
from codegen.output import differences, read
from codegen.pipeline import PACKAGE, generate

ROOT = Path(__file__).parents[2]

EXAMPLES = {
    "bit": True,
    "octet": 255,
    "short": 65535,
    "long": 2**32 - 1,
    "longlong": 2**64 - 1,
    "shortstr": "é" * 127,
    "longstr": bytes(range(256)),
    "table": {"key": ["text", {"inner": -1}], "flag": True},
}


def test_the_committed_package_is_what_the_specification_gives() -> None:
    assert differences(generate(ROOT / "spec"), ROOT / "generated", PACKAGE) == []


def test_a_bad_specification_is_reported_at_once_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("amqp0-9-1.xml", "rabbitmq.overlay.xml", "secrets.overlay.xml", "versions.toml"):
        (tmp_path / name).write_bytes((ROOT / "spec" / name).read_bytes())
    output = tmp_path / "out"
    options = ["--spec-dir", str(tmp_path), "--output", str(output)]
    assert main(["generate", *options]) == 0
    before = read(output, PACKAGE)
    spec = tmp_path / "amqp0-9-1.xml"
    text = spec.read_text(encoding="utf-8")
    text = text.replace('domain="peer-properties"', 'domain="pear-properties"')
    spec.write_text(text.replace('<response name="tune-ok"/>', '<response name="tuna"/>'), "utf-8")

    assert main(["generate", *options]) == 2

    reported = capsys.readouterr().err
    assert reported.count("[unknown-domain]") == 2
    assert reported.count("[unknown-response]") == 1
    assert read(output, PACKAGE) == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["out"]


@pytest.mark.parametrize("kind", registry.METHODS.values(), ids=lambda kind: kind.NAME)
def test_a_method_comes_back_from_its_frame_and_from_nothing_less(kind: type[Method]) -> None:
    method = kind(*(EXAMPLES[wire_type] for _name, wire_type in kind.FIELDS))
    frame = method.encode_frame(65535)
    assert frames.decode_frame(frame) == (frames.MethodFrame(65535, method), len(frame))
    payload = method.encode()
    assert payload == frame[7:-1]
    for wrong in (*(payload[:end] for end in range(len(payload))), payload + b"\0"):
        with pytest.raises(DecodeError):
            registry.decode_method(wrong)
