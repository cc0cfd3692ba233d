//! Archives in, layer zip out: strict readers and one deterministic writer
