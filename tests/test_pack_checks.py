"""A pack with one fault in it: each is found without running anything, and the good pack has none."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reform_analysis import pack, pack_checks, pack_contents
from reform_analysis.estimates import DataError
from reform_analysis.wording import LANGUAGES

EDIT = Callable[[bytes], bytes | None]


@pytest.fixture(scope="module")
def good(probe_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack.write_pack(probe_run, out=tmp_path_factory.mktemp("pack") / "good.zip")


def rewrite(path: Path, out: Path, edits: dict[str, EDIT], *, rehash: bool = False) -> Path:
    """Change members; with `rehash`, as someone who also writes the new hashes into pack.json."""
    with zipfile.ZipFile(path) as archive:
        members: dict[str, bytes | None] = {name: archive.read(name) for name in archive.namelist()}
    for name, edit in edits.items():
        before = members.get(name, b"")
        members[name] = edit(before or b"")
        assert members[name] != before, name
    if rehash:
        document = json.loads(members["pack.json"] or b"")
        for member in document["members"]:
            content = members[member["path"]]
            member["sha256"] = hashlib.sha256(content or b"").hexdigest()
        members["pack.json"] = json.dumps(document).encode()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)
    return out


def replaced(old: str, new: str) -> EDIT:
    return lambda content: content.replace(old.encode(), new.encode(), 1)


def table(change: Callable[[pd.DataFrame], pd.DataFrame]) -> EDIT:
    def edit(content: bytes) -> bytes:
        packed = BytesIO()
        change(pd.read_parquet(BytesIO(content))).to_parquet(packed, index=False)
        return packed.getvalue()

    return edit


def other_estimate(frame: pd.DataFrame) -> pd.DataFrame:
    frame.loc[1, "estimate"] = 0.613773584905660
    return frame


def found(path: Path, language: str = "en") -> list[str]:
    return [difference.sentence(language) for difference in pack_checks.verify(path).differences]


def test_a_good_pack_has_no_difference(good: Path) -> None:
    verified = pack_checks.verify(good)
    assert verified.differences == ()
    assert verified.sha256 == hashlib.sha256(good.read_bytes()).hexdigest()
    assert verified.numbers == 4 * 7  # four reports, seven figures in the row that each shows


ONE_BYTE: dict[str, EDIT] = {
    "results/probe.losses.en.html": replaced("0.60", "0.61"),
    "results/probe.losses.en.ipynb": replaced("0.603774", "0.603775"),
    "results/estimates.csv": replaced("0.6037735849056604", "0.6037735849056605"),
    "results/estimates.parquet": table(other_estimate),
    "results/manifest.json": replaced('"planned": 4', '"planned": 5'),
    "study/数据/面板.csv": replaced("53", "54"),
    "study/study.yaml": replaced("losses", "Losses"),
    "study/plan.yaml": replaced("0.05", "0.10"),
    "study/笔记/probe.ipynb": replaced("2021", "2022"),
    "data/published/figures.csv": replaced("1", "2"),
    "requirements.txt": replaced("=", "-"),
    "README.md": replaced("SHA-256", "SHA-512"),
}


@pytest.mark.parametrize("name", ONE_BYTE)
def test_one_changed_digit_or_byte_is_found_and_named(name: str, good: Path, tmp_path: Path) -> None:
    sentences = found(rewrite(good, tmp_path / "a.zip", {name: ONE_BYTE[name]}))
    assert any(line.startswith(f"{name}: was changed (SHA-256 is ") for line in sentences)


@pytest.mark.parametrize(
    "name", sorted(set(ONE_BYTE) - {"requirements.txt", "README.md", "results/manifest.json"})
)
def test_with_new_hashes_it_still_disagrees_with_the_rest(name: str, good: Path, tmp_path: Path) -> None:
    path = rewrite(good, tmp_path / "a.zip", {name: ONE_BYTE[name]}, rehash=True)
    assert found(path) != []
    assert not any("was changed" in line for line in found(path))


def test_a_changed_cell_of_the_table_is_named_with_both_numbers(good: Path, tmp_path: Path) -> None:
    edits = {"results/estimates.parquet": table(other_estimate)}
    assert found(rewrite(good, tmp_path / "a.zip", edits, rehash=True)) == [
        "Estimates, row 2, estimate: 0.61377358490566 in estimates.parquet, "
        "0.6037735849056604 in estimates.csv.",
        "probe.losses.en.ipynb, main · rate_ratio, estimate: 0.61377358490566 in the table of estimates, "
        "0.603774 in the notebook.",
    ]


def test_the_same_number_in_both_tables_disagrees_with_the_notebook(good: Path, tmp_path: Path) -> None:
    """Both files changed alike, with new hashes: the notebook still shows what was estimated."""
    edits = {
        "results/estimates.parquet": table(other_estimate),
        "results/estimates.csv": lambda content: content.replace(
            b"en.html,main,rate_ratio,0.6037735849056604", b"en.html,main,rate_ratio,0.61377358490566"
        ),
    }
    (line,) = found(rewrite(good, tmp_path / "a.zip", edits, rehash=True))
    assert line.startswith("probe.losses.en.ipynb, main · rate_ratio, estimate: 0.61377358490566")


def test_missing_and_added_members_are_named(good: Path, tmp_path: Path) -> None:
    edits: dict[str, EDIT] = {"outputs.csv": lambda _: None, "results/x.html": lambda _: b"x"}
    assert found(rewrite(good, tmp_path / "a.zip", edits)) == [
        "outputs.csv: is missing.",
        "results/x.html: was added, pack.json does not list it.",
    ]


def test_a_result_that_no_report_made_is_named_though_it_is_listed(good: Path, tmp_path: Path) -> None:
    def list_it(content: bytes) -> bytes:
        document = json.loads(content)
        document["members"].append({"path": "results/x.html", "sha256": "", "bytes": 1})
        return json.dumps(document).encode()

    edits: dict[str, EDIT] = {"pack.json": list_it, "results/x.html": lambda _: b"x"}
    path = rewrite(good, tmp_path / "a.zip", edits, rehash=True)
    assert found(path) == ["results/x.html: the run's manifest.json names no such result."]


def test_a_changed_byte_of_the_archive_is_found(good: Path, tmp_path: Path) -> None:
    """Inside the compressed bytes of a member: the archive's own check sum breaks."""
    content = bytearray(good.read_bytes())
    with zipfile.ZipFile(good) as archive:
        content[archive.getinfo("results/probe.losses.zh.html").header_offset + 2000] ^= 1
    (tmp_path / "a.zip").write_bytes(content)
    assert found(tmp_path / "a.zip") == ["results/probe.losses.zh.html: is broken and cannot be read."]


