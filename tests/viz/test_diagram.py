"""Drawings of models: what they show, in every style and format."""

import inspect
import itertools
import re
import time
import warnings
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import image as mpl_image
from oracle import recorded

import trivium as tv
from trivium import layers, ops, viz
from trivium.viz.diagrams import Diagram, diagram, model_to_dot, plot_model
from trivium.viz.diagrams.raster import paint
from trivium.viz.diagrams.reading import read
from trivium.viz.diagrams.shapes import COLORS, Group, Path, Scene, Text, flat
from trivium.viz.diagrams.wording import Show, lines

# -- models ----------------------------------------------------------------------------------------


def dense(units, name, activation=None):
    return layers.Dense(units, activation=activation, name=name)


def article_sequential():
    stack = [
        layers.Flatten(),
        dense(30, "a", "relu"),
        dense(10, "b", "relu"),
        dense(4, "c", "softmax"),
    ]
    return tv.Sequential([tv.Input((5, 6)), *stack])


def article_functional():
    x = inputs = tv.Input((5, 6))
    for layer in (layers.Flatten(), layers.Dense(30, "relu"), layers.Dense(10, "relu")):
        x = layer(x)
    return tv.Model(inputs, layers.Dense(4, "softmax")(x))


class Article(tv.Model):
    def __init__(self):
        super().__init__()
        self.flat = layers.Flatten()
        self.last = layers.Dense(4, activation="softmax")
        self.hidden = [layers.Dense(30, activation="relu"), layers.Dense(10, activation="relu")]

    def call(self, inputs):
        x = self.flat(inputs)
        for layer in self.hidden:
            x = layer(x)
        return self.last(x)


def article_subclass():
    model = Article()
    model.build((None, 5, 6))
    return model


class TwoWays(tv.Model):
    """Two inputs and two outputs, with a residual and a shared layer."""

    def __init__(self):
        super().__init__()
        self.first, self.second = dense(8, "first"), dense(8, "second")
        self.lift, self.encoder = dense(8, "lift"), dense(4, "encoder")
        self.label, self.price = dense(3, "label", "softmax"), dense(1, "price")

    def call(self, inputs):
        x = self.first(inputs["image"])
        x = layers.add([x, self.second(x)])
        x, y = self.encoder(x), self.encoder(self.lift(inputs["table"]))
        z = layers.concatenate([x, y, ops.absolute(x - y) * 0.5])
        return {"label": self.label(z), "price": self.price(z[:, :4])}


def two_ways():
    image, table = tv.Input((8,), name="image"), tv.Input((5,), name="table")
    inputs = {"image": image, "table": table}
    return tv.Model(inputs, TwoWays().call(inputs))


def two_ways_subclass():
    model = TwoWays()
    model.build({"image": (None, 8), "table": (None, 5)})
    return model


def nested():
    inputs = tv.Input((4,))
    gate = layers.multiply([dense(6, "up", "relu")(inputs), dense(6, "gate")(inputs)])
    encoder = tv.Model(inputs, gate, name="encoder")
    head = tv.Sequential([tv.Input((12,)), dense(3, "hidden"), dense(2, "logits")], name="head")
    left, right = tv.Input((4,), name="left"), tv.Input((4,), name="right")
    return tv.Model([left, right], head(layers.concatenate([encoder(left), encoder(right)])))


def residual(blocks=36):
    x = inputs = tv.Input((6,), name="image")
    for k in range(blocks):
        skip = dense(6, f"project{k}")(x) if k % 10 == 9 else x
        for layer in (dense(6, f"fc{k}"), layers.ReLU(name=f"relu{k}"), dense(6, f"out{k}")):
            x = layer(x)
        x = layers.Add(name=f"add{k}")([skip, x])
    return tv.Model(inputs, dense(3, "logits")(x))


MODELS = {
    "sequential": article_sequential, "functional": article_functional, "subclass": article_subclass,
    "two ways": two_ways, "nested": nested, "residual": residual,
}  # fmt: skip


@pytest.fixture(scope="module")
def models():
    return {name: build() for name, build in MODELS.items()}


def kinds(drawing):
    return [box.kind for box in drawing.chart.boxes]


def words(drawing):
    return [
        piece for s in flat(drawing.scene.shapes) if isinstance(s, Text) for piece, _ in s.pieces
    ]


