"""`python run.py train <run id>`."""

import sys

print(f"Trained in run {sys.argv[2]}")
