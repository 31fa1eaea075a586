"""Your own estimator or graph as a member: derive from one of these, and obey the same laws."""

from folkmoot.models.own.estimator import SklearnMember
from folkmoot.models.own.graph import OnnxMember

__all__ = ["OnnxMember", "SklearnMember"]