# -- one drawing for three styles ------------------------------------------------------------------


@pytest.mark.parametrize("form", ["to_dot", "to_mermaid", "to_svg"])
@pytest.mark.parametrize(
    "builders",
    [(article_sequential, article_functional, article_subclass), (two_ways, two_ways_subclass)],
    ids=["article", "two ways"],
)
def test_each_style_gives_the_same_drawing(builders, form):
    drawn = []
    for build in builders:
        drawing = diagram(
            build(), show_layer_names=False, show_dtype=True, show_layer_activations=True
        )
        drawing.title = "model"
        # What a pointer that rests on a box shows has the names.
        drawn.append(re.sub("<title>.*?</title>", "", getattr(drawing, form)(), flags=re.DOTALL))
    assert len(set(drawn)) == 1
    assert "softmax" in drawn[0]


def test_a_graph_is_drawn_like_its_model(models):
    model = models["two ways"]
    assert diagram(model.graph()).to_dot() == diagram(model).to_dot()


def test_a_part_of_a_graph_begins_where_it_was_cut():
    inputs = tv.Input((4,))
    hidden = dense(3, "hidden")(inputs)
    drawing = diagram(tv.Model(hidden, dense(2, "out")(hidden)))
    assert kinds(drawing) == ["Input", "Dense", "Output"]


# -- what a drawing says ---------------------------------------------------------------------------


def test_boxes_say_what_was_asked_for(models):
    model = models["sequential"]
    assert words(diagram(model, show_shapes=False, show_layer_names=False, show_params=False)) == [
        "Input", "Flatten", "Dense", "Dense", "Dense", "Output",
    ]  # fmt: skip
    said = words(diagram(model, show_dtype=True, show_layer_activations=True, show_trainable=True))
    assert "(None, 5, 6) → (None, 30) · float32" in said
    assert "relu · 930 params · trainable" in said
    assert "a" in said
    only_dtypes = words(diagram(model, show_shapes=False, show_dtype=True, show_params=False))
    assert only_dtypes.count("float32") == 6


def test_frozen_layers_say_so():
    model = article_sequential()
    model.layers[1].trainable = False
    said = words(diagram(model, show_params=False, show_trainable=True))
    assert said.count("frozen") == 1
    assert said.count("trainable") == 2


def test_a_change_of_dtype_is_seen():
    inputs = tv.Input((3,), dtype="int32")
    drawing = diagram(tv.Model(inputs, ops.cast(inputs, "float32")), show_dtype=True)
    assert "(None, 3) int32 → (None, 3) float32" in words(drawing)
    assert "'float32'" in words(drawing)


def test_colors_tell_the_kinds_apart(models):
    roles = {box.kind: box.role for box in models_boxes(models["two ways"])}
    assert roles == {
        "Input": "input", "Dense": "weights", "Add": "merge", "Concatenate": "merge", "subtract": "op",
        "absolute": "op", "multiply": "op", "get_item": "op", "Output": "output",
    }  # fmt: skip
    assert {box.role for box in models_boxes(models["nested"])} >= {"model", "merge"}
    assert len({fill for fill, _ in COLORS.values()}) == len(COLORS)


def models_boxes(model):
    return diagram(model).chart.boxes


def test_a_shared_layer_is_drawn_at_each_call_and_counted_once(models):
    calls = [box for box in models_boxes(models["two ways"]) if box.name == "encoder"]
    assert [(box.call, box.calls) for box in calls] == [(1, 2), (2, 2)]
    said = [[" ".join(p for p, _ in line) for line in lines(box, Show())] for box in calls]
    assert said[0][-1] == "36 params shared 1 of 2"
    assert said[1][-1] == "shared 2 of 2"
    drawing = diagram(models["two ways"])
    borders = [len(g.shapes) - len(box_texts(g)) for g in groups(drawing) if "encoder" in g.about]
    assert borders == [2, 2]
    assert drawing.to_dot().count("peripheries=2") == 2
    assert drawing.to_mermaid().count("[[") == 2


def box_texts(group):
    return [shape for shape in group.shapes if isinstance(shape, Text)]


def groups(drawing):
    return [shape for shape in drawing.scene.shapes if isinstance(shape, Group)]


