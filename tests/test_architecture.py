"""Imports point one way: a module imports only from lines above its own."""

import ast
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "reform_analysis"

LAYERS = [
    {"exclusions", "maketables_plugin"},
    {"estimates"},
    {"new_files", "reference_styles", "text_table", "waiting"},
    {
        "columns",
        "delimited_text",
        "invented_names",
        "periods",
        "rate_counts",
        "resources",
        "spellings",
        "superscripts",
        "synthetic_mark",
        "wording",
    },
    {"messages"},
    {"cells", "parameters", "refusals", "yaml_faults"},
    {"cell_formats", "notebook_source"},
    {"cell_dates", "figure_columns", "panel_columns", "place_columns", "row_labels", "sheets", "unit_names"},
    {"panel_types", "workbook_template"},
    {"panel_rules"},
    {"schema"},
    {"headers", "place_lists"},
    {"place_areas", "table_parts"},
    {"row_kinds"},
    {"layout"},
    {"title_units", "totals"},
    {"melting"},
    {"covariates"},
    {"readings"},
    {"assembly", "covariate_list"},
    {"ingest"},
    {"measures", "panel_texts", "places"},
    {"panel_reports", "treatment"},
    {"panel"},
    {"permutation"},
    {"influence"},
    {"grouped_ranks", "split_score"},
    {"shared_denominators"},
    {"association_question"},
    {"association_data"},
    {"count_sample"},
    {"fixed_effects", "reliability", "wald"},
    {"comparison", "dispersion", "doses", "jackknife", "population_models", "wild_score"},
    {"counts"},
    {"assignments", "correlate", "poisson_effects"},
    {"score_draws"},
    {"randomisation_data", "ratio_inversion"},
    {"randomise"},
    {"score_test", "two_way_rates"},
    {"unit_periods"},
    {"partial_treatment", "two_by_two", "untreated_cells"},
    {"treated_ratio"},
    {"staggered"},
    {"event_study", "imputation"},
    {"did"},
    {"allocations", "baselines", "rates"},
    {"denominators"},
    {"published"},
    {"scenario"},
    {"draws"},
    {"simulate"},
    {"power_rules", "rejections"},
    {"baseline_sample", "bootstrap_power", "event_coefficients", "power"},
    {
        "entropy_balance",
        "pilot_selection",
        "regression_to_mean",
        "relative_magnitudes",
        "sensitivity",
        "smoothness",
    },
    {"trend_bounds"},
    {"describe", "likeness", "panel_source"},
    {"association_power"},
    {"cell_scores", "refits", "reforms"},
    {"conclusions", "curve_scores", "specifications"},
    {
        "codings",
        "collapse",
        "contamination",
        "displacement",
        "exposure_choices",
        "leave_out",
        "placebo",
        "reconcile",
    },
    {"brief_numbers", "specification_curve"},
    {"unexamined"},
    {"scorecard"},
    {"robustness"},
    {"journal_layout", "note_texts"},
    {"journal_models"},
    {"journal_tables"},
    {"excel_tables", "markup_tables", "word_tables"},
    {"font_subset"},
    {"figure_fonts"},
    {"figure_files"},
    {"effect_design", "plots", "sentences", "tables"},
    {"no_events", "other_reforms", "planning"},
    {
        "correlate_plots",
        "effect_plots",
        "effect_tables",
        "examination",
        "panel_plots",
        "panel_tables",
        "power_plots",
        "robustness_plots",
    },
    {"effect_findings", "findings", "panel_findings", "robustness_tables"},
    {
        "association_report",
        "effect_report",
        "other_report",
        "panel_sections",
        "power_report",
        "robustness_report",
    },
    {
        "forkserver",
        "formulas",
        "grid_labels",
        "headlines",
        "page_faults",
        "speech",
        "storage",
        "streams",
        "study_file",
    },
    {"analysis_plan", "displays", "grid", "provisioners"},
    {"plan_deviations", "plan_notebooks", "plan_statement"},
    {"plan_record"},
    {"kernels", "pages", "plan_standing", "study"},
    {"execution", "plan_sentences"},
    {"jobs"},
    {"plan_manifest"},
    {"index_rows", "manifest", "workers"},
    {"runs"},
    {"outcome"},
    {"batch"},
    {"cite", "pack_contents", "progress", "report", "unpack"},
    {"pack_differences", "pack_members", "pack_outputs", "scaffold"},
    {"pack_numbers", "pack_readme"},
    {"pack", "pack_checks"},
    {"pack_rerun"},
    {"cli_packs"},
    {"cli"},
]
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
ONLY_FOR_REPORTS = {"papermill": {"execution"}, "nbconvert": {"execution", "pages"}}

STORES_WHAT_IT_CAUGHT = {"jobs": "render_one"}  # a report that breaks must not break the batch


@cache
def modules() -> dict[str, ast.Module]:
    paths = [path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py"]
    return {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def imported(tree: ast.Module) -> set[str]:
    """Dotted names of everything imported, at any depth of the file."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the direction"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own(tree: ast.Module) -> set[str]:
    names = {name.split(".")[1] for name in imported(tree) if name.startswith("reform_analysis.")}
    return names - {"__version__"}


def test_every_module_has_a_layer() -> None:
    assert set(modules()) == set(LAYER)


@pytest.mark.parametrize("name", sorted(LAYER))
def test_imports_point_up(name: str) -> None:
    wrong = {other for other in own(modules()[name]) if LAYER[other] >= LAYER[name]}
    assert not wrong, f"{name} imports {wrong}"


@pytest.mark.parametrize("library", sorted(ONLY_FOR_REPORTS))
def test_only_the_report_layer_runs_notebooks(library: str) -> None:
    users = {
        name for name, tree in modules().items() if any(i.split(".")[0] == library for i in imported(tree))
    }
    assert users <= ONLY_FOR_REPORTS[library]


def test_plots_import_no_estimator() -> None:
    assert own(modules()["plots"]) <= {"estimates", "figure_files", "resources", "wording"}


@pytest.mark.parametrize("name", sorted(LAYER))
def test_no_broad_except_no_print_no_eval(name: str) -> None:
    allowed = [
        handler
        for function in ast.walk(modules()[name])
        if isinstance(function, ast.FunctionDef) and function.name == STORES_WHAT_IT_CAUGHT.get(name)
        for handler in ast.walk(function)
    ]
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.ExceptHandler) and node not in allowed:
            assert node.type is not None
            raised_again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            assert getattr(node.type, "id", "") not in ("Exception", "BaseException") or raised_again
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("print", "eval", "exec")


@pytest.mark.parametrize("name", sorted(LAYER))
def test_modules_stay_short(name: str) -> None:
    assert len((SOURCE / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 400
