"""The build of examples/models.toml: `doit list`, `doit convert`, `doit convert MODEL:TARGET`."""

from pathlib import Path

from mgeconvert.build.dodo import configuration, open_build
from mgeconvert.build.making import makers, making_tasks, recipes
from mgeconvert.build.tasks import tasks

ROOT = Path(__file__).resolve().parent
EXAMPLES = ROOT / "examples"

BUILD = open_build(EXAMPLES / "models.toml")
DOIT_CONFIG = configuration(BUILD)
RECIPES = recipes(
    BUILD,
    folder=EXAMPLES / "build" / "models",
    script=EXAMPLES / "make_models.py",
    code=[*sorted((ROOT / "tests" / "zoo").glob("*.py")), EXAMPLES / "digits.tm"],
    libraries=("megengine", "numpy"),
)


def task_models():
    yield from making_tasks(BUILD, RECIPES)


def task_build():
    yield from tasks(BUILD, sources=makers(RECIPES))