@pytest.mark.parametrize(
    ("write", "code"),
    [
        (lambda x: x + 2.0, "x + 2.0"),
        (lambda x: 1 - x, "1 - x"),
        (lambda x: x**2, "x ** 2"),
        (lambda x: x[:, 0, None], "x[:, 0, None]"),
        (lambda x: x[..., 1:7:2], "x[..., 1:7:2]"),
        (lambda x: x[:, ::-1], "x[:, ::-1]"),
        (lambda x: ops.mean(x, axis=-1, keepdims=True), "axis=-1, keepdims=True"),
        (lambda x: ops.reshape(x, (-1, 4, 2)), "(-1, 4, 2)"),
        (lambda x: ops.concatenate([x, x], axis=1), "[x, x], axis=1"),
        (lambda x: x * np.ones((8,), "float32"), "x * array(8,)"),
        (lambda x: x * np.float32(0.5), "x * 0.5"),
        (lambda x: x + x, ""),
    ],
)
def test_ops_show_their_arguments(write, code):
    inputs = tv.Input((8,))
    box = diagram(tv.Model(inputs, write(inputs))).chart.boxes[1]
    assert (box.role, box.detail) == ("op", code)


class WithVariable(tv.Model):
    def __init__(self):
        super().__init__()
        self.scale = tv.Variable(np.ones((4,), "float32"), name="scale")
        self.out = layers.Dense(2)

    def call(self, inputs):
        x = inputs * self.scale + self.scale.value
        self.add_loss(ops.mean(x))
        return self.out(x)


def test_variables_and_losses_of_a_models_own_code_are_drawn():
    model = WithVariable()
    model.build((None, 4))
    drawing = diagram(model)
    assert kinds(drawing).count("Variable") == 1
    assert kinds(drawing)[-2:] == ["Output", "Loss"]
    assert "x * scale" in words(drawing)
    assert "Variable" in words(drawing)


def test_outputs_have_the_names_of_their_places():
    x = tv.Input((2,))
    y = {"a": dense(1, "p")(x), "b": [dense(1, "q")(x), dense(1, "r")(x)]}
    boxes = models_boxes(tv.Model(x, y))
    assert [box.name for box in boxes if box.role == "output"] == ["a", "b.0", "b.1"]


class Total(tv.Layer):
    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, inputs, mask=None):
        return ops.sum(inputs * ops.cast(mask, "float32")[..., None], axis=1)


def test_masks_are_dashed():
    x = tv.Input((3, 2))
    model = tv.Model(x, Total()(layers.Masking()(x)))
    drawing = diagram(model)
    dashed = [edge for edge in drawing.chart.edges if edge.dashed]
    assert len(dashed) == 1
    assert drawing.chart.boxes[dashed[0].target].kind == "Total"
    assert sum(s.dashed for s in flat(drawing.scene.shapes) if isinstance(s, Path)) == 1
    assert drawing.to_dot().count("style=dashed") == 1
    assert drawing.to_mermaid().count("-.->") == 1
    # The mask is no input of the layer's function.
    assert drawing.chart.boxes[dashed[0].target].inputs == [("(None, 3, 2)", "float32")]


# -- nested models ---------------------------------------------------------------------------------


def test_nested_models_are_boxes_or_frames(models):
    model = models["nested"]
    closed, opened = diagram(model), diagram(model, expand_nested=True)
    assert kinds(closed) == [
        "Input",
        "Input",
        "Functional",
        "Functional",
        "Concatenate",
        "Sequential",
        "Output",
    ]
    assert "hidden" not in words(closed)
    assert words(opened).count("gate") == 2
    assert words(opened).count("hidden") == 1
    assert opened.to_dot().count("subgraph cluster_") == 3
    assert opened.to_mermaid().count("subgraph ") == opened.to_mermaid().count("  end\n") == 3
    assert {"shared 1 of 2", "shared 2 of 2"} <= set(words(opened))
    assert '["Functional encoder, shared 2 of 2"]' in opened.to_mermaid()


