//! The Lambda runtimes as data: markers, wheel tags, glibc, limits
