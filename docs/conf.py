"""Build of the documentation: a static site that loads nothing from elsewhere."""

import logging
import sys
from pathlib import Path

import reform_analysis

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

# It tells of every table that it cuts.
logging.getLogger("fontTools").setLevel(logging.WARNING)

project = "reform-analysis"
author = "The reform-analysis developers"
version = release = reform_analysis.__version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "mathml",
    "site_pages",
]
exclude_patterns = ["_build", "generated"]
templates_path = ["_templates"]
default_role = "code"
add_module_names = False
toc_object_entries_show_parents = "hide"

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "furo"
html_title = f"reform-analysis {release}"
html_static_path = ["_static"]
html_css_files = ["font.css", "site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
# A summary under a search result is fetched from its page, which a browser refuses for files.
html_show_search_summary = False
pygments_style = "default"
pygments_dark_style = "github-dark"
