//! Python: requirements, indexes, metadata, resolution, wheels into trees
