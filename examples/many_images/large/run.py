"""`python run.py train prepared.csv`."""

import os
import sys

print(f"Trained on {sys.argv[2]} for {'a bucket' if os.environ.get('BUCKET') else 'nobody'}")
