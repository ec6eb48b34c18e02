"""Pulumi's own engine behind the face of `Engine`: for clouds, and for whoever wants it elsewhere.

The same program runs, inline through the Automation API; the plugins are Pulumi's. Nothing here is imported unless this
engine is chosen.

    command     the command line: found, installed, interrupted
    workspace   where Pulumi keeps a stack: its folder, backend, secrets, settings
    inline      the program as Pulumi runs it in this process
    steps       its events of a preview -> our `Plan`
    narration   its events of an update -> our progress and outcome
    drift       its events of a refresh -> our `Drift`
    failures    its errors -> ours
    engine      all of it together
    offline     plans without Pulumi, on the state that it left

What Pulumi does not do and the embedded engine does: after `kill -9` in the middle of an update, `up` fails here with
"already exists" for what was made and not noted; `failures` says what to do then.
"""
