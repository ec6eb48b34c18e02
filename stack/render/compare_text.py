"""A comparison of two results in words: the sentence first, then a table a pair, then what to know about it.

B is always said against A. Only words, widths and colours are decided here; what is slower is decided by
`components.benchmarks.compare`.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from components.benchmarks import words
from components.benchmarks.compare import LEAST_CHANGE, Comparison, Difference, Pair, Word

COLOURS: Final = {"slower": "\x1b[31m", "faster": "\x1b[32m", "not comparable": "\x1b[33m"}
RESET: Final = "\x1b[0m"
HEADINGS: Final = ("", "A", "B", "difference", "", "ratio, 95%", "p", "noise", "")
NOISE: Final = HEADINGS.index("noise")
ORDER: Final[tuple[Word, ...]] = ("slower", "faster", "no difference shown", "not comparable")


def render_comparison(comparison: Comparison, *, colour: bool = False) -> str:
    """The whole text, with a line feed at its end."""
    sections = [
        [summary(comparison)],
        [*_sides(comparison), *(f"!  {caveat}" for caveat in comparison.caveats)],
        *(_section(pair, colour=colour) for pair in comparison.pairs),
        list(_remarks(comparison)),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain JSON values; times in seconds, shares 0 to 1."""
    pairs = []
    for pair in comparison.pairs:
        plain = asdict(pair)
        for said, each in zip(plain["differences"], pair.differences, strict=True):
            said.update(absolute=each.absolute, relative=each.relative)
        pairs.append(plain)
    return {
        "a": comparison.a,
        "b": comparison.b,
        "summary": summary(comparison),
        "regressions": list(comparison.regressions),
        "caveats": list(comparison.caveats),
        "pairs": pairs,
    }


def summary(comparison: Comparison) -> str:
    """What came out, in one or two sentences."""
    pairs = comparison.pairs
    if len(pairs) == 1:
        return f"{_named(pairs[0])}: {_verdict(pairs[0])}."
    counts = Counter(pair.outcome for pair in pairs)
    said = [f"{word} in {counts[word]}{_most(pairs, word)}" for word in ORDER if counts[word]]
    worse = [f"{_named(p)} ({', '.join(p.regressions)})" for p in pairs if p.regressions and p.outcome != "slower"]
    also = f" Worse though not slower: {', '.join(worse)}." if worse else ""
    return f"B against A in {len(pairs)} pairs: {', '.join(said)}.{also}"


def _most(pairs: Sequence[Pair], word: Word) -> str:
    """The largest of the changes that a word stands for."""
    changed = [
        (abs(each.relative), f" (most: {_named(pair)}, {each.metric} {each.relative:+.1%})")
        for pair in pairs
        for each in pair.differences
        if each.outcome == pair.outcome == word and each.relative is not None and word in ("slower", "faster")
    ]
    return max(changed)[1] if changed else ""


def _verdict(pair: Pair) -> str:
    match pair.outcome:
        case "slower" | "faster":
            return f"B is {pair.outcome} ({pair.why})"
        case "no difference shown":
            worse = f", but {'; '.join(pair.regressions)}" if pair.regressions else ""
            return f"no difference shown{worse}"
        case "not comparable":
            return f"not comparable, {pair.why}"


def _named(pair: Pair) -> str:
    """A pair of two targets is the only such pair, and the head names both; its load is enough here."""
    targets = f"{pair.a.target}, " if pair.a.target == pair.b.target else ""
    return f"{targets}{pair.load.label}"


def _sides(comparison: Comparison) -> Iterator[str]:
    for name, run, sides in (
        ("A", comparison.a, {pair.a for pair in comparison.pairs}),
        ("B", comparison.b, {pair.b for pair in comparison.pairs}),
    ):
        yield f"{name}  {sides.pop() if len(sides) == 1 else run}"


def _section(pair: Pair, *, colour: bool) -> list[str]:
    detail = f" ({pair.why})" if pair.outcome == "not comparable" else ""
    title = f"{_named(pair)}: {_painted(pair.outcome, pair.outcome, colour)}{detail}"
    table = [HEADINGS, *(_cells(each) for each in pair.differences)]
    if not any(row[NOISE] for row in table[1:]):
        table = [(*row[:NOISE], *row[NOISE + 1 :]) for row in table]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return [title, *(_line(row, widths, colour=colour) for row in table)]


def _cells(each: Difference) -> tuple[str, ...]:
    found, change = each.evidence, _change(each)
    return (
        each.metric,
        _figure(each, each.a),
        _figure(each, each.b),
        change,
        f"{each.relative:+.1%}" if each.unit != "share" and each.relative and change != "0" else "",
        f"{found.low:.2f}-{found.high:.2f}" if found else "",
        ("<0.001" if each.p < 0.001 else f"{each.p:.3f}") if each.p is not None else "",
        f"{each.noise:.1%}" if found and each.noise is not None else "",
        each.outcome or "",
    )


def _line(row: Sequence[str], widths: Sequence[int], *, colour: bool) -> str:
    first, *middle, last = row
    cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(middle, widths[1:-1], strict=True))]
    return f"  {'  '.join(cells)}  {_painted(last, last, colour)}".rstrip()


def _figure(each: Difference, value: float) -> str:
    match each.unit:
        case "s":
            return words.ms(value)
        case "per_s":
            return words.rate(value)
        case "share":
            return words.percent(value)


def _change(each: Difference) -> str:
    """The difference in the figure's own unit; shares in percentage points, so that nobody takes them for ratios."""
    match each.unit:
        case "share":
            said = f"{100 * each.absolute:+.2f} points"
        case "s":
            said = f"{1e3 * each.absolute:+,.{_decimals(1e3 * each.b)}f} ms"
        case "per_s":
            said = f"{each.absolute:+,.{_decimals(each.b)}f}/s"
    return said if any(digit in said for digit in "123456789") else "0"


def _decimals(value: float) -> int:
    """A difference is written with as many decimals as the figure it changes."""
    return len(words.digits(value).partition(".")[2])


def _painted(text: str, word: str, colour: bool) -> str:
    paint = COLOURS.get(word, "") if colour else ""
    return f"{paint}{text}{RESET}" if paint else text


def _remarks(comparison: Comparison) -> Iterator[str]:
    judged = [each for pair in comparison.pairs for each in pair.differences if each.evidence]
    if not judged:
        return
    noises = [each.noise for each in judged if each.noise is not None]
    rule = (
        "A latency counts as changed when the 95% interval of its ratio leaves out 1, p is under 0.05 after Holm's "
        f"correction, and the change is over {LEAST_CHANGE:.0%}"
    )
    if noises:
        yield from textwrap.wrap(f"{rule} and over twice the noise: what repeats differ by.", 100)
    else:
        once = "Everything was measured once: how far repeats of the same thing lie apart is not known (`repeats: 3`)."
        yield from textwrap.wrap(f"{rule}. {once}", 100)
