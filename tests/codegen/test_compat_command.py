"""The command: what can be compared, what is shown in which format, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codegen.__main__ import main
from tests.codegen.compat import SPEC, ask, fields

OLD = ask(fields("size:long, mode:octet"))
BROKEN = ask(fields("size:long, mode:octet, note:shortstr"), 'synchronous="1"')
COMPATIBLE = ask(fields("size:long, mode:octet"), 'label="Ask"').replace(
    "</class>", '</class>\n<class name="beta" index="20"/><!--beta-->'
)
OVERLAY = """\
<overlay name="more">
<add to="class/alpha/method/ask" reason="It has to be longer.">
<field name="more" type="octet"/>
</add>
</overlay>
"""

Output = pytest.CaptureFixture[str]

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with some files."""
    for name, text in (("old", OLD), ("broken", BROKEN), ("compatible", COMPATIBLE)):
        (tmp_path / f"{name}.xml").write_text(text, "utf-8")
    (tmp_path / "more.overlay.xml").write_text(OVERLAY, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def diff(*arguments: str) -> int:
    return main(["diff", "--spec-dir", str(SPEC), *arguments])


# --- Formats ---


def test_text_groups_by_subject_and_ends_with_a_summary(capsys: Output) -> None:
    assert diff("old.xml", "broken.xml") == 1
    assert capsys.readouterr().out == (
        "AMQP 0-9-1 (old.xml) -> AMQP 0-9-1 (broken.xml)\n"
        "\n"
        "alpha.ask\n"
        "  breaking WIRE FIELD_NO_INSERT: clients that send alpha.ask write note (shortstr) as"
        " well: servers of the old version find bytes left over\n"
        "    old.xml:8 -> broken.xml:12\n"
        "  breaking REPLY METHOD_SAME_SYNCHRONOUS: alpha.ask is synchronous: clients and servers of"
        " the two versions differ in what may come before its exchange is over\n"
        "    old.xml:8 -> broken.xml:8\n"
        "\n"
        "2 findings: WIRE 1 (1 breaking), REPLY 1 (1 breaking), SOURCE 0, DOC 0: breaking\n"
    )


def test_text_of_what_breaks_nothing(capsys: Output) -> None:
    assert diff("old.xml", "compatible.xml") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "alpha.ask"
    assert lines[3].startswith("  DOC LABEL_CHANGED: ")
    assert lines[6] == "class beta"
    assert lines[7].startswith("  SOURCE CLASS_ADDED: ")
    assert lines[8] == "    - -> compatible.xml:14"
    assert lines[-1] == "2 findings: WIRE 0, REPLY 0, SOURCE 1, DOC 1: compatible"


def test_text_of_one_finding_and_of_none(capsys: Output) -> None:
    assert diff("old.xml", "old.xml+more.overlay.xml") == 1
    assert "1 finding: WIRE 1 (1 breaking), " in capsys.readouterr().out
    assert diff("old.xml", "old.xml") == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "0 findings: WIRE 0, REPLY 0, SOURCE 0, DOC 0: compatible"
    )


def test_json_is_what_is_documented(capsys: Output) -> None:
    assert diff("old.xml+more.overlay.xml", "compatible.xml", "--format", "json") == 1
    data = json.loads(capsys.readouterr().out)
    assert list(data) == ["format", "old", "new", "breaking", "counts", "findings"]
    assert data["format"] == 1
    assert data["old"] == {
        "name": "old.xml+more.overlay.xml",
        "version": "0-9-1",
        "files": ["old.xml", "more.overlay.xml"],
    }
    assert data["new"]["files"] == ["compatible.xml"]
    assert data["breaking"] is True
    assert list(data["counts"]) == ["WIRE", "REPLY", "SOURCE", "DOC"]
    assert data["counts"]["WIRE"] == {"findings": 1, "breaking": 1}
    assert data["counts"]["SOURCE"] == {"findings": 1, "breaking": 0}
    assert data["findings"][0] == {
        "rule": "FIELD_NO_DELETE",
        "category": "WIRE",
        "breaking": True,
        "subject": "alpha.ask",
        "message": "clients that send alpha.ask leave more (octet) out: servers of the old version"
        " find the method too short",
        "old": {"file": "more.overlay.xml", "line": 3},
        "new": {"file": "compatible.xml", "line": 8},
    }
    assert data["findings"][-1]["old"] is None


def test_annotations_point_at_the_new_place_or_else_the_old_one(capsys: Output) -> None:
    assert diff("compatible.xml", "old.xml", "--format", "annotations") == 1
    assert diff("old.xml", "compatible.xml", "--format", "annotations") == 0
    errors = capsys.readouterr().out.splitlines()
    assert [line.rpartition("::")[0] for line in errors] == [
        "::notice file=old.xml,line=8,title=LABEL_CHANGED",
        "::error file=compatible.xml,line=14,title=CLASS_NO_DELETE",
        "::notice file=compatible.xml,line=8,title=LABEL_CHANGED",
        "::warning file=compatible.xml,line=14,title=CLASS_ADDED",
    ]
    assert errors[1].endswith("::class beta (20) is gone with its 0 methods: peers of the new"
                              " version know none of it")  # fmt: skip


