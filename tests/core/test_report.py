from __future__ import annotations

import base64
import copy
import errno
import io
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from math import nan
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from core import types, wording
from core.adjustments import adjustment_of
from core.errors import Cancelled, DiskFullError, WorkbenchError
from core.listed import LogEntry, Record, Remark
from core.manifest import Manifest, VictimLabel
from core.progress import CancelToken
from core.records import answers_from_json, answers_to_json
from core.report import Subject, write_report
from core.report.cards import cards
from core.report.facets import COPY, FAILED, NONE, SINGLE, UNFAMILIAR, Facets
from core.report.html import render
from core.report.lettering import ending, wrapped
from core.report.pdf import _WIDTH, _card_pages, _card_text, _facts, _table_pages
from core.report.pictures import MAX_SIDE, heat_colours, heatmap_picture, picture, uri
from core.report.plots import WIDTH, plots
from core.report.subject import Pictures
from core.report.summary import MAX_ALIKE, MAX_CARDS, choose_cards, short_log, summarise
from core.types import Finding, Heatmap, RankedLabel
from core.wording import NO_PICTURE
from tests.core.panels import fit

EVIL = "<script>alert(1)</script>\"'&.png"


@pytest.fixture
def manifest(tiny_manifest: dict[str, Any]) -> Manifest:
    return Manifest.model_validate({**tiny_manifest, "title": "A <b>bold</b> pack", "weights_sha256": "d" * 64})


class Tags(HTMLParser):
    """Collects what a browser would see: every tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag == name]


def decode(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,"))))


def test_report_shows_everything_and_escapes_it(finding: Finding, manifest: Manifest, tmp_path: Path) -> None:
    records = [Record(EVIL, "c" * 64, "ok", None, finding), Record("bad.png", None, "error", "No <i>image</i>.", None)]
    pixels = np.random.default_rng(0).integers(0, 256, (1, 28, 28)).astype(np.float32) / 255
    path = tmp_path / "report.html"
    write_report(path, Subject(records, manifest, "CPU <x>", pictures={EVIL: pixels}))
    text = path.read_text(encoding="utf-8")
    tags = Tags(text)

    assert not tags.named("script")
    assert not tags.named("b")
    assert not tags.named("i")
    assert tags.named("html")[0]["lang"] == "en"
    for expected in (
        "fgsm",
        "70.0 %",
        "&gt; 99.9 %",
        "ε = 30.4/255",
        "24.0/255 to 37.2/255",
        "the 90% set holds fgsm, cw",
    ):
        assert expected in text
    for expected in (
        "unlike the images this pack",
        "File is JPEG: part of the perturbation was lost.",
        "c" * 64,
        manifest.pack_id,
        "No &lt;i&gt;image",
    ):
        assert expected in text

    pictures = [tag for tag in tags.named("img") if "image/png" in (tag["src"] or "")]
    assert len(pictures) == 2
    assert all(picture["alt"] for picture in pictures)
    shown = np.asarray(decode(pictures[0]["src"] or ""))
    assert np.array_equal(shown, (pixels[0] * 255).round().astype(np.uint8)), "the picture is the evidence, bit for bit"


def test_names_neither_hide_nor_turn_what_stands_beside_them(finding: Finding, manifest: Manifest) -> None:
    evil = "/x/bad\u202e\n.png"
    records = [Record(evil, "c" * 64, "ok", None, finding), Record(evil + "2", "c" * 64, "ok", None, finding)]
    records.append(Record(evil + "3", None, "error", f"{evil}3 is empty.", None))
    text = render(
        Subject(
            records,
            manifest,
            "CPU",
            remarks={evil: Remark("\u202etag", "one\ntwo\u202e")},
            log=[LogEntry("2024-01-01T00:00:00+00:00", "opened", evil)],
            pictures={evil: np.ones((1, 28, 28), np.float32)},
        )
    )
    assert "\u202e" not in text
    assert "bad\\u202e\\n.png3</h2>" in text and 'Not attributed: <span class="name">is empty.' in text
    assert text.count("\\u202e") == 15, "table, title, path, copy, alternative texts, tag, note and log"
    assert ">one<br>two\\u202e<" in text
    assert '<p class="name">/x/bad' in text and "unicode-bidi: isolate" in text


def test_reports_load_no_part_of_matplotlib_by_name(finding: Finding, manifest: Manifest, tmp_path: Path) -> None:
    """A packager sees imports alone: what matplotlib loads by a name at run time is not in a frozen program."""
    given = tmp_path / "given.pickle"
    subject = Subject([Record("a", "c" * 64, "ok", None, finding)], manifest, "CPU")
    given.write_bytes(pickle.dumps(subject))
    code = f"""
