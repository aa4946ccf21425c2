"""tmux on this host."""

from node.adapters.tmux.panes import TmuxPanes

__all__ = ["TmuxPanes"]
