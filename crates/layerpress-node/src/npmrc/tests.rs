//! Layers, switches, and where tokens go.