import pickle, sys
from pathlib import Path
from core.report import html, pdf
subject = pickle.loads(Path({str(given)!r}).read_bytes())
before = set(sys.modules)
html.write_html(Path({str(tmp_path / "a.html")!r}), subject)
pdf.write_pdf(Path({str(tmp_path / "a.pdf")!r}), subject)
late = [name for name in set(sys.modules) - before if name.startswith("matplotlib")]
assert not late, late
"""
    environment = os.environ | {"MPLCONFIGDIR": matplotlib.get_cachedir()}  # where the list of fonts is by now
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], env=environment)
    assert (tmp_path / "a.pdf").stat().st_size and b"image/svg+xml" in (tmp_path / "a.html").read_bytes()


def test_report_is_self_contained(finding: Finding, manifest: Manifest) -> None:
    records = [Record("a", "c" * 64, "ok", None, finding)]
    text = render(Subject(records, manifest, "CPU", pictures={"a": np.zeros((3, 28, 28), np.float32)}))
    for _, attributes in Tags(text).found:
        for name in ("src", "href", "action", "data"):
            assert (attributes.get(name) or "data:").startswith(("data:", "#"))
    assert not re.search(r"https?://|url\(|@import", text)
    assert "prefers-color-scheme: dark" in text


def test_what_a_heatmap_shows_at_its_brightest_is_told(finding: Finding, manifest: Manifest) -> None:
    assert finding.heatmap is not None
    for full, told in (
        (1.4 / 255, "full brightness is a change by 1.4/255"),
        (None, "relative to the strongest place"),
    ):
        heat = Finding(finding.attribution, replace(finding.heatmap, full=full))
        subject = Subject(
            [Record("a", "c" * 64, "ok", None, heat)], manifest, "CPU", pictures={"a": np.ones((1, 28, 28))}
        )
        assert told in render(subject)
        assert told in " ".join(_card_text(next(cards(subject.records, subject))))


def test_counts(finding: Finding, manifest: Manifest) -> None:
    records = [Record(str(i), "c" * 64, "ok", None, finding) for i in range(3)] + [
        Record("x", None, "error", "e", None)
    ]
    text = re.sub(r"<[^>]*>", " ", render(Subject(records, manifest, "CPU")))
    words = " ".join(text.split())
    assert "attributed 3 unfamiliar among them 3 copies of another file 2 not attributed 1" in words
    assert "Attack fgsm, 3 unfamiliar 3" in words
    known = replace(finding.attribution, familiarity=replace(finding.attribution.familiarity, score=0.0))
    records[0] = replace(records[0], finding=Finding(known, None))
    words = " ".join(re.sub(r"<[^>]*>", " ", render(Subject(records, manifest, "CPU", case="/x/a.mtaacase"))).split())
    assert "Attack fgsm, 2 unfamiliar 3" in words and "Case /x/a.mtaacase Model pack" in words


def test_what_the_named_victims_see_is_counted_by_class(finding: Finding, manifest: Manifest) -> None:
    class_names = manifest.model_copy(update={"class_names": ("cat", "dog"), "probes": fit()})
    said = types.Testimony("resnet18", "e" * 64, True, 5.0, 0.5, 2.0, "#417", "dog", 1, 1)
    heard = Finding(replace(finding.attribution, testimonies=(said,)), None)
    subject = Subject([Record("a", "c" * 64, "ok", None, heard)], class_names, "CPU")
    words = " ".join(re.sub(r"<[^>]*>", " ", render(subject)).split())
    assert f"{wording.SEEN} another class (#417 1), 1 unfamiliar 1 {wording.BEFORE} dog, 1 unfamiliar 1" in words
    facts = _facts(summarise(subject.records, class_names), subject, "")
    assert f"{wording.SEEN} – another class (#417 1): 1 (1 unfamiliar)" in facts
    assert wording.SEEN not in render(replace(subject, manifest=manifest)), "a pack that does not name its classes"


def variants(finding: Finding, numbers: dict[str, int]) -> list[Record]:
    """Records with the given number of each victim named."""
    found = []
    for victim, number in numbers.items():
        ranking = (RankedLabel(victim, 0.8), *finding.attribution.victim.ranking[1:])
        answer = replace(finding.attribution, victim=replace(finding.attribution.victim, ranking=ranking))
        found += [Record(f"{victim}{i}", "c" * 64, "ok", None, Finding(answer, None)) for i in range(number)]
    return found


def test_of_many_records_a_fair_sample_is_shown(finding: Finding, manifest: Manifest) -> None:
    records = variants(finding, {"common": 9000, "rare": 3, "some": 500})
    records.append(Record("bad", None, "error", "No image.", None))
    shown = choose_cards(records)
    assert len(shown) == MAX_CARDS
    assert sum(record.path.startswith("rare") for record in shown) == 3
    common = [int(record.path.removeprefix("common")) for record in shown if record.path.startswith("common")]
    some = [record for record in shown if record.path.startswith("some")]
    assert abs(len(common) - len(some)) <= 1
    assert common == sorted(common)
    assert common[-1] > 8500, "from the whole range"
    victims = [VictimLabel(name=name) for name in ("common", "rare", "some")]
    text = render(Subject(records, manifest.model_copy(update={"victims": victims}), "CPU"))
    assert text.count("<article") == MAX_CARDS
    assert "Cards are shown for 200 of the 9,504 files" in text
    assert "9,000" in text
    assert '<li><span class="name">bad</span> – <span class="name">No image.</span></li>' in text
    assert choose_cards(records[:MAX_CARDS]) == records[:MAX_CARDS]


def test_plots_are_told_in_words(finding: Finding, manifest: Manifest) -> None:
    records = [Record(name, "c" * 64, "ok", None, finding) for name in ("a", "b")]
    pictures = Tags(render(Subject(records, manifest, "CPU"))).named("img")
    told = [str(tag["alt"]).split(", over all files: ")[1] for tag in pictures if "image/svg" in (tag["src"] or "")]
    assert told == [
        "fgsm · resnet18 2",
        "epsilon of fgsm (/255): 2 files at 29 – 38.5",
        "attack probability: 2 files at 0.7 – 0.75; victim probability: 2 files at 0.95 – 1; "
        "attack candidates: 2 files with 2; victim candidates: 2 files with 1",
    ]


def test_log_tags_and_heatmaps_made_on_demand(finding: Finding, manifest: Manifest) -> None:
    record = Record("a.png", "c" * 64, "ok", None, Finding(finding.attribution, None))
    asked: list[str] = []

    def heatmap(record: Record, pixels: np.ndarray) -> Heatmap:
        asked.append(record.path)
        return Heatmap(pixels[0], None, "made later")

    subject = Subject(
        [record],
        manifest,
        "CPU",
        remarks={"a.png": Remark("urgent", "<b>look</b>")},
        log=[LogEntry("2024-01-01T00:00:00+00:00", "attribute", "5 of 5 files <wait>")],
        pictures={"a.png": np.ones((1, 28, 28), np.float32)},
        heatmaps=heatmap,
    )
    text = render(subject)
    assert asked == ["a.png"]
    for expected in ("made later", "urgent", "&lt;b&gt;look", "5 of 5 files &lt;wait&gt;", manifest.weights_sha256):
        assert expected in text


def test_a_long_log_is_cut_where_its_entries_are_alike() -> None:
    entries = [LogEntry("t", action, str(at)) for at, action in enumerate(["opened"] * 250 + ["remark"] + ["opened"])]
    short = short_log(entries)
    assert [*short[:MAX_ALIKE], *short[-2:]] == [*entries[:MAX_ALIKE], *entries[-2:]]
    assert len(short) == MAX_ALIKE + 3 and short[MAX_ALIKE].detail.startswith("150 more")
    assert short_log(entries[:MAX_ALIKE]) == entries[:MAX_ALIKE]


def test_a_picture_that_is_gone_is_told_in_every_report(finding: Finding, manifest: Manifest) -> None:
    record = Record("/gone.png", "a" * 64, "ok", None, finding)
    assert NO_PICTURE in render(Subject([record], manifest, "CPU"))


def test_names_below_a_plot_do_not_run_into_each_other(finding: Finding, manifest: Manifest) -> None:
    names = [f"convnext_tiny {at}, trained on photographs" for at in range(8)] + ["none of these", "handed over"]
    labels = [VictimLabel(name=name) for name in names]
    records = variants(finding, dict.fromkeys(names, 2))
    plot = plots(summarise(records, manifest.model_copy(update={"victims": labels})))[0]
    figure = Figure(figsize=(WIDTH, plot.height), layout="constrained")
    plot.draw(figure)
    figure.draw_without_rendering()
    shown = figure.axes[0].get_xticklabels()
    assert [label.get_text() for label in shown][-2:] == names[-2:]
    assert shown[0].get_text() == "convnext_tiny 0,… on photographs", "which of them it is can still be read"
    boxes = [label.get_window_extent() for label in shown]
    assert min(min(box.x0, box.y0) for box in boxes) >= 0, "none is cut off"
    sine, cosine = 0.5, np.sqrt(0.75)  # of the 30 degrees by which they are turned
    high = (boxes[-1].height * cosine - boxes[-1].width * sine) / (cosine**2 - sine**2)  # of a line of letters
    apart = np.diff([box.x1 for box in boxes]) * sine
    assert apart.min() > high > 0
    assert figure.axes[0].get_window_extent().height > 3 * 0.45 * figure.dpi, "they have room of their own"


def test_pdf_has_the_same_content(finding: Finding, manifest: Manifest, tmp_path: Path) -> None:
    strange = "數$x_1$\udcff\x1b.png"
    records = [Record(strange, "c" * 64, "ok", None, finding), *variants(finding, {"resnet18": 8})]
    records.append(Record("bad", None, "error", "No image.", None))
    pixels = np.random.default_rng(0).random((3, 28, 28), np.float32)
    path = tmp_path / "report.pdf"
    log = [LogEntry("2024-01-01T00:00:00+00:00", "attribute", "long " * 100)] * 70
    write_report(path, Subject(records, manifest, "CPU", log=log, pictures={strange: pixels}))
    data = path.read_bytes()
    lines = len(wrapped("2024-01-01T00:00:00+00:00  attribute: " + log[0].detail, _WIDTH))
    pages = int(re.findall(rb"/Count (\d+)", data)[0])
    assert pages == 1 + 1 + 1 + -(-70 * lines // 58) + 3, "facts, plots, table, cards, log"
    assert data.count(b"/Subtype /Image") >= 2
    assert b"/Title (Attribution report)" in data
    with pytest.raises(WorkbenchError, match="cannot be written"):
        write_report(tmp_path / "none" / "report.pdf", Subject(records, manifest, "CPU"))
    with pytest.raises(WorkbenchError, match="no name for a report"):
        write_report(tmp_path / "report.docx", Subject(records, manifest, "CPU"))
    assert [file.name for file in tmp_path.iterdir()] == ["report.pdf"]


def test_a_card_leaves_nothing_out_and_what_takes_from_the_answer_comes_first(
    finding: Finding, manifest: Manifest
) -> None:
    said = tuple(types.Testimony(f"victim{at}", "e" * 64, True, 5.0, 0.5, 2.0) for at in range(40))
    answer = replace(finding.attribution, testimonies=said, adjustments=(adjustment_of("judged in 4 tiles of 8x8"),))
    records = [Record("a.png", "c" * 64, "ok", None, Finding(answer, None))] * 2
    pages = list(_card_pages(cards(records, Subject(records, manifest, "CPU"))))
    assert len(pages) > 2, "it is longer than a page"
    drawn = [text for page in pages for text in page.texts]
    written = " ".join(text.get_text().strip() for text in drawn)
    assert all(written.count(f"victim{at} sees") == 2 for at in range(40))
    assert written.index("unfamiliar") < written.index("judged in 4 tiles") < written.index("Attack: ")
    assert all(text.get_position()[1] > 0.04 for text in drawn)


def test_reports_say_which_victims_were_asked(finding: Finding, manifest: Manifest) -> None:
    said = (types.Testimony("handed over", "e" * 64, True, 5.0, 0.5, 2.0),)
    asked = Finding(replace(finding.attribution, testimonies=said), None)
    shown = render(Subject([Record("a.png", "c" * 64, "ok", None, asked)], manifest, "CPU"))
    assert f'handed over (<span class="hash">{"e" * 12}' in shown and "No victim was asked" not in shown
    assert "<dt>Known, not asked</dt><dd>resnet18</dd>" in shown
    alone = render(Subject([Record("a.png", "c" * 64, "ok", None, finding)], manifest, "CPU"))
    assert "<dt>Victims asked</dt><dd>none</dd>" in alone and "No victim was asked" in alone


def test_a_card_names_copies_and_the_analyst_first(finding: Finding, manifest: Manifest) -> None:
    records = [Record(name, "c" * 64, "ok", None, finding) for name in ("a.png", "b.png")]
    made = list(cards(records, Subject(records, manifest, "CPU", remarks={"b.png": Remark("urgent", "see\nlog")})))
    assert [card.copy_of for card in made] == ["", "a.png"]
    assert list(_card_text(made[1]))[:2] == ["Analyst: urgent – see / log", "Same bytes as a.png"]
    assert "Same bytes as" not in " ".join(_card_text(made[0]))


def test_a_long_path_keeps_its_end(finding: Finding, manifest: Manifest) -> None:
    assert ending("short.png", 108) == "short.png"
    long = "/" + "deep/" * 40 + "IMG_0001.png"
    assert len(ending(long, 108)) == 108 and ending(long, 108).endswith("deep/IMG_0001.png")
    assert ending(long, 108).startswith("…")


@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_a_report_is_given_up_between_two_pictures(
    finding: Finding, manifest: Manifest, tmp_path: Path, kind: str
) -> None:
    """Also where the files have gone, and nobody is asked for a heatmap."""
    records = [Record(str(tmp_path / f"{at}.png"), "c" * 64, "ok", None, finding) for at in range(3)]
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        write_report(tmp_path / f"x.{kind}", Subject(records, manifest, "CPU", pictures=Pictures(records, cancel)))
    assert list(tmp_path.iterdir()) == []


def test_an_empty_report_is_still_one(manifest: Manifest, tmp_path: Path) -> None:
    assert "attributed" in render(Subject([], manifest, "CPU"))
    write_report(tmp_path / "report.pdf", Subject([], manifest, "CPU"))
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")


def test_a_full_disk_is_told_of_a_pdf_too(manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DiskFullError) as caught:
        write_report(tmp_path / "report.pdf", Subject([], manifest, "CPU"))
    assert caught.value.needed > 1000 and list(tmp_path.iterdir()) == []


def test_contrast_of_text_in_both_schemes(manifest: Manifest) -> None:
    """WCAG 2.1, 1.4.3: at least 4.5 to 1 for text."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    schemes = re.findall(r":root \{(.*?)\}", render(Subject([], manifest, "CPU")), re.DOTALL)[:2]
    for scheme in schemes:
        colours = dict(re.findall(r"--([\w-]+): #([0-9a-f]{6});", scheme))
        for ink, paper in (("ink", "page"), ("ink", "card"), ("soft", "card"), ("soft", "page")):
            light, dark = sorted((luminance(colours[ink]), luminance(colours[paper])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, paper)
        for name in ("warn", "bad"):
            light, dark = sorted((luminance(colours[f"{name}-ink"]), luminance(colours[name])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, name
    assert len(schemes) == 2


def test_a_bar_counts_whom_it_holds(finding: Finding, manifest: Manifest) -> None:
    facets = Facets(manifest)
    records = [Record(name, "c" * 64, "ok", None, finding) for name in ("a", "b")]
    records.append(Record("bad", None, "error", "No image.", None))
    places = [dict(zip((f.key for f in facets.all), facets.places(record), strict=True)) for record in records]
    assert [p["files"] for p in places] == [UNFAMILIAR, UNFAMILIAR, FAILED]
    assert [p["copies"] for p in places] == [SINGLE, COPY, SINGLE]
    facets.begin_again()
    assert facets.places(records[1])[1] == SINGLE, "the first one is gone"
    named = {f.key: f.labels[places[0][f.key]] for f in facets.all if places[0][f.key] != NONE}
    assert named["cells"] == "fgsm · resnet18" and named["attack candidates"] == "2"
    assert named["attack probability"] == "0.7 – 0.75" and named["victim probability"] == "0.95 – 1"
    assert named["epsilon of fgsm"] == "29 – 38.5" and "kappa of cw" not in named
    summary = summarise(records, manifest)
    assert (summary.files, summary.attributed, summary.unfamiliar, summary.duplicates, summary.failed) == (
        3,
        2,
        2,
        1,
        1,
    )
    strange = replace(finding.attribution, victim=replace(finding.attribution.victim, ranking=(RankedLabel("?", nan),)))
    odd = facets.places(Record("x", "e" * 64, "ok", None, Finding(strange, None)))
    assert [f.key for f, at in zip(facets.all, odd, strict=True) if at == NONE] == [
        "victim", "cells", "kappa of cw", "victim probability",
    ]  # fmt: skip
    many = replace(finding.attribution.victim, prediction_set=tuple(f"handed over {n}" for n in range(99)))
    wide = replace(finding.attribution, victim=many)
    summary = summarise([Record("x", "e" * 64, "ok", None, Finding(wide, None))], manifest)
    assert summary.attributed == 1, "any number of victims may be handed over"


def test_pictures() -> None:
    wide = np.zeros((3, 10, 2 * MAX_SIDE), np.float32)
    assert decode(uri(picture(wide))).size == (MAX_SIDE, 5)
    strength = np.array([[0.0, 0.5, 1.0]], np.float32)
    colours = heat_colours(strength)
    assert colours.shape == (1, 3, 4)
    assert colours[0, 0, 3] == 0, "nothing covers a place without perturbation"
    brightness = colours[0, :, :3].sum(axis=1).tolist()
    assert brightness == sorted(brightness)
    plain = np.full((1, 1, 3), 0.25, np.float32)
    overlaid = np.asarray(heatmap_picture(plain, strength))
    assert overlaid[0, 0].tolist() == [64, 64, 64]
    assert overlaid[0, 2].sum() > 3 * 150


def numbers_of(document: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where there is a number in a JSON document."""
    pairs = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for step, value in pairs:
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield (*way, step)
        yield from numbers_of(value, (*way, step))


def test_whatever_number_a_strangers_case_holds_a_report_of_it_is_made(
    finding: Finding, manifest: Manifest, tmp_path: Path
) -> None:
    """It is refused, or it is counted, drawn and written down."""
    said = types.Testimony("resnet18", "e" * 64, True, 5.0, 0.5, 2.0, "6", "4", 1, 1, 0)
    beside = types.Beside("abc", 20, False)
    answer = replace(finding.attribution, testimonies=(said,), beside=beside, false_alarm=0.01)
    told, refused = answers_to_json(answer), 0
    ways = list(numbers_of(told))
    assert len(ways) > 40
    accepted = []
    for way in ways:
        for value in (1e308, -1e308):
            forged: Any = copy.deepcopy(told)
            place = forged
            for step in way[:-1]:
                place = place[step]
            place[way[-1]] = value
            try:
                found = answers_from_json(forged, "c" * 64, manifest.pack_id)
            except ValueError:
                refused += 1
            else:
                accepted.append(Record(str(way), "c" * 64, "ok", None, Finding(found, None)))
    assert refused > 10
    facets = Facets(manifest)
    for record in accepted:
        assert all(at == NONE or at >= 0 for at in facets.places(record))
    subject = Subject(accepted, manifest, "CPU")
    for name in ("report.html", "report.pdf"):
        write_report(tmp_path / name, subject)
    assert b"".join(subject.csv_parts()).count(b"\n") > len(accepted)


def test_a_report_begins_with_a_table_of_its_files(finding: Finding, manifest: Manifest, tmp_path: Path) -> None:
    records = [
        Record("/x/a.png", "c" * 64, "ok", None, finding), Record(f"/x/{EVIL}", None, "error", "No image.", None),
    ]  # fmt: skip
    assert wording.row(records[0]) == ("a.png", "fgsm 70.0 %", "resnet18 > 99.9 %", "ε = 30.4/255; unfamiliar")
    html = render(Subject(records, manifest, "CPU"))
    table = html.split("The files shown below")[1].split("</table>")[0]
    assert 'href="#file-1">a.png</a>' in table and "not attributed" in table and EVIL not in html
    assert html.count('id="file-') == 2 and html.index("The files shown below") < html.index("<article")
    pages = list(_table_pages(records * 40))
    assert len(pages) == 2
    drawn = [text.get_text() for page in pages for text in page.texts]
    assert drawn.count("fgsm 70.0 %") == 40 and drawn.count("not attributed") == 40


def test_the_heading_of_a_card_stays_on_its_page(finding: Finding, manifest: Manifest) -> None:
    records = [Record(f"/x/{letter * 120}.png", "c" * 64, "ok", None, finding) for letter in "xW数"]
    for page in _card_pages(cards(records[:1], Subject(records, manifest, "CPU"))):
        drawing = FigureCanvasAgg(page).get_renderer()
        width = page.bbox.width
        assert all(text.get_window_extent(drawing).x1 <= width for text in page.texts)
        assert any(text.get_text().endswith(".png") for text in page.texts)