@pytest.mark.parametrize("call", ["list", "names", "dict"])
def test_edges_reach_the_right_input_of_a_nested_model(call):
    a, b = tv.Input((2,), name="a"), tv.Input((3,), name="b")
    inner_inputs = {"z": a, "y": b} if call == "dict" else [a, b]
    inner = tv.Model(inner_inputs, layers.concatenate([dense(4, "of_a")(a), dense(4, "of_b")(b)]))
    p, q = tv.Input((2,), name="p"), tv.Input((3,), name="q")
    given = {"list": [p, q], "names": {"b": q, "a": p}, "dict": {"y": q, "z": p}}[call]
    chart = diagram(tv.Model([p, q], inner(given)), expand_nested=True).chart
    place = next(i for i, box in enumerate(chart.boxes) if box.inner is not None)
    inside = chart.boxes[place].inner
    reached = {
        chart.boxes[edge.source].name: inside.boxes[inside.inputs[edge.entry]].outputs[0][0]
        for edge in chart.edges
        if edge.target == place
    }
    assert reached == {"p": "(None, 2)", "q": "(None, 3)"}


def test_a_nested_subclass_is_expanded_too():
    inputs = tv.Input((5, 6))
    model = tv.Model(inputs, Article()(inputs))
    assert "Flatten" in words(diagram(model, expand_nested=True))


# -- legibility ------------------------------------------------------------------------------------


def bezier(start, piece):
    t = np.linspace(0, 1, 9)[:, None]
    if len(piece) == 1:
        return start + (np.array(piece[0]) - start) * t
    a, b, c = map(np.array, piece)
    return start * (1 - t) ** 3 + 3 * a * t * (1 - t) ** 2 + 3 * b * t**2 * (1 - t) + c * t**3


def outline(path):
    """Return points along a path, close together."""
    at, points = np.array(path.start), []
    for piece in path.pieces:
        points.append(bezier(at, piece))
        at = np.array(piece[-1])
    return np.concatenate(points)


def assert_legible(drawing):
    """No box touches another or holds less than its words, and no edge runs through one."""
    scene = drawing.scene
    inner = {box.name for box in drawing.chart.boxes if box.inner is not None}
    boxes, frames = [], []
    for group in groups(drawing):
        (frames if group.frame.fill == "#f6fbfb" else boxes).append(group)
    assert bool(inner) == bool(frames)
    for group in (*boxes, *frames):
        r = group.frame
        assert r.x >= 0 and r.x + r.width <= scene.width
        assert r.y >= 0 and r.y + r.height <= scene.height
        for text in box_texts(group):
            assert r.x < text.x and text.x + text.width < r.x + r.width
            assert r.y < text.y < r.y + r.height
    corners = np.array([(g.frame.x, g.frame.y, g.frame.width, g.frame.height) for g in boxes])
    corners[:, 2:] += corners[:, :2]
    for i, (x0, y0, x1, y1) in enumerate(corners):
        rest = corners[i + 1 :]
        apart = (rest[:, 0] > x1) | (rest[:, 2] < x0) | (rest[:, 1] > y1) | (rest[:, 3] < y0)
        assert apart.all()
    for path in flat(scene.shapes):
        if isinstance(path, Path) and not path.filled:
            x, y = outline(path).T[:, :, None]
            through = (x > corners[:, 0] + 1) & (x < corners[:, 2] - 1)
            through &= (y > corners[:, 1] + 1) & (y < corners[:, 3] - 1)
            assert not through.any()
    for frame in frames:
        assert_frame(scene, frame.frame, [g.frame for g in (*boxes, *frames) if g is not frame])


def assert_frame(scene, r, others):
    """Boxes and edges are inside a frame or outside of it; no line runs through its header."""
    for o in others:
        outside = (
            o.x > r.x + r.width
            or o.x + o.width < r.x
            or o.y > r.y + r.height
            or o.y + o.height < r.y
        )
        inside = (
            r.x < o.x
            and o.x + o.width < r.x + r.width
            and r.y < o.y
            and o.y + o.height < r.y + r.height
        )
        around = (
            o.x < r.x
            and r.x + r.width < o.x + o.width
            and o.y < r.y
            and r.y + r.height < o.y + o.height
        )
        assert outside or inside or around
    for path in flat(scene.shapes):
        if isinstance(path, Path):
            x, y = outline(path).T
            within = (
                (x > r.x + 1) & (x < r.x + r.width - 1) & (y > r.y + 1) & (y < r.y + r.height - 1)
            )
            beyond = (
                (x < r.x - 1) | (x > r.x + r.width + 1) | (y < r.y - 1) | (y > r.y + r.height + 1)
            )
            assert not (within.any() and beyond.any())


