//! Projects resolved against a registry on the loopback address.
