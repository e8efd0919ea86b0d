"""Last page: what the new pack measures, in words and drawings, and whether it is put to use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QCheckBox, QGridLayout, QTabWidget, QTextBrowser, QWidget

from app.wizard.charts import Chart, Matrix, Series
from app.wizard.choices import Choices
from app.wizard.page import Page, task_names
from core.measured import guessing

Results = Mapping[str, Any]
_FEW = 2000
"""Training examples under which a pack is told to be a try."""


class ResultsPage(Page):
    """Tabs over the manifest's results; Finish saves the pack and, if asked, judges with it from now on."""

    def __init__(self, choices: Choices) -> None:
        super().__init__(
            choices,
            self.tr("Results"),
            self.tr(
                "Measured on images that neither the victims nor the network saw in training. All of it stays in the "
                "pack, and Model packs… shows it again."
            ),
        )
        self.path: Path | None = None
        self.tabs = QTabWidget()
        self.body.addWidget(self.tabs, 1)
        self.use = QCheckBox(self.tr("Attribute images with this pack from now on"))
        self.foot.addWidget(self.use)
        self.foot.addWidget(self.remark)
        self.setFinalPage(True)

    def show_results(self, path: str, results: Results) -> None:
        """Show a pack's measured results; only what is there gets a tab. One that guesses is not put to use unasked."""
        self.path = Path(path)
        guesses = self.guesses(results)
        self.use.setChecked(not guesses)
        self.say(guesses, "warn")
        self.tabs.clear()
        self.tabs.addTab(self._summary(results), self.tr("Summary"))
        self.tabs.addTab(self._confusions(results), self.tr("Confusions"))
        if results.get("scatter"):
            self.tabs.addTab(self._scatter(results["scatter"]), self.tr("Hyperparameter"))
        if results.get("reliability"):
            self.tabs.addTab(self._doubt(results), self.tr("Doubt"))
        if results.get("feature_map", {}).get("x"):
            self.tabs.addTab(self._map(results), self.tr("Features"))

    def isComplete(self) -> bool:  # noqa: N802
        return self.path is not None

    def _summary(self, r: Results) -> QWidget:
        attack = {"attack_accuracy": self.tr("attack named")}
        others = {"victim_accuracy": self.tr("victim named"), "rmse_table1_scale": self.tr("RMSE, Table 1's scale")}
        by_attack = [(name, v) for name, v in r["by_attack"].items() if v["examples"]]
        text = _table(self.tr("test examples"), self.tr("number"), attack | others, [*by_attack, (self.tr("all"), r)])
        if asked := r.get("probes"):
            told_by = ((self.tr("the image alone"), "image"), (self.tr("the victims alone"), "probes"),
                       (self.tr("both"), "both"))  # fmt: skip
            text += _table(self.tr("told by, for attacked test examples"), self.tr("number"), others,
                           [(way, asked[key]["without_clean"]) for way, key in told_by])  # fmt: skip
        text += "".join(f"<p>{line}</p>" for line in self.words(r))
        browser = QTextBrowser()
        browser.setAccessibleName(self.tr("Summary"))
        browser.setHtml(text)
        return browser

    def words(self, r: Results) -> list[str]:
        """What to know of the results, in sentences; warnings first."""
        lines = []
        for task, labels in zip(("attack", "victim"), self._labels(), strict=True):
            for pair in r.get("confused", {}).get(task, []):
                lines.append(self._confused(pair, labels, r[f"{task}_confusion"]))
        for name, v in r["by_attack"].items():
            if v.get("r2") is not None and v["r2"] < 0.5:
                lines.append(self.tr("⚠ {attack}'s hyperparameter is hardly read from the image (R² {r2}).").format(
                    attack=name, r2=f"{v['r2']:.2f}"))  # fmt: skip
        if asked := r.get("probes"):
            lines += self._worse(asked["image"]["without_clean"], asked["both"]["without_clean"])
        if r.get("training", {}).get("examples", _FEW) < _FEW:
            lines.append(self.tr("⚠ Few training examples ({n}): more of each cell would make it better.").format(
                n=r["training"]["examples"]))  # fmt: skip
        ece = self.tr("Expected calibration error: attack {a}, victim {v}.")
        lines.append(ece.format(a=f"{r['attack_ece']:.1%}", v=f"{r['victim_ece']:.1%}"))
        if strange := r.get("unfamiliar"):
            lines += self._strange(strange.get("both", strange["image"]))
        if before := r.get("started_from"):
            lines.append(self._before(before))
        return lines

    def _strange(self, told: Results) -> list[str]:
        if not told["examples"]:
            return []
        text = self.tr(
            "Changed after the attack and unfamiliar then: attack named in {a} and victim in {v} of {n} test examples."
        )
        shares = (f"{told[f'{task}_accuracy']:.1%}" for task in ("attack", "victim"))
        return [text.format(n=f"{told['examples']:,}", **dict(zip("av", shares, strict=True)))]

    def guesses(self, r: Results) -> str:
        """Why the pack is not to be put to use; empty for one that is better than guessing."""
        if (found := guessing(r)) is None:
            return ""
        text = self.tr(
            "Not ticked, for this pack is hardly better than guessing: of the attacked test images it names the attack "
            "in {attack} and the victim in {victim}; guessing would in {a} and {v}."
        )
        return text.format(
            **dict(zip(("attack", "victim", "a", "v"), (f"{share:.0%}" for share in found), strict=True))
        )

    def _confused(self, pair: Results, labels: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
        """Two labels that are taken for each other, and how the worse one fares: it may be missed always.

        counts: [truth][answer], of ``labels``.
        """
        a, b = pair["labels"]
        text = self.tr("⚠ {a} and {b} are taken for each other in {share} of their images: {worse} is named right in "
                       "{right} of its test images, taken for {other} in {wrong}.")  # fmt: skip
        rows = {name: counts[labels.index(name)] for name in (a, b)}
        right = {name: row[labels.index(name)] / max(sum(row), 1) for name, row in rows.items()}
        worse, other = (a, b) if right[a] <= right[b] else (b, a)
        wrong = rows[worse][labels.index(other)] / max(sum(rows[worse]), 1)
        return text.format(
            a=a, b=b, share=f"{pair['share']:.0%}", worse=worse, right=f"{right[worse]:.0%}", other=other,
            wrong=f"{wrong:.0%}",
        )  # fmt: skip

    def _worse(self, image: Results, both: Results) -> list[str]:
        """What is told less well once the victims are asked."""
        text = self.tr("⚠ With its victims asked the pack tells {what} less well than from the image alone. Tools, "
                       "Victims to ask leaves them out.")  # fmt: skip
        found = []
        if both["victim_accuracy"] < image["victim_accuracy"]:
            found.append(text.format(what=self.tr("the victim")))
        if both["rmse_table1_scale"] > image["rmse_table1_scale"]:
            found.append(text.format(what=self.tr("the hyperparameter")))
        return found

    def _before(self, before: Results) -> str:
        """What the pack that training began with says of the same test images, where it knows their labels."""
        old, new = before.get("before", {}), before.get("after", {})
        if not old or not new:
            return self.tr("Trained on from {pack}.").format(pack=before.get("pack", ""))
        return self.tr(
            "On the labels that {pack} knows: attack {oa} → {na}, victim {ov} → {nv}, RMSE {oe} → {ne}."
        ).format(
            pack=before.get("pack", ""),
            oa=f"{old['attack_accuracy']:.1%}", na=f"{new['attack_accuracy']:.1%}",
            ov=f"{old['victim_accuracy']:.1%}", nv=f"{new['victim_accuracy']:.1%}",
            oe=f"{old['rmse_table1_scale']:.2f}", ne=f"{new['rmse_table1_scale']:.2f}",
        )  # fmt: skip

    def _labels(self) -> tuple[list[str], list[str]]:
        """The pack's attacks and victims, in its order."""
        clean = ["clean"] if self.choices.clean else []
        attacks, victims = self.choices.chosen, self.choices.victims
        return [*clean, *(a.name for a in attacks)], [*clean, *(v.label for v in victims)]

    def _confusions(self, r: Results) -> QWidget:
        attacks, victims = self._labels()
        matrices = []
        for title, labels, key in (
            (self.tr("Attack: truth by row, answer by column"), attacks, "attack_confusion"),
            (self.tr("Victim: truth by row, answer by column"), victims, "victim_confusion"),
        ):
            matrix = Matrix(title)
            matrix.show_counts(labels, r[key])
            matrices.append(matrix)
        return _side_by_side(matrices)

    def _scatter(self, scatter: Results) -> QWidget:
        charts = []
        for name, points in scatter.items():
            chart = Chart(name, x=self.tr("true value; estimated upwards"), diagonal=True)
            chart.show_series([Series(name, points["true"], points["estimated"], dots=True)])
            charts.append(chart)
        return _side_by_side(charts)

    def _doubt(self, r: Results) -> QWidget:
        charts: list[QWidget] = []
        names = task_names()
        reliability = Chart(self.tr("Accuracy at each confidence"), x=self.tr("confidence"), diagonal=True)
        reliability.show_series(
            [
                Series(
                    names[task],
                    [c for c in v["confidence"] if c is not None],
                    [a for a in v["accuracy"] if a is not None],
                )
                for task, v in r["reliability"].items()
            ],
            (0.0, 1.0),
        )
        charts.append(reliability)
        if found := r.get("coverage"):
            coverage = Chart(self.tr("Share held at each coverage"), x=self.tr("coverage asked for"), diagonal=True)
            held = [(name, found[task]["held"]) for task, name in names.items() if task in found]
            coverage.show_series([Series(name, found["target"], shares) for name, shares in held])
            charts.append(coverage)
        return _side_by_side(charts)

    def _map(self, r: Results) -> QWidget:
        points = r["feature_map"]
        attacks, victims = self._labels()
        charts = []
        for title, labels, key in (
            (self.tr("t-SNE of the features, by attack"), attacks, "attack"),
            (self.tr("t-SNE of the features, by victim"), victims, "victim"),
        ):
            chart = Chart(title)
            chart.show_series([_of(points, key, index, label) for index, label in enumerate(labels)])
            charts.append(chart)
        return _side_by_side(charts)


def _of(points: Results, key: str, index: int, label: str) -> Series:
    rows = [at for at, found in enumerate(points[key]) if found == index]
    return Series(label, [points["x"][at] for at in rows], [points["y"][at] for at in rows], dots=True)


def _table(first: str, number: str, figures: Mapping[str, str], rows: Sequence[tuple[str, Results]]) -> str:
    """HTML of the figures, by their keys, of each row. first, number, and the figures' words: the columns' heads."""
    heads = "".join(f"<th align=left>{head}</th>" for head in (first, number, *figures.values()))
    lines = "".join(
        f"<tr><td>{name}</td><td align=right>{v['examples']}</td>{''.join(_cell(key, v[key]) for key in figures)}</tr>"
        for name, v in rows
    )
    return f"<table cellpadding=5><tr>{heads}</tr>{lines}</table>"


def _cell(figure: str, value: float) -> str:
    return f"<td align=right>{f'{value:.2f}' if figure.startswith('rmse') else f'{value:.2%}'}</td>"


def _side_by_side(widgets: Sequence[QWidget]) -> QWidget:
    """Two in a row, with room around."""
    holder = QWidget()
    grid = QGridLayout(holder)
    grid.setContentsMargins(12, 12, 12, 8)
    grid.setSpacing(18)
    for at, widget in enumerate(widgets):
        grid.addWidget(widget, at // 2, at % 2)
    return holder