def test_annotations_escape_what_would_end_them(folder: Path, capsys: Output) -> None:
    (folder / "a,b:c%d.xml").write_text(
        OLD.replace('name="mode" type="octet"/>', 'name="mode" type="octet" label="x"/>'), "utf-8"
    )
    assert diff("old.xml", "a,b:c%d.xml", "--format", "annotations") == 0
    assert capsys.readouterr().out == (
        "::notice file=a%2Cb%3Ac%25d.xml,line=8,title=LABEL_CHANGED::the docstring of alpha.Ask"
        " changes: mode\n"
    )


def test_no_annotation_is_no_line(capsys: Output) -> None:
    assert diff("old.xml", "old.xml", "--format", "annotations") == 0
    assert capsys.readouterr().out == ""


# --- Choosing ---


@pytest.mark.parametrize(
    ("category", "status", "rules"),
    [
        ("WIRE", 0, []),
        ("REPLY", 1, ["METHOD_SAME_SYNCHRONOUS"]),
        ("SOURCE", 1, ["METHOD_SAME_SYNCHRONOUS", "CLASS_ADDED"]),
        ("DOC", 1, ["METHOD_SAME_SYNCHRONOUS", "LABEL_CHANGED", "CLASS_ADDED"]),
    ],
)
def test_a_category_is_that_one_and_what_is_stricter(
    folder: Path, capsys: Output, category: str, status: int, rules: list[str]
) -> None:
    new = folder / "new.xml"
    new.write_text(COMPATIBLE.replace("label=", 'synchronous="1" label='), "utf-8")
    assert diff("old.xml", "new.xml", "--format", "json", "--category", category) == status
    data = json.loads(capsys.readouterr().out)
    assert [finding["rule"] for finding in data["findings"]] == rules
    assert data["breaking"] is bool(status)


def test_breaking_only_hides_the_rest_and_says_so(capsys: Output) -> None:
    assert diff("compatible.xml", "old.xml", "--breaking-only") == 1
    output = capsys.readouterr().out
    assert "LABEL_CHANGED" not in output
    assert output.splitlines()[-1] == (
        "1 finding (1 not shown): WIRE 1 (1 breaking), REPLY 0, SOURCE 0, DOC 0: breaking"
    )
    assert diff("old.xml", "compatible.xml", "--breaking-only") == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("0 findings (2 not shown): ")


# --- What is compared ---


def test_names_of_the_manifest_and_overlays_on_both(folder: Path, capsys: Output) -> None:
    secrets = SPEC / "secrets.overlay.xml"
    plain = f"{SPEC / 'amqp0-9-1.xml'}+{SPEC / 'rabbitmq.overlay.xml'}+{secrets}"
    assert diff("v0_9_1", plain) == 0
    assert "0 findings" in capsys.readouterr().out
    more = folder / "more.xml"
    more.write_text(OVERLAY.replace("alpha/method/ask", "basic/method/qos"), "utf-8")
    assert diff("v0_9_1", "v0_9_1+more.xml") == 1
    assert "    " + f"{SPEC / 'amqp0-9-1.xml'}:488 -> more.xml:3\n" in capsys.readouterr().out


def test_a_plus_in_the_name_of_a_file(folder: Path) -> None:
    (folder / "old.xml").rename(folder / "a+b.xml")
    assert diff("a+b.xml", "compatible.xml") == 0


def test_a_bad_file_is_diagnosed_and_so_is_the_other_one(folder: Path, capsys: Output) -> None:
    (folder / "bad.xml").write_text(OLD.replace('type="octet"', 'domain="code"'), "utf-8")
    (folder / "cut.xml").write_text(OLD[:-10], "utf-8")
    assert diff("bad.xml", "cut.xml") == 2
    output = capsys.readouterr()
    assert output.out == ""
    lines = output.err.splitlines()
    assert lines[0] == (
        "bad.xml:11: [unknown-domain] alpha.ask: field mode has the unknown domain 'code'"
    )
    assert lines[1].startswith("cut.xml:13: [malformed-xml] ")
    assert lines[2:] == ["problems: 2; nothing was compared"]


@pytest.mark.parametrize(
    ("name", "diagnostic"),
    [
        ("v9", "v9:0: [missing-file] is neither a file nor one of the versions in {spec}/"),
        ("no.xml", "no.xml:0: [missing-file] cannot be read: No such file or directory"),
        ("old.xml+no.xml", "no.xml:0: [missing-file] cannot be read: No such file or directory"),
        ("v0_9_1+", ".:0: [missing-file] cannot be read: Is a directory"),
    ],
)
def test_what_is_not_there(capsys: Output, name: str, diagnostic: str) -> None:
    assert diff("old.xml", name) == 2
    assert capsys.readouterr().err.startswith(diagnostic.format(spec=SPEC))


def test_a_manifest_without_versions(folder: Path, capsys: Output) -> None:
    (folder / "versions.toml").write_text("", "utf-8")
    assert main(["diff", "--spec-dir", ".", "old.xml", "v9"]) == 2
    errors = capsys.readouterr().err
    assert "versions.toml:0: [manifest] lists no version" in errors
    assert "is neither a file nor one of the versions in versions.toml: none" in errors


def test_files_need_no_manifest() -> None:
    assert main(["diff", "--spec-dir", "elsewhere", "old.xml", "compatible.xml"]) == 0


@pytest.mark.parametrize("arguments", [[], ["old.xml"], ["a", "b", "--category", "ALL"]])
def test_wrong_usage(arguments: list[str], capsys: Output) -> None:
    with pytest.raises(SystemExit) as ended:
        diff(*arguments)
    assert ended.value.code == 2
    assert "usage: python -m codegen diff" in capsys.readouterr().err
