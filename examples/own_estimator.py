"""A scikit-learn estimator as a member: `folkmoot prove ... --models examples/own_estimator.py`."""

from dataclasses import dataclass
from typing import Any

from sklearn.ensemble import ExtraTreesClassifier

from folkmoot.models.own import SklearnMember


@dataclass(eq=False)
class OwnTrees(SklearnMember):
    """A forest of shallow random trees; its fields are its options."""

    trees: int = 60
    depth: int = 5

    def make(self) -> Any:
        """Return the unfitted estimator; it is made anew for each horizon of each fold."""
        return ExtraTreesClassifier(self.trees, max_depth=self.depth)


PLUGIN = OwnTrees
