//! What a layer must hold to for Lambda to load it
