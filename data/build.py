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
NAMES = {"published/figures.csv": "published-figures", "context/context.csv": "context-figures"}


def sources(path: str) -> list[dict[str, str]]:
    """The article, or every page that a context figure was seen on."""
    if path == "published/figures.csv":
        return [ARTICLE]
    with (HERE / path).open(encoding="utf-8", newline="") as file:
        pages = {row["url"]: row["place_zh"] for row in csv.DictReader(file)}
    return [{"title": f"{place}: page quoted in the rows", "path": url} for url, place in pages.items()]


def resource(path: str) -> dict[str, Any]:
    declared = schema.TABLES[path]
    content = (HERE / path).read_bytes()
    return {
        "name": NAMES[path],
        "type": "table",
        "path": path,
        "title": declared.title,
        "description": declared.description,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": "sha256:" + hashlib.sha256(content).hexdigest(),
        "schema": schema.table_schema(declared),
        "sources": sources(path),
        "licenses": [TABLE_LICENCE],
    }


def package() -> str:
    descriptor = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "reform-analysis-data",
        "title": "Published and context figures on Zhejiang's rule-of-law reform of townships",
        "version": "0.1.0",
        "created": "2026-11-24T00:00:00Z",
        "licenses": [TABLE_LICENCE],
        "resources": [resource(path) for path in schema.TABLES],
    }
    return json.dumps(descriptor, ensure_ascii=False, indent=2) + "\n"


README = """# Data dictionary / 数据字典

Generated from the declarations of `reform_analysis.schema` by `python data/build.py`; do not edit.
本页由 `python data/build.py` 依 `reform_analysis.schema` 的声明生成,请勿手改。

Everything here is real and published; nothing is synthetic. `datapackage.json` (Data Package v2) holds
sources, licences and SHA-256 of each file, and loading refuses a file whose bytes have changed.
此处均为公开的真实数字,无合成数据。`datapackage.json` 记载来源、许可与校验值;文件若有改动,载入即报错。

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