@pytest.mark.parametrize("rankdir", ["TB", "BT", "LR", "RL"])
@pytest.mark.parametrize("name", MODELS)
def test_drawings_are_legible(models, name, rankdir):
    assert_legible(diagram(models[name], expand_nested=True, rankdir=rankdir))


def test_headers_of_frames_keep_clear_of_lines(models):
    for rankdir in ("TB", "BT", "LR", "RL"):
        scene = diagram(models["nested"], expand_nested=True, rankdir=rankdir).scene
        lines_there = [outline(s) for s in flat(scene.shapes) if isinstance(s, Path)]
        for text in (s for s in flat(scene.shapes) if isinstance(s, Text)):
            for points in lines_there:
                x, y = points.T
                hit = (x > text.x) & (x < text.x + text.width) & (y > text.y - 9) & (y < text.y + 2)
                assert not hit.any()


def test_the_data_flows_where_it_should(models):
    def way(rankdir):
        found = [g.frame for g in groups(diagram(models["sequential"], rankdir=rankdir))]
        first, last = found[0], found[-1]
        return np.sign(
            [round(last.x + last.width / 2 - first.x - first.width / 2), round(last.y - first.y)]
        )

    ways = {rankdir: way(rankdir).tolist() for rankdir in ("TB", "BT", "LR", "RL")}
    assert ways["TB"] == [0, 1]
    assert ways["BT"] == [0, -1]
    assert ways["LR"][0] == 1
    assert ways["RL"][0] == -1


def test_a_network_of_150_boxes_stays_readable(models):
    start = time.perf_counter()
    drawing = diagram(models["residual"])
    svg = drawing.to_svg()
    assert time.perf_counter() - start < 2.0
    assert len(drawing.chart.boxes) >= 150
    assert drawing.scene.width < 600
    assert svg.count("<g>") == len(drawing.chart.boxes)
    # What follows a residual block stands below what comes before it.
    adds = [g.frame for g in groups(drawing) if g.about.startswith("Add")]
    middles = [r.x + r.width / 2 for r in adds]
    assert max(middles) - min(middles) < 1.0


# -- formats ---------------------------------------------------------------------------------------


def test_svg_is_well_formed_and_stands_alone(models):
    svg = diagram(models["two ways"]).to_svg()
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    said = {text for text in root.itertext() if text.strip()}
    assert {"Dense", "encoder", "x[:, :4]", "3 × (None, 4) → (None, 12)", "label"} <= said
    # Several drawings stand in one page: no ids, no styles that reach out, nothing from outside.
    assert not re.search(r"\bid=|<style|href|url\(", svg)


NASTY = "<b> & \"quoted\" 'x' $y$ ]]> `z` #1;"


@pytest.fixture(scope="module")
def nasty():
    return tv.Sequential([tv.Input((2,)), dense(1, NASTY), dense(1, "層\x07")], name=NASTY)


def test_names_are_escaped(nasty):
    drawing = diagram(nasty)
    said = "".join(ElementTree.fromstring(drawing.to_svg()).itertext())
    assert NASTY in said
    assert "層�" in said
    label = re.search(r'n1 \[label="(Dense .*?)\\n\(', drawing.to_dot()).group(1)
    assert label.removeprefix("Dense ") == NASTY.replace("\\", "\\\\").replace('"', '\\"')
    line = drawing.to_mermaid().splitlines()[3]
    assert line.count('"') == 2
    text = re.sub(
        r"#(\d+);", lambda m: chr(int(m.group(1))), line.split('"')[1].replace("<br/>", "\n")
    )
    assert text.splitlines()[0] == f"Dense {NASTY}"
    assert drawing.to_png(dpi=20).startswith(b"\x89PNG")


def test_long_names_are_cut_in_the_middle():
    model = tv.Sequential([tv.Input((2,)), dense(1, "begin" + "x" * 100 + "end")])
    name = next(piece for piece in words(diagram(model)) if piece.startswith("begin"))
    assert len(name) < 50
    assert name.endswith("end") and "…" in name


