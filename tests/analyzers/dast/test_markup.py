"""Pages are read as a browser reads them, and a page that is made to be slow is not."""

import time

import pytest

from batchnb.analyzers.dast.endpoints import is_path_of
from batchnb.analyzers.dast.markup import MAX_PAGE, became_markup, in_script, read


@pytest.mark.parametrize(
    ("page", "became"),
    [
        ("<p><zqx></p>", "a new element"),
        ("<p><ZQX/></p>", "a new element"),
        ('<input value="" zqx="1">', "a new attribute of <input>"),
        ('<a href=" JavaScript:zqx">', "a javascript: address in <a href>"),
        ("<title><zqx></title>", ""),
        ("<title></title><zqx>", "a new element"),
        ("<textarea><zqx></textarea>", ""),
        ("<script>'<zqx>'</script>", ""),
        ("<script></script><zqx>", "a new element"),
        ("<!-- <zqx> -->", ""),
        ("<!-- --><zqx>", "a new element"),
        ("<!-- <zqx>", ""),
        ("<![CDATA[ <zqx>", ""),
        ("&lt;zqx&gt;", ""),
        ('<input value="<zqx>">', ""),
        ("<zqx", ""),
    ],
)
def test_what_became_markup(page, became):
    assert became_markup(page, "zqx") == became


@pytest.mark.parametrize(
    ("page", "place"),
    [
        ("<script>var a = 'zqx'</script>", "'"),
        ('<script>var a = "it\'s zqx"</script>', '"'),
        ("<script>var a = 'it\\'s zqx'</script>", "'"),
        ("<script>var a = zqx</script>", "code"),
        ('<script type="application/json">{"a": "zqx"}</script>', ""),
        ("<p>zqx</p>", ""),
    ],
)
def test_where_in_a_script_a_value_stands(page, place):
    assert in_script(read(page).scripts, "zqx") == place


@pytest.mark.parametrize(
    "unit", ["<", "<!--", "<![", "<a ", "</", "<a b='", "<?", "&", "<script>", "<a =", "<!D"]
)
@pytest.mark.parametrize("end", ["", ">"])
def test_no_page_is_slow_to_read(unit, end):
    began = time.process_time()
    read(unit * (2 * MAX_PAGE // len(unit)) + end, "zqx")
    read(">" + unit * (MAX_PAGE // len(unit) - 2) + end, "zqx")
    assert time.process_time() - began < 10  # by the plain library: minutes


@pytest.mark.parametrize(
    ("template", "path", "fits"),
    [
        ("/todos/{id}", "/todos/7", True),
        ("/todos/{id}", "/todos/", False),
        ("/todos/{id}", "/todos/7/x", False),
        ("/files/{name}.json", "/files/a.json", True),
        ("/files/{name}.json", "/files/.json", False),
        ("/a.b", "/axb", False),
        ("/" + "{a}x" * 500, "/" + "x" * 5000 + "y", False),
    ],
)
def test_paths_of_a_route(template, path, fits):
    assert is_path_of(template, path) is fits
