"""Training through time: anchored blocks, pure tasks, a store of their results, and the ballots.

And what documents 001 and 004 train with: data sets, loops, a trainer, a predictor.
"""

from folkmoot.training.ballots import Ballots
from folkmoot.training.crew import Crew
from folkmoot.training.cross_validation import Crossed, Samples, cross_validate
from folkmoot.training.data_module import WalkForwardDataModule
from folkmoot.training.dataset import Candles, TradingDataset
from folkmoot.training.documents import (
    Tally,
    calculate_accuracy,
    criterion,
    optimize_memory,
    optimize_training,
    setup_training,
    train_epoch,
    update_metrics,
    validate,
)
from folkmoot.training.documents_export import export_model, predict, setup_inference
from folkmoot.training.folds import Block, Layout, layout
from folkmoot.training.forward import walk_forward
from folkmoot.training.keys import task_key
from folkmoot.training.material import Material
from folkmoot.training.predictor import NeuralPredictor
from folkmoot.training.realtime import (
    Board,
    Signal,
    calculate_features,
    process_realtime,
    update_signals,
)
from folkmoot.training.splits import (
    CombinatorialPurgedCV,
    ExpandingWalkForward,
    PurgedKFold,
    RollingWalkForward,
)
from folkmoot.training.store import InMemory, Result, Results, TaskStore
from folkmoot.training.tasks import Task, artefact, learn, run_tasks
from folkmoot.training.trainer import NeuralTrainer

__all__ = [
    "Ballots",
    "Block",
    "Board",
    "Candles",
    "CombinatorialPurgedCV",
    "Crew",
    "Crossed",
    "ExpandingWalkForward",
    "InMemory",
    "Layout",
    "Material",
    "NeuralPredictor",
    "NeuralTrainer",
    "PurgedKFold",
    "Result",
    "Results",
    "RollingWalkForward",
    "Samples",
    "Signal",
    "Tally",
    "Task",
    "TaskStore",
    "TradingDataset",
    "WalkForwardDataModule",
    "artefact",
    "calculate_accuracy",
    "calculate_features",
    "criterion",
    "cross_validate",
    "export_model",
    "layout",
    "learn",
    "optimize_memory",
    "optimize_training",
    "predict",
    "process_realtime",
    "run_tasks",
    "setup_inference",
    "setup_training",
    "task_key",
    "train_epoch",
    "update_metrics",
    "update_signals",
    "validate",
    "walk_forward",
]
