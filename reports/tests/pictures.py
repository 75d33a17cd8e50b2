"""A picture for made-up samples."""

from __future__ import annotations

import base64
import io
from functools import cache

from PIL import Image


@cache
def picture(side: int = 84) -> str:
    """A grey picture as a data URI."""
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (90, 120, 140)).save(buffer, "JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
