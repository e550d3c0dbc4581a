import xml.etree.ElementTree as ElementTree

from rawsocket.master.reports.html.svg import gridline, path, picture, polyline, scale


def test_scale_maps_values_in_both_directions():
    up, down = scale(0, 10, 100, 200), scale(0, 10, 200, 100)
    assert [up(0), up(5), up(10)] == [100, 150, 200]
    assert [down(0), down(5), down(10)] == [200, 150, 100]


def test_picture_is_well_formed_and_labelled():
    line = polyline(path([(0, 0), (10, 5)], scale(0, 10, 0, 100), scale(0, 10, 50, 0)), "#123456", 'stroke-width="2"')
    whole = ElementTree.fromstring(picture(100, 50, "A line", [gridline(10, 90, 20.0, "5 ms"), line]))
    assert whole.attrib["aria-label"] == "A line"
    assert whole.attrib["viewBox"] == "0 0 100 50"
    grid, text, drawn = list(whole)
    assert (grid.attrib["x1"], grid.attrib["x2"], grid.attrib["y1"]) == ("10", "90", "20.0")
    assert (text.text, text.attrib["text-anchor"]) == ("5 ms", "end")
    assert (drawn.attrib["points"], drawn.attrib["stroke"]) == ("0.0,50.0 100.0,25.0", "#123456")
