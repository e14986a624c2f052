//! Configuration of every process.
