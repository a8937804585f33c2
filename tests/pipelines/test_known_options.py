import pytest

from pipelines.decisions import DecisionsOptions
from pipelines.known_options import OptionError, check_options
from pipelines.launch import LaunchError, launch
from pipelines.market import JOB

assert DecisionsOptions  # so that its options are known, whichever tests run


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--runner=PrismRunner", "--prism_location", "/bin/prism"],
        ["--region", "europe-west1", "--experiments=one", "--experiments", "two", "--streaming"],
        ["--desk", "main", "--snapshot_seconds=60"],
    ],
)
def test_options_of_beam_and_of_ours_are_known(arguments: list[str]) -> None:
    check_options(arguments)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--dsek", "main"], "--dsek is no option, neither here nor of Beam: did you mean --desk?"),
        (
            ["--snapshot-seconds=60"],
            "--snapshot-seconds is no option, neither here nor of Beam: did you mean --snapshot_seconds?",
        ),
        (["--grdi=a"], "--grdi is no option, neither here nor of Beam: did you mean --grid?"),
        (["--regoin", "here"], "--regoin is no option, neither here nor of Beam: did you mean --region?"),
        (
            ["--desk", "main", "more"],
            "more is no option, neither here nor of Beam: --help lists what there is",
        ),
        (["--qqqq"], "--qqqq is no option, neither here nor of Beam: --help lists what there is"),
        (["--num_workers", "many"], "--num_workers: invalid int value: 'many'"),
    ],
)
def test_others_are_refused_with_the_nearest(arguments: list[str], told: str) -> None:
    with pytest.raises(OptionError) as error:
        check_options(arguments, ["--grid"])
    assert str(error.value) == told


def test_a_job_refuses_them() -> None:
    with pytest.raises(
        LaunchError, match="--inptu is no option, neither here nor of Beam: did you mean --input"
    ):
        launch(JOB, ["--inptu", "file", "--output", "out"])
