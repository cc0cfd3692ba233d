//! The one address that is asked when nobody names another.

use std::sync::LazyLock;

use url::Url;

/// The Python Package Index, as pip and uv have it.
pub const DEFAULT_INDEX: &str = "https://pypi.org/simple/";

/// [`DEFAULT_INDEX`], parsed.
pub(crate) static DEFAULT_INDEX_URL: LazyLock<Url> =
    LazyLock::new(|| Url::parse(DEFAULT_INDEX).expect("the constant above is a URL"));
