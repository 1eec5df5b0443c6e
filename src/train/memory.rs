//! What a training step holds, from shapes alone.
