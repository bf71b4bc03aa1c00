"""Diagnostics of recurrent layers: how gradients flow through time, and what the gates do."""

from .flow import Flow, GradientFlow, gradient_flow
from .gates import GateActivations, gate_activations

__all__ = ["Flow", "GateActivations", "GradientFlow", "gate_activations", "gradient_flow"]
