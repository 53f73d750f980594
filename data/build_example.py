"""Write example/panel_synthetic.csv, the stored example panel: SYNTHETIC, byte for byte the same each time.

python data/build_example.py
"""

from pathlib import Path

from reform_analysis import simulate

HERE = Path(__file__).parent


if __name__ == "__main__":
    target = HERE / simulate.EXAMPLE_FILE
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(simulate.example_csv())
