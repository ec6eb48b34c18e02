"""What somebody may have meant: the nearest of the known words."""

from __future__ import annotations

from collections.abc import Iterable


def folded(word: str) -> str:
    """A word without case, hyphens, underscores and dots: how keys and names are compared loosely."""
    return word.lower().replace("-", "").replace("_", "").replace(".", "")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word nearest to what was written, or None when none is near."""
    from difflib import get_close_matches  # takes a while to import, and only a wrong spec needs it

    by_fold = {folded(k): k for k in sorted(known, reverse=True)}
    # Letters in another order (`modle`) are the commonest slip of all, and are nearer than a letter less (`mode`).
    reordered = (k for k in by_fold if sorted(k) == sorted(folded(word)))
    close = get_close_matches(folded(word), by_fold, n=1, cutoff=0.6)
    near = next(reordered, None) or next(iter(close), None)
    return by_fold[near] if near else None


def distance(one: str, other: str) -> int:
    """How many letters must be added, left out or changed to make one word of the other (Levenshtein's distance)."""
    row = list(range(len(other) + 1))
    for above, letter in enumerate(one):
        left, row = row, [above + 1]
        for at, wanted in enumerate(other):
            row.append(min(left[at] + (letter != wanted), left[at + 1] + 1, row[at] + 1))
    return row[-1]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ "; did you mean `x`?", or nothing."""
    near = nearest(word, known)
    return f"; did you mean `{near}`?" if near else ""


def listed(words: Iterable[str], *, most: int = 12, last: str = "and") -> str:
    """Words as a sentence lists them: "`a`, `b` and `c`", cut short after `most`."""
    quoted = [f"`{word}`" for word in words]
    if len(quoted) > most:
        quoted = [*quoted[:most], f"{len(quoted) - most} more"]
    return f" {last} ".join(filter(None, [", ".join(quoted[:-1]), *quoted[-1:]]))
