//! [`redacted`]: the only form in which a URL may be shown, logged or put into an error.

use url::Url;

/// The URL without userinfo, query values and fragment.
///
/// User names go as well as passwords (tokens are passed in either place), and so does the query,
/// where storage services put signatures: `https://host/a.whl?...`.
#[must_use]
pub fn redacted(url: &Url) -> String {
    if url.cannot_be_a_base() {
        return format!("{}:...", url.scheme());
    }
    let mut shown = url.clone();
    shown.set_fragment(None);
    let had_query = shown.query().is_some();
    shown.set_query(None);
    without_userinfo(&mut shown);
    let mut text = String::from(shown);
    if had_query {
        text.push_str("?...");
    }
    text
}

/// Takes user name and password out of a URL; those that cannot have any stay as they are.
pub(crate) fn without_userinfo(url: &mut Url) {
    // Both fail only for URLs without a host, which hold no userinfo either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        redacted(&Url::parse(text).expect("a URL"))
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(
            shown("https://user:pass@index.example/simple/a/"),
            "https://index.example/simple/a/"
        );
        assert_eq!(
            shown("https://token@h.example:8443/"),
            "https://h.example:8443/"
        );
        assert_eq!(
            shown("https://h.example/a.whl?sig=abc#sha256=00"),
            "https://h.example/a.whl?..."
        );
        assert_eq!(shown("file:///srv/a.whl"), "file:///srv/a.whl");
        assert_eq!(shown("data:text/plain,secret"), "data:...");
    }

    proptest! {
        #[test]
        fn no_secret_survives(user in "[a-z]{1,5}ZUSERZ", pass in "ZPASSZ[a-z@:/?#%]{0,9}") {
            let mut url = Url::parse("https://h.example/x?token=ZQUERYZ").expect("a URL");
            url.set_username(&user).expect("has a host");
            url.set_password(Some(&pass)).expect("has a host");
            let text = redacted(&url);
            prop_assert!(!text.contains('Z'), "{}", text);
        }
    }
}
