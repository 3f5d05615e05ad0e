"""What a measurement was made with."""

import importlib.util
import os
import platform
from pathlib import Path

import numpy as np
import torch


def describe() -> dict:
    """Processor, system, versions and, where threadpoolctl can tell, NumPy's BLAS."""
    found = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        # How many processes wanted to run: on a loaded machine caches and memory are shared.
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else "unknown",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "instructions of PyTorch": torch.backends.cpu.get_cpu_capability(),
    }
    if importlib.util.find_spec("threadpoolctl"):
        import threadpoolctl

        pools = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
        found["BLAS of NumPy"] = ", ".join(
            f"{pool['internal_api']} {pool['version']} ({pool['architecture']} kernels)"
            for pool in pools
        )
    return found


def _processor() -> str:
    """The processor's name: Linux keeps it in a file, other systems tell Python."""
    place = Path("/proc/cpuinfo")
    if place.exists():
        for line in place.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
