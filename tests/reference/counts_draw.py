"""The synthetic panel that counts.R fits.

    python counts_draw.py > counts_synthetic.csv

`simulate.draw_panel`: 60 units of which 14 are pilots, 12 counties, 8 cities, 2018 to 2023; SYNTHETIC.
"""

import sys

from reform_analysis.simulate import draw_panel

panel = draw_panel(effect=0.7, seed=4, units=60, pilots=14, counties=12, cities=8, mean=1.5)
post = panel["period"] >= "2021"
panel["treated"] = (panel["pilot"] & post).astype(int)
panel["pilot"] = panel["pilot"].astype(int)
panel["dose_post"] = (panel["dose"] * post).round(4)
panel["city"] = panel["city"].rank(method="dense").astype(int)
columns = [
    "unit_id",
    "city",
    "period",
    "pilot",
    "treated",
    "dose_post",
    "losses",
    "lawsuits_concluded",
    "population",
]
panel[[*columns, "synthetic"]].to_csv(sys.stdout, index=False, lineterminator="\n")
