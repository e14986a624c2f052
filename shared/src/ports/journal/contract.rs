//! What every adapter of the journal must do.
