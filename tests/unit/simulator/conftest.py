"""A writer of OVF files of its own, to hold the reader to."""

from __future__ import annotations

import numpy as np
import pytest

CONTROL = {4: 1234567.0, 8: 123456789012345.0}


def written(
    vectors,
    *,
    version=2,
    encoding="binary4",
    cell_m=(1e-9, 1e-9, 1e-9),
    unit="A/m",
    **header,
):
    """Return a file of vectors (nz, ny, nx, 3); ``header`` adds lines, None drops one."""
    nz, ny, nx = vectors.shape[:3]
    first = "OVF 2.0" if version == 2 else "rectangular mesh v1.0"
    lines = {
        "Title": "a state # ## of: nothing",
        "meshtype": "rectangular",
        "meshunit": "m",
    }
    lines |= {f"{axis}nodes": n for axis, n in zip("xyz", (nx, ny, nz), strict=True)}
    lines |= {f"{axis}stepsize": n for axis, n in zip("xyz", cell_m[::-1], strict=True)}
    if version == 2:
        lines |= {"valuedim": 3, "valuelabels": "m_x m_y m_z"}
        lines |= {"valueunits": " ".join([unit] * 3)} if unit else {}
    else:
        lines |= {"valueunit": unit, "valuemultiplier": 1}
    lines |= header
    words = {"text": "Text", "binary4": "Binary 4", "binary8": "Binary 8"}[encoding]
    text = f"# OOMMF: {first}\n# Segment count: 1\n# Begin: Segment\n# Begin: Header\n"
    text += "".join(
        f"# {key}: {value}\n" for key, value in lines.items() if value is not None
    )
    text += f"# End: Header\n# Begin: Data {words}\n"
    data = _data(vectors.reshape(-1, 3), version, encoding)
    return text.encode() + data + f"# End: Data {words}\n# End: Segment\n".encode()


def _data(vectors, version, encoding):
    if encoding == "text":
        return "".join(f"{x!r} {y!r} {z!r}\n" for x, y, z in vectors.tolist()).encode()
    width = int(encoding[-1])
    numbers = np.concatenate([[CONTROL[width]], vectors.ravel()])
    return numbers.astype(f"{'<' if version == 2 else '>'}f{width}").tobytes()


@pytest.fixture(scope="session")
def ovf_bytes():
    return written
