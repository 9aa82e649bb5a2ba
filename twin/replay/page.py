"""Pages of one file: style, scripts and data inlined, so that they open from disk by themselves."""

from __future__ import annotations

import base64
import json
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


def page(template: str, data: Any, scripts: tuple[str, ...], **texts: Any) -> str:
    """Return a page as HTML.

    Args:
        template: file in ``twin/replay/web``.
        data: what the scripts show; anything JSON can say, no nan.
        scripts: files in ``twin/replay/web``, in the order they are to run.
        texts: what the template names besides; escaped.
    """
    environment = Environment(
        loader=PackageLoader("twin.replay", "web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # "</script>" within data would end the element it stands in.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return environment.get_template(template).render(
        css=Markup(asset("page.css")),
        script=Markup("\n".join(asset(name) for name in scripts)),
        data=Markup(text),
        **texts,
    )


def asset(name: str) -> str:
    """Return the text of a file in ``twin/replay/web``."""
    return resources.files("twin.replay").joinpath("web", name).read_text(encoding="utf-8")


def packed(values: npt.ArrayLike, kind: type[np.float32] | type[np.float64]) -> str:
    """Return numbers as base64 of little-endian floats, row by row."""
    array = np.asarray(values).astype(np.dtype(kind).newbyteorder("<"))
    return base64.b64encode(array.tobytes()).decode("ascii")