@pytest.mark.parametrize("dpi", [48, 96, 200])
def test_png_has_the_size_and_the_colors_of_the_scene(models, tmp_path, dpi):
    drawing = diagram(models["sequential"])
    data = drawing.to_png(tmp_path / "model.png", dpi=dpi)
    assert (tmp_path / "model.png").read_bytes() == data
    pixels = mpl_image.imread(tmp_path / "model.png")
    assert pixels.shape[:2] == pytest.approx(
        (drawing.scene.height * dpi / 96, drawing.scene.width * dpi / 96), abs=1
    )
    for group, box in zip(groups(drawing), drawing.chart.boxes, strict=True):
        r = group.frame
        y, x = int((r.y + r.height - 4) * dpi / 96), int((r.x + r.width / 2 - 8) * dpi / 96)
        fill = np.array([int(COLORS[box.role][0][i : i + 2], 16) for i in (1, 3, 5)]) / 255
        np.testing.assert_allclose(pixels[y, x, :3], fill, atol=0.02)


def test_png_does_not_follow_the_settings_of_other_figures(models):
    drawing = diagram(models["sequential"])
    plain = drawing.to_png(dpi=40)
    with mpl.rc_context({"text.usetex": True, "savefig.bbox": "tight", "font.size": 40}):
        assert drawing.to_png(dpi=40) == plain
        assert mpl.rcParams["font.size"] == 40


@pytest.mark.parametrize(("width", "height"), [(20.0, 9e5), (4000.0, 4000.0)])
def test_images_are_never_too_large_to_paint(width, height):
    words = Text(2.0, 5.0, 9.0, (("words", "title"),))
    data = paint(Scene(width, height, [words]), dpi=400)
    columns, rows = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    assert max(rows, columns) <= 60_000
    assert columns * rows <= 61_000_000
    assert rows == 60_000 or columns * rows > 59_000_000


DOT_LINE = re.compile(
    r'\s*(?:(?P<node>n[\d_]+) \[(?:label="(?:[^"\\]|\\.)*"|shape=point).*\];|(?P<edge>n[\d_]+ -> n[\d_]+)'
    r"(?: \[style=dashed\])?;|subgraph cluster_n[\d_]+ \{|label=.*;|\}|(?:graph|node|edge) \[.*\];|digraph model \{)"
)


@pytest.mark.parametrize("name", ["two ways", "nested"])
def test_dot_and_mermaid_say_the_same(models, name):
    drawing = diagram(models[name], expand_nested=True)
    found = [DOT_LINE.fullmatch(line) for line in drawing.to_dot().splitlines()]
    assert all(found)
    nodes = {m["node"] for m in found if m["node"]}
    edges = [tuple(m["edge"].split(" -> ")) for m in found if m["edge"]]
    assert drawing.to_dot().count("{") == drawing.to_dot().count("}")
    assert set(itertools.chain(*edges)) == nodes
    assert set(re.findall(r"(n[\d_]+) -->", drawing.to_mermaid())) == {u for u, _ in edges}
    assert sorted(re.findall(r"(n[\d_]+) -->? ?(n[\d_]+)", drawing.to_mermaid())) == sorted(edges)


def test_notebooks_show_it(models):
    drawing = diagram(models["sequential"])
    assert drawing._repr_svg_() == drawing.to_svg()
    page = drawing._repr_html_()
    assert page.startswith("<div") and "<svg" in page
    assert drawing.scene.shapes[0].fill == "#ffffff"  # A card, on pages of any color.


