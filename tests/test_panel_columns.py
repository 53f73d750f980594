"""The declaration of the panel: one place, both languages, in step with the published figures."""

import re

import pandera.pandas as pa
import pytest

from reform_analysis import panel_columns, schema
from reform_analysis.panel_columns import DOMAINS, PANEL, kind_of
from reform_analysis.published import load_figures
from reform_analysis.wording import catalogue


def test_titles_of_published_series_are_those_of_the_figures() -> None:
    figures = load_figures()
    shared = [name for name in PANEL.columns if name in figures.index]
    assert set(DOMAINS) < set(shared)
    for name in shared:
        field = PANEL.columns[name]
        assert (field.title, field.metadata["title_zh"]) == tuple(
            figures.loc[name, ["label_en", "label_zh"]]
        ), name


def test_units_of_published_series_are_those_of_the_figures() -> None:
    figures = load_figures()
    for name in set(PANEL.columns) & set(figures.index):
        assert PANEL.columns[name].metadata["unit"] == figures.loc[name, "unit"], name


def test_every_column_is_described_in_both_languages_with_a_known_unit() -> None:
    for name, field in PANEL.columns.items():
        texts = [field.title, field.description, field.metadata["title_zh"], field.metadata["description_zh"]]
        assert all(texts), name
        assert re.search("[一-鿿]", texts[2] + texts[3]), name
        assert not re.search(r"[一-鿿][,;:?!]", texts[3]), f"{name}: half-width punctuation"
        assert not field.metadata["unit"] or f"unit.{field.metadata['unit']}" in catalogue(), name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("unit_id", "string"),
        ("pilot", "boolean"),
        ("reviews", "integer"),
        ("reviews_previous", "integer"),
        ("reviews_growth", "number"),
        ("gdp_growth", ""),
        ("loss_rate_previous", ""),
        ("xreviews_previous", ""),
    ],
)
def test_kinds(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_dictionary_has_every_column_with_unit_bounds_and_presence() -> None:
    text = schema.dictionary(PANEL)
    assert text.count("\n| `") == len(PANEL.columns)
    assert "| `losses` | integer | Administrative litigation losses |" in text
    assert "| cases | ≥ 0 | optional |" in text
    assert "| `loss_rate` |" in text
    assert "| 0–1 | optional |" in text
    assert "| `*_growth` |" in text
    assert "|  |  | needed |" in text


def test_dictionary_in_chinese() -> None:
    text = schema.dictionary(PANEL, language="zh")
    assert text.startswith("### 乡镇（街道）面板\n")
    assert "| 件 | ≥ 0 | 可缺 |" in text


def test_other_tables_keep_four_columns() -> None:
    assert "| Column | Type | Title | Description |\n" in schema.dictionary(schema.FIGURES)


def test_table_schema_of_a_file_follows_its_header() -> None:
    got = schema.table_schema(PANEL, columns=["unit_id", "losses", "gdp"])
    assert [(field["name"], field["type"]) for field in got["fields"]] == [
        ("unit_id", "string"),
        ("losses", "integer"),
        ("gdp", "any"),
    ]
    assert got["primaryKey"] == ["unit_id", "period"]


@pytest.mark.parametrize("declared", schema.TABLES.values(), ids=list(schema.TABLES))
def test_the_key_is_declared(declared: pa.DataFrameSchema) -> None:
    built = schema.table_schema(declared)
    assert set(built["primaryKey"]) <= {field["name"] for field in built["fields"]}


def test_attributes_are_the_two_that_reports_print() -> None:
    assert panel_columns.ATTRIBUTES == {
        "date_basis": ("filed", "decided"),
        "loss_definition": ("strict", "with_compensation", "with_withdrawal"),
    }
