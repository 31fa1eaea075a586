"""Proof: whether there is an edge, how sure that is, and what would have been found."""

from folkmoot.proof.last import last_decision as last_decision
from folkmoot.proof.permuted import importance as importance
from folkmoot.proof.proving import prove as prove
from folkmoot.proof.study import Study as Study
