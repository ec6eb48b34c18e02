"""Pulumi's errors in our words: what it says decides the class, the remedy and the exit code."""

from __future__ import annotations

import pytest
from pulumi.automation import CommandResult, InvalidVersionError
from pulumi.automation.errors import create_command_error

from schemas.errors import InferstackError, LockedError, PartlyAppliedError, PolicyError, PreflightError, StoppedError
from stack.engines.pulumi.failures import explained, remedy_for, words_of


def an_error(stderr: str, stdout: str = "") -> InferstackError:
    """What becomes of a command that failed with these words."""
    return explained(create_command_error(CommandResult(stdout, stderr, 255)))


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        (
            "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end",
            LockedError,
            "Another Pulumi is working",
        ),
        ("error: [409] Conflict: Another update is currently in progress.", LockedError, "Another Pulumi is working"),
        ("error: incorrect passphrase", PreflightError, "passphrase does not fit"),
        (
            "error: passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE",
            PreflightError,
            "need a passphrase",
        ),
        (
            "error: no resource plugin 'pulumi-resource-gcp' found in the workspace at version v10.2.0 or on $PATH",
            PreflightError,
            "A plugin of Pulumi is missing",
        ),
        (
            "error: google: could not find default credentials. See https://cloud.google.com/docs/authentication",
            PreflightError,
            "no valid credentials",
        ),
        (
            "googleapi: Error 403: Insufficient regional quota to satisfy request: resource 'N2_CPUS'",
            PreflightError,
            "quota or capacity",
        ),
        ("googleapi: Error 403: Permission denied on resource project p", PreflightError, "a permission is missing"),
        (
            "error: unable to replace resource as it is currently marked for protection",
            PolicyError,
            "touches what is protected",
        ),
        ("error: configured Kubernetes cluster is unreachable: dial tcp", PreflightError, "does not answer"),
        (
            "error: PULUMI_ACCESS_TOKEN must be set for login",
            PreflightError,
            "cannot be reached",
        ),
        ("error: update canceled", StoppedError, "Stopped"),
        ('error: configmaps "a" already exists', PartlyAppliedError, "exists already"),
    ],
)
def test_what_pulumi_says_becomes_an_error_of_ours_with_a_remedy(
    said: str, kind: type[InferstackError], message: str
) -> None:
    error = an_error(said)

    assert type(error) is kind
    assert message in error.message
    assert said.removeprefix("error: ") in error.why
    assert error.remedy


def test_an_error_that_nobody_knows_is_told_in_pulumis_words_without_its_progress() -> None:
    error = an_error("error: the moon is full", stdout="Updating (demo):\n\n + kubernetes:core/v1:ConfigMap a creating")

    assert (error.message, error.why) == ("Pulumi failed.", "the moon is full")
    assert error.exit_code == 1


def test_what_the_events_told_stands_before_the_error_stream() -> None:
    failed = create_command_error(CommandResult("", "error: update failed", 255))

    assert explained(failed, ["the cluster said no"]).why == "the cluster said no\nupdate failed"


def test_a_command_line_that_the_sdk_refuses_is_too_old() -> None:
    error = explained(InvalidVersionError("Minimum version requirement failed."))

    assert (type(error), error.message) == (PreflightError, "Pulumi's command line is too old.")


def test_a_resource_that_exists_already_is_told_how_it_is_taken_over() -> None:
    assert "pulumi import" in remedy_for('configmaps "settings" already exists')
    assert remedy_for("the file is not writable") == ""


def test_of_what_a_dynamic_provider_raised_the_error_is_told_without_its_trace() -> None:
    trace = 'Traceback (most recent call last):\n  File "host.py", line 84, in wrapper\n    return fn(request)\n'

    assert words_of([f"{trace}RuntimeError: cannot create a"]) == ("RuntimeError: cannot create a", "")
    assert words_of([f"{trace}schemas.errors.PreflightError: no free port"]) == ("no free port", "")
    assert words_of(["no such host", "more"]) == ("no such host", "more")
    assert words_of([]) == ("the provider does not say why", "")


def test_what_a_program_awaited_and_raised_is_told_with_its_place() -> None:
    trace = 'Traceback (most recent call last):\n  File "/p/program.py", line 7, in made\n    raise ValueError\n'
    inside = '  File "/venv/site-packages/pulumi/output.py", line 1, in run\n'

    error = an_error(f"error: python inline source runtime error: it is wrong\n{trace}{inside}ValueError: it is wrong")

    assert error.message == "The program failed: it is wrong"
    assert error.why == "It was raised at /p/program.py:7, in made."