@pytest.mark.parametrize(
    ("suffix", "start"),
    [
        ("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("jpg", b"\xff\xd8"), ("html", b"<div"),
        ("dot", b"digraph"), ("gv", b"digraph"), ("mmd", b"%%{init"), ("mermaid", b"%%{init"), ("PNG", b"\x89PNG"),
    ],
)  # fmt: skip
def test_files_have_the_format_of_their_suffix(models, tmp_path, suffix, start):
    path = diagram(models["sequential"]).save(tmp_path / f"model.{suffix}", dpi=40)
    assert path.read_bytes().startswith(start)


# -- Keras's names ---------------------------------------------------------------------------------


def test_keras_names_have_keras_arguments():
    def arguments(function):
        parameters = inspect.signature(function).parameters.items()
        return [(name, p.default) for name, p in parameters if p.kind is not p.VAR_KEYWORD]

    wanted = recorded(
        lambda keras: [arguments(keras.utils.plot_model), arguments(keras.utils.model_to_dot)]
    )
    found = [
        [(name, p.default) for name, p in inspect.signature(ours).parameters.items()]
        for ours in (plot_model, model_to_dot)
    ]
    assert found == wanted


def test_plot_model_writes_and_returns(models, tmp_path):
    drawing = plot_model(models["sequential"], tmp_path / "a.png", show_shapes=True, dpi=40)
    assert isinstance(drawing, Diagram)
    assert "(None, 5, 6) → (None, 30)" in words(drawing)
    assert not any("params" in piece for piece in words(drawing))
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    plot_model(models["sequential"], tmp_path / "plain", dpi=40)
    assert (tmp_path / "plain").read_bytes().startswith(b"\x89PNG")


def test_model_to_dot_writes_graphs_and_clusters(models):
    whole = model_to_dot(models["sequential"], dpi=72, rankdir="LR", splines="curved")
    assert 'rankdir="LR", dpi="72", splines="curved"' in whole
    part = model_to_dot(models["sequential"], subgraph=True)
    assert part.startswith("subgraph cluster_model {")
    assert part.splitlines()[4:] == model_to_dot(models["sequential"]).splitlines()[4:]


# -- what cannot be drawn --------------------------------------------------------------------------


class Unrecordable(tv.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = dense(3, "hidden"), dense(2, "out")


def refuse(self, training=False):
    raise tv.CaptureError("this line cannot be recorded. It never could.", "my_model.py:7")


# After the fact: a class that defines the name itself is refused.
Unrecordable.graph = refuse


class WithLayers(Unrecordable):
    def call(self, inputs):
        return self.out(self.hidden(inputs))


def test_what_no_graph_can_hold_shows_its_layers_in_order():
    model = WithLayers()
    model.build((None, 4))
    vars(model)["_trail"] = [(model.hidden, (None, 3)), (model.out, (None, 2))]
    drawing = diagram(model)
    assert kinds(drawing) == ["Dense", "Dense"]
    assert [(e.source, e.target, e.dashed) for e in drawing.chart.edges] == [(0, 1, True)]
    note = " ".join(words(drawing))
    assert "order of their calls" in note
    assert "my_model.py:7: this line cannot be recorded." in note
    assert "never could" not in note
    assert_legible(drawing)


def test_what_no_graph_can_hold_and_calls_no_layers_says_why():
    model = Unrecordable()
    with pytest.raises(tv.CaptureError, match=r"my_model\.py:7: this line cannot be recorded"):
        diagram(model)


@pytest.mark.parametrize("build", [Article, lambda: tv.Sequential([layers.Dense(2)])])
def test_unbuilt_models_say_what_to_do(build):
    with pytest.raises(ValueError, match=r"not built.*call it on data, or `build"):
        diagram(build())


@pytest.mark.parametrize("thing", [layers.Dense(2), Article, 3])
def test_only_models_are_drawn(thing):
    with pytest.raises(TypeError, match="A diagram shows a model or a graph; got"):
        diagram(thing)


@pytest.mark.parametrize("call", [diagram, plot_model, model_to_dot])
def test_unknown_directions_are_refused(models, call):
    with pytest.raises(ValueError, match=r"got 'lr'\. Did you mean 'LR'\?"):
        call(models["sequential"], rankdir="lr")


@pytest.mark.parametrize("name", ["model.pngg", "model", "model.docx"])
def test_unknown_suffixes_are_refused(models, tmp_path, name):
    with pytest.raises(ValueError, match="says its format by its suffix") as caught:
        diagram(models["sequential"]).save(tmp_path / name)
    assert name != "model.pngg" or "Did you mean '.png'" in str(caught.value)
    assert not list(tmp_path.iterdir())


# -- the room --------------------------------------------------------------------------------------


def test_the_room_offers_it():
    assert viz.diagram is diagram
    assert {"Diagram", "diagram", "image_grid", "learning_curves", "print_summary"} <= set(
        viz.__all__
    )


def test_reading_leaves_the_model_alone(models):
    model = models["two ways"]
    before = model.fingerprint()
    assert read(model) == read(model)
    assert model.fingerprint() == before


def test_drawing_warns_of_nothing(nasty):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert diagram(nasty).to_png(dpi=30).startswith(b"\x89PNG")
