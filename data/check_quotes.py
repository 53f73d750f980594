"""Search every quote from the article in its text; exit 1 on one that is not there.

The quotes are those of published/figures.csv, and those of context/reforms.csv that have no other source.

python data/check_quotes.py ARTICLE.txt
"""

import sys
from pathlib import Path

import pandas as pd

from reform_analysis.published import load_figures
from reform_analysis.reforms import load_reforms


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        print(
            f"give the article's text file, got {arguments}; python data/check_quotes.py ARTICLE.txt",
            file=sys.stderr,
        )
        return 2
    text = Path(arguments[0]).read_text(encoding="utf-8")
    reforms = load_reforms()
    quotes = pd.concat([load_figures()["quote"], reforms.loc[reforms["url"] == "", "quote"]])
    missing = quotes[[quote not in text for quote in quotes]]
    for name, quote in missing.items():
        print(f"{name}: not in the article: {quote}", file=sys.stderr)
    print(f"{len(quotes) - len(missing)} of {len(quotes)} quotes found in the article")
    return bool(len(missing))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
