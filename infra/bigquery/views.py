"""The views: one SQL file each, its first comment line saying what the view shows."""

from dataclasses import dataclass
from pathlib import Path
from string import Template

FOLDER = Path(__file__).parent / "views"


@dataclass(frozen=True, slots=True)
class View:
    """A view's name, what it shows, and its query with ${project} and ${dataset} still open."""

    name: str
    about: str
    template: str

    def query(self, project: str, dataset: str) -> str:
        """The query for one project and dataset."""
        return Template(self.template).substitute(project=project, dataset=dataset).strip()


def read_views(folder: Path = FOLDER) -> list[View]:
    """Every view, by name."""
    views = []
    for path in sorted(folder.glob("*.sql")):
        text = path.read_text()
        about, _, template = text.partition("\n")
        views.append(View(path.stem, about.removeprefix("--").strip(), template))
    return views
