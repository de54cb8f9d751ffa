"""Changes a process of a test before it begins, by the names in OPSLOOP_TEST_PATCHES."""

import importlib
import os

for name in filter(None, os.environ.get("OPSLOOP_TEST_PATCHES", "").split(",")):
    importlib.import_module(f"patch_{name}")
