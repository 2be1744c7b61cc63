"""Where implementations are chosen and put together, a module for each kind of process."""
