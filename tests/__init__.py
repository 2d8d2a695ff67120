"""Tests; what is set here is in force before any of them, or anything that they test, is read."""

import gc
import os

# A worker for each core runs tests: threads of their own make linear algebra wait for each other.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
# UMAP compiles for half a minute; the test that is about it says so.
os.environ["FAULTBOOK_NOTE_MAP"] = "pca"
# Reading in the program and collecting the tests makes much that stays, to be looked at in vain.
gc.set_threshold(20_000, 20, 20)
