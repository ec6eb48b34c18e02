"""Explanations of what the reader, the merger and the checker find: no rules over a spec, but with ids as well."""

from __future__ import annotations

from typing import Final

from schemas.rules.registry import Rule

_TEXTS: Final = {
    "SPEC001": """The file can be read.

        Why: A spec is read from the file named on the command line, and from those that it `extends`.
        Remedy: Check the path; `extends` is relative to the file that says so.
    """,
    "SPEC002": """The file is UTF-8 text of at most 1 MiB.

        Why: A spec is written by people; larger files are data, and other encodings are not guessed at.
        Remedy: Keep data in files of their own; convert the text with iconv.
    """,
    "SPEC003": """The text is YAML.

        Why: Everything else depends on it. Tabs in indentation, missing spaces after a colon and quotes that are never
            closed are the usual slips.
        Example:
            models: [{name: digits
        Remedy: Indent with spaces, what belongs together in one column; quote texts that hold `: ` or ` #`.
    """,
    "SPEC004": """A key stands once in a mapping.

        Why: Only one of two values could count, and YAML readers differ in which.
        Example:
            name: one
            name: two
        Remedy: Delete one of the two.
    """,
    "SPEC005": """A file is one mapping.

        Why: A spec says `key: value`, beginning with `apiVersion` and `name`; it is one document, and no list.
        Example:
            - name: digits
        Remedy: Begin with `apiVersion: inferstack/v1`, or let `inferstack init` write a spec.
    """,
    "SPEC006": """Anchors and aliases stay small.

        Why: An alias repeats a value; aliases of aliases can grow a small file to billions of values.
        Example:
            models: *missing
        Remedy: Mark the value with `&name` before it is repeated with `*name`; repeat less.
    """,
    "SPEC007": """The only tags are `!remove` and `!replace`.

        Why: Tags make YAML run code or change types in other programs; here two of them steer how layers merge.
        Example:
            name: !!python/name:os.system x
        Remedy: Delete the tag.
    """,
    "SPEC010": """Keys are those of the schema.

        Why: A key that nobody reads is a slip of the pen, or belongs elsewhere; it is never ignored.
        Example:
            modles: []
        Remedy: Follow the suggestion; `inferstack schema` prints all keys, and editors complete them.
    """,
    "SPEC011": """Required keys have a value.

        Why: They have no default that could be right. A key with nothing after its colon counts as absent.
        Example:
            models: [{source: digits.onnx}]
        Remedy: Add the key.
    """,
    "SPEC012": """A value is of the kind that its key wants.

        Why: A list is no text, a mapping no number.
        Example:
            models: digits.onnx
        Remedy: Write what the message says; items of a list each start with a hyphen.
    """,
    "SPEC013": """A quantity has a unit of its kind.

        Why: 50 may be milliseconds or seconds. Durations have us, ms, s, m, min, h; rates /s, /m, /min, /h; sizes B,
            kB, MB, GB, TB, KiB, MiB, GiB, TiB; shares % or a number from 0 to 1.
        Example:
            models: [{name: digits, train: {command: [make], outputs: [a.onnx], timeout: 50 parsecs}}]
        Remedy: Write, for example, 50ms, 100/s, 2GiB or 80%.
    """,
    "SPEC014": """A value is one of the words that its key takes.

        Why: Each word stands for something that is done differently.
        Example:
            serving: [{name: one, model: digits, platform: openvno}]
        Remedy: Write one of the words that the message lists.
    """,
    "SPEC015": """A number lies within its range.

        Why: There are no ports above 65535 and no instances of zero cores.
        Example:
            serving: [{name: one, model: digits, port: 70000}]
        Remedy: Write a number within the range that the message says.
    """,
    "SPEC016": """A text has the form that its key wants.

        Why: Names become parts of addresses and file names: lower-case letters, digits and hyphens, 63 at most.
        Example:
            models: [{name: My_Model, source: a.onnx}]
        Remedy: Write it in the form that the message says.
    """,
    "SPEC017": """Switches are `true` or `false`.

        Why: `yes`, `no`, `on` and `off` are plain text here, as in YAML 1.2, so that a model may be named `no`.
        Example:
            serving: [{name: one, model: digits, hyperthreads: yes}]
        Remedy: Write true or false.
    """,
    "SPEC018": """Text that looks like a number or a switch is quoted.

        Why: YAML reads 1.20 as the number 1.2 and true as a switch, which is not what was written.
        Example:
            serving: [{name: one, model: digits, env: {LEVEL: 3}}]
        Remedy: Put it in quotes: "1.20".
    """,
    "LAYER001": """`extends` names one file.

        Why: A spec is laid over one other, which may extend a third.
        Example:
            extends: [a.yaml, b.yaml]
        Remedy: Write `extends: base.yaml`, relative to the file that says so.
    """,
    "LAYER002": """Files do not extend each other in a circle.

        Why: Each would have to be read before itself.
        Remedy: Move what they share into a base of its own.
    """,
    "LAYER003": """What is removed is there.

        Why: `!remove` takes away what a layer below says: `key: !remove`, or `- !remove name` in a list of named
            things. Where there is nothing, the name is most often misspelt. A list of plain values is replaced whole.
        Example:
            benchmarks: [!remove steady]
        Remedy: Name what is to be removed, or delete the line.
    """,
    "LAYER004": """`--set` names a place of the spec.

        Why: `--set serving.digits.instances.cores=2` names keys, and items by name or index. The value is YAML: a
            mapping merges, `null` puts the default back, `!remove` takes an item away.
        Remedy: Follow the suggestion; `inferstack render` prints the merged spec with its paths.
    """,
    "LAYER005": """`INFERSTACK_...` variables name a place of the spec.

        Why: `INFERSTACK_SERVING__DIGITS__INSTANCES__CORES=2` names keys and items, joined by two underscores and
            compared without case, hyphens and underscores. INFERSTACK_STATE_DIR, INFERSTACK_SPEC,
            INFERSTACK_PASSPHRASE, INFERSTACK_OUT, INFERSTACK_RUN, INFERSTACK_TEST_*,
            INFERSTACK_PERFORMANCE_* and INFERSTACK_NO_* are settings of the program and never overlay anything.
        Remedy: Follow the suggestion, or unset the variable.
    """,
}

RULES: Final = tuple(Rule(rule_id, text) for rule_id, text in _TEXTS.items())
