"""The texts of an SVG picture."""

import xml.etree.ElementTree as ElementTree


def texts(picture: str) -> dict[str, tuple[float, float]]:
    """Return each text of a picture with its position (x, y)."""
    elements = [element for element in ElementTree.fromstring(picture).iter() if element.text]
    return {e.text or "": (float(e.get("x", 0)), float(e.get("y", 0))) for e in elements}
