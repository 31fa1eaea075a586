"""Training through time: anchored blocks, pure tasks, a store of their results, and the ballots."""

from folkmoot.training.ballots import Ballots
from folkmoot.training.crew import Crew
from folkmoot.training.folds import Block, Layout, layout
from folkmoot.training.forward import walk_forward
from folkmoot.training.keys import task_key
from folkmoot.training.material import Material
from folkmoot.training.store import InMemory, Result, Results, TaskStore
from folkmoot.training.tasks import Task, artefact, learn, run_tasks

__all__ = [
    "Ballots",
    "Block",
    "Crew",
    "InMemory",
    "Layout",
    "Material",
    "Result",
    "Results",
    "Task",
    "TaskStore",
    "artefact",
    "layout",
    "learn",
    "run_tasks",
    "task_key",
    "walk_forward",
]
