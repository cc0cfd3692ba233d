//! Asking registries, against a server on the loopback address.
