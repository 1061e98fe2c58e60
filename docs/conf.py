"""How the book is built: sphinx-build -W -b html docs build/book, with the extra [docs] installed."""

import sys
from pathlib import Path

import minizerofl

sys.path.insert(0, str(Path(__file__).parent / "_book"))

project = "minizerofl"
author = "The minizerofl developers"
copyright = author
release = minizerofl.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "source_links",
    "command_line",
    "public_names",
]
default_role = "py:obj"  # a name in a docstring is a link if it is public
highlight_language = "text"
smartquotes = False  # they would turn --option into a dash

# The pages are written for GitHub as well: its anchors for headings, and no syntax of MyST in running text.
myst_heading_anchors = 4
myst_enable_extensions = []
nb_execution_raise_on_error = True
nb_execution_timeout = 300  # seconds for a cell; a laboratory takes half a minute
nb_execution_in_temp = True  # the laboratories write files and runs

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # The sections "Parameters" and "Returns" say it in words.
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_param = False  # else each word of a type becomes a link
napoleon_use_ivar = True  # else attributes that are properties are described twice

html_title = "minizerofl"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_theme_options = {
    "source_repository": "https://github.com/minizerofl/minizerofl/",
    "source_branch": "main",
    "source_directory": "docs/",
}

copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