def test_a_hidden_synthetic_mark_is_found(good: Path, tmp_path: Path) -> None:
    path = rewrite(
        good, tmp_path / "a.zip", {"pack.json": replaced('"synthetic": false', '"synthetic": true')}
    )
    assert found(path) == ["pack.json and the run's manifest.json differ on whether data are SYNTHETIC."]


def names(document: Any, new: str) -> bytes:
    document["reports"][0]["files"] = {new: "0" * 64}
    return json.dumps(document).encode()


REFUSED: dict[str, dict[str, EDIT]] = {
    "pack is refused": {"../x": lambda _: b"x"},
    "it is no replication pack": {"pack.json": lambda _: None},
    r"pack\.json is not as `pack` wrote it \(members": {"pack.json": replaced('"members"', '"Members"')},
    "no plain file names": {"results/manifest.json": lambda content: names(json.loads(content), "../x.html")},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_no_pack_or_could_leave_its_folder_is_refused(
    reason: str, good: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=reason):
        pack_checks.verify(rewrite(good, tmp_path / "a.zip", REFUSED[reason]))


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip"])
def test_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match="must be a zip archive"):
        pack_checks.verify(tmp_path / "a.zip")
    with pytest.raises(DataError, match="must be a file"):
        pack_checks.verify(tmp_path / "none.zip")


def test_names_of_a_stranger_steer_no_terminal(good: Path, tmp_path: Path) -> None:
    path = rewrite(good, tmp_path / "a.zip", {"pack.json": replaced("outputs.csv", "\\u001b[2Joutputs.csv")})
    for language in LANGUAGES:
        assert not any("\x1b" in line for line in found(path, language))


def test_without_data_nothing_is_missed(probe_run: Path, tmp_path: Path) -> None:
    path = pack.write_pack(probe_run, out=tmp_path / "a.zip", without_data=True)
    assert found(path) == []
    other = replaced(pack_checks.verify(path).pack.inputs[0].sha256, "0" * 64)
    changed = found(rewrite(path, tmp_path / "b.zip", {"pack.json": other}))
    assert changed == [
        "数据/面板.csv: the run read this data file, and pack.json does not list it with the same SHA-256."
    ]


def test_every_difference_is_said_in_chinese_too(good: Path, tmp_path: Path) -> None:
    path = rewrite(good, tmp_path / "a.zip", {"outputs.csv": lambda _: None})
    assert found(path, "zh") == ["outputs.csv：缺失。"]
    assert pack_contents.CONTENTS == "pack.json"
