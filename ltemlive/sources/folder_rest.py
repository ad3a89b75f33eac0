"""What of a watched folder is no frame yet when its series ends: the rest, with reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltemlive.sources.folder_plan import labelled

if TYPE_CHECKING:
    from ltemlive.sources.due_images import DueImages
    from ltemlive.sources.fates import Fates
    from ltemlive.sources.folder_facts import FolderFacts
    from ltemlive.sources.folder_view import FolderView
    from ltemlive.sources.settling import FileSettling

NOT_COME = "series.yaml lists it, but it had not come when the series ended"
STILL_GROWING = "it was still being written when the series ended"


class FolderRest:
    """Ask what is left over."""

    def __init__(
        self,
        view: FolderView,
        settling: FileSettling,
        facts: FolderFacts,
        fates: Fates,
        due: DueImages,
    ) -> None:
        self._view = view
        self._settling = settling
        self._facts = facts
        self._fates = fates
        self._due = due

    def leftovers(self) -> dict[str, str]:
        """Return why each image is no frame, by its label."""
        missing = [
            key.label
            for key in self._facts.listed()
            if key.name not in self._view.files and not self._fates.is_taken(key)
        ]
        growing = [name for name in self._settling.unsettled() if self._is_untaken(name)]
        waiting = {
            key: reason
            for key, reason in self._fates.waiting().items()
            if self._due.may_be_frames(key.name)
        }
        return (
            labelled(waiting)
            | dict.fromkeys(growing, STILL_GROWING)
            | dict.fromkeys(missing, NOT_COME)
        )

    def is_none(self) -> bool:
        """Return whether ``series.yaml`` lists all there is, and nothing of it is open."""
        listed = self._facts.listed()
        n_listed = sum(map(self._fates.is_taken, listed))
        is_settled = all(map(self._fates.is_settled, listed)) and not self.leftovers()
        return bool(listed) and is_settled and n_listed == self._fates.n_taken()

    def _is_untaken(self, name: str) -> bool:
        """Return whether a file may hold frames, and nobody has any of it."""
        keys = self._facts.images_of(name)
        return self._due.may_be_frames(name) and not any(map(self._fates.is_taken, keys))
