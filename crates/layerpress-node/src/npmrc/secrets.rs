//! Tokens in npm's settings, and the servers that may see them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use layerpress_fetch::{Credentials, Token};
use url::Url;

use super::{Npmrc, Origin, Setting};

/// As JavaScript's `Buffer` reads base64.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

impl Npmrc {
    /// Hands the tokens to `credentials`, each bound to its place. Gives what to warn of.
    ///
    /// `//HOST/PATH/:_authToken`, `:_auth`, `:username` and `:_password` are taken, in this order.
    #[must_use]
    pub fn add_tokens(&self, credentials: &Credentials) -> Vec<String> {
        let mut warnings = Vec::new();
        let watched = self.may_be_watched();
        let mut withheld = false;
        for (place, keys) in self.places() {
            let Some((setting, token)) = self.token(&keys) else {
                let unsupported = ["certfile", "keyfile"]
                    .iter()
                    .any(|key| keys.contains_key(*key));
                if unsupported {
                    warnings.push(format!(
                        "`{}:certfile`: client certificates are not supported",
                        place.escape_default()
                    ));
                }
                continue;
            };
            if watched && setting.layer.origin != Origin::Project {
                withheld = true;
                continue;
            }
            for scheme in ["https", "http"] {
                let Ok(below) = Url::parse(&format!("{scheme}:{place}")) else {
                    continue;
                };
                if scheme == "https" || self.is_plain(&below, setting.layer.origin) {
                    credentials.add_token(&below, token.clone());
                }
            }
        }
        if withheld {
            warnings.push(
                "the project's `.npmrc` names a proxy and certificates to trust at once: tokens from \
                 other places are not used with it"
                    .to_owned(),
            );
        }
        for key in ["_authToken", "_auth", "_password"] {
            if let Some(setting) = self.setting(key) {
                warnings.push(format!(
                    "{}: `{key}` belongs to no registry and is not used; write `//HOST/PATH/:{key}`",
                    setting.place()
                ));
            }
        }
        warnings
    }

    /// The places that have anything to do with a login, `//host/path/`, and their settings' keys.
    fn places(&self) -> BTreeMap<String, BTreeMap<&'static str, String>> {
        const KEYS: [&str; 6] = [
            "_authToken",
            "_auth",
            "username",
            "_password",
            "certfile",
            "keyfile",
        ];
        let mut places: BTreeMap<String, BTreeMap<&'static str, String>> = BTreeMap::new();
        for (key, _) in self.layers.iter().flat_map(|layer| &layer.settings) {
            let Some((place, name)) = key.rsplit_once(':').filter(|_| key.starts_with("//")) else {
                continue;
            };
            if let Some(known) = KEYS.into_iter().find(|known| *known == name) {
                places
                    .entry(place.to_owned())
                    .or_default()
                    .insert(known, key.clone());
            }
        }
        places
    }

    /// The token for a place, and the setting that decides whose it is.
    fn token<'n>(&'n self, keys: &BTreeMap<&'static str, String>) -> Option<(Setting<'n>, Token)> {
        let set = |name: &str| {
            let key = keys.get(name)?;
            // The key lives as long as the settings: it is one of theirs.
            let (layer, value) = self.layers.iter().find_map(|layer| {
                let (_, value) = layer.settings.iter().rfind(|(known, _)| known == key)?;
                Some((layer, value))
            })?;
            let setting = Setting { value, layer };
            Some((setting, setting.text()?))
        };
        if let Some((setting, token)) = set("_authToken") {
            return Some((setting, Token::Bearer(token.to_owned())));
        }
        if let Some((setting, encoded)) = set("_auth") {
            return Some((setting, Token::Basic(encoded.to_owned())));
        }
        let ((_, user), (setting, password)) = (set("username")?, set("_password")?);
        let mut login = format!("{user}:").into_bytes();
        login.extend(LENIENT.decode(password).ok()?);
        let encoded = general_purpose::STANDARD.encode(login);
        Some((setting, Token::Basic(encoded)))
    }

    /// Whether a token of this origin may go over http to a server: where a setting of the same
    /// origin, or of one that the user controls, names a registry there by http.
    fn is_plain(&self, below: &Url, origin: Origin) -> bool {
        let keys = self
            .scopes()
            .map(|(_, key)| key)
            .chain(["registry".to_owned()]);
        keys.into_iter().any(|key| {
            self.all(&key).any(|setting| {
                let trusted = setting.layer.origin != Origin::Project || origin == Origin::Project;
                trusted
                    && setting
                        .address(&key)
                        .is_ok_and(|registry| registry.origin() == below.origin())
            })
        })
    }

    /// Whether the project's own file sends everything through a server that could read along: a
    /// proxy, and a certificate for it or none needed.
    fn may_be_watched(&self) -> bool {
        let by_project = |key: &str| {
            let setting = self
                .setting(key)
                .filter(|set| set.layer.origin == Origin::Project);
            setting.is_some_and(|set| set.text() != Some("true") || key != "strict-ssl")
        };
        ["proxy", "https-proxy"].into_iter().any(by_project)
            && ["strict-ssl", "ca", "cafile"].into_iter().any(by_project)
    }
}
