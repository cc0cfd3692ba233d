//! [`Services`]: which services of AWS a layer's botocore keeps, by the user's choice.
//!
//! botocore describes each service in a folder of its data, and boto3 those that have resources; neither
//! reads the folder of a service that nobody asks for (`botocore/loaders.py`, `Loader`). What lies beside
//! the folders (`endpoints.json`, `partitions.json`, `_retry.json`, `sdk-default-configuration.json`) is for
//! all of them and stays.

use std::collections::BTreeSet;

/// What credentials may come from, whatever a function asks for: assumed roles and web identities, single
/// sign-on and its tokens, logins (`botocore/credentials.py` and `tokens.py`). 57 kB unzipped.
const FOR_CREDENTIALS: [&str; 4] = ["signin", "sso", "sso-oidc", "sts"];

/// Where services are described, by folder.
const DATA: [&str; 2] = ["botocore/data/", "boto3/data/"];

/// How many names are told of those that may have been meant.
const NEAREST: usize = 3;

/// The services that stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Services {
    named: BTreeSet<String>,
}

impl Services {
    /// The services of these names: those that `boto3.client` takes, as `s3` and `cognito-idp`. Nothing
    /// where there is none among them.
    #[must_use]
    pub fn new(names: &[String]) -> Option<Self> {
        let names = names.iter().map(|name| name.trim().to_ascii_lowercase());
        let named: BTreeSet<String> = names.filter(|name| !name.is_empty()).collect();
        (!named.is_empty()).then_some(Self { named })
    }

    /// As the user types them.
    pub(super) fn shown(&self) -> String {
        let names: Vec<&str> = self.named.iter().map(String::as_str).collect();
        format!("--aws-services {}", names.join(","))
    }

    /// Whether a service stays.
    pub(super) fn keep(&self, service: &str) -> bool {
        self.named.contains(service) || FOR_CREDENTIALS.contains(&service)
    }

    /// The first name that is no service of the botocore among `paths`, and those that are most like it;
    /// nothing if there is no botocore.
    pub(super) fn unknown<'a>(
        &self,
        paths: impl Iterator<Item = &'a str>,
    ) -> Option<(&str, Vec<String>)> {
        let described = paths.filter(|path| path.contains(DATA[0]));
        let known: BTreeSet<&str> = described.filter_map(service_of).collect();
        if known.is_empty() {
            return None;
        }
        let unknown = self.named.iter().find(|it| !known.contains(it.as_str()))?;
        let mut nearest: Vec<(usize, &str)> = known
            .iter()
            .map(|name| (distance(unknown, name), *name))
            .filter(|(distance, _)| *distance <= unknown.len() / 2)
            .collect();
        nearest.sort_unstable();
        let nearest = nearest.iter().take(NEAREST);
        Some((
            unknown,
            nearest.map(|(_, name)| (*name).to_owned()).collect(),
        ))
    }
}

/// The service that a file describes, by its path from the layer's root.
pub(super) fn service_of(path: &str) -> Option<&str> {
    let (before, inner) = DATA.iter().find_map(|data| path.split_once(data))?;
    let is_place = matches!(before, "" | "python/") || before.ends_with("/site-packages/");
    inner
        .split_once('/')
        .map(|(service, _)| service)
        .filter(|_| is_place)
}

/// How far what was typed is from a name; a part of it is near.
fn distance(typed: &str, name: &str) -> usize {
    match name.split('-').any(|part| part == typed) {
        true => 1,
        false => strsim::osa_distance(typed, name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(names: &[&str]) -> Services {
        let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
        Services::new(&names).expect("names")
    }

    #[test]
    fn a_service_is_a_folder_of_the_data_where_packages_lie() {
        for (path, service) in [
            (
                "python/botocore/data/ec2/2016-11-15/service-2.json.gz",
                Some("ec2"),
            ),
            (
                "python/lib/python3.13/site-packages/boto3/data/s3/2006-03-01/resources-1.json",
                Some("s3"),
            ),
            (
                "botocore/data/sts/2011-06-15/service-2.json.gz",
                Some("sts"),
            ),
            ("python/botocore/data/endpoints.json", None),
            ("python/botocore/session.py", None),
            (
                "python/vendor/botocore/data/ec2/2016-11-15/service-2.json.gz",
                None,
            ),
        ] {
            assert_eq!(service_of(path), service, "{path}");
        }
    }

    #[test]
    fn what_credentials_come_from_stays_unasked() {
        let services = services(&["S3 ", "dynamodb"]);
        for service in ["s3", "dynamodb", "sts", "sso", "sso-oidc", "signin"] {
            assert!(services.keep(service), "{service}");
        }
        assert!(!services.keep("ec2"));
        assert_eq!(services.shown(), "--aws-services dynamodb,s3");
        assert_eq!(Services::new(&[" ".to_owned()]), None);
    }

    #[test]
    fn a_name_that_botocore_does_not_know_is_told_with_those_like_it() {
        let known = [
            "s3",
            "s3control",
            "cognito-idp",
            "cognito-identity",
            "events",
        ];
        let paths: Vec<String> = known
            .iter()
            .map(|it| format!("python/botocore/data/{it}/1/service-2.json.gz"))
            .collect();
        let unknown = |typed: &str| {
            let services = services(&[typed]);
            let found = services.unknown(paths.iter().map(String::as_str));
            found.map(|(name, nearest)| format!("{name}: {}", nearest.join(" ")))
        };
        assert_eq!(unknown("event").as_deref(), Some("event: events"));
        assert_eq!(
            unknown("cognito").as_deref(),
            Some("cognito: cognito-identity cognito-idp")
        );
        assert_eq!(unknown("s4").as_deref(), Some("s4: s3"));
        assert_eq!(unknown("dynamodb").as_deref(), Some("dynamodb: "));
        assert_eq!(unknown("s3"), None);
        assert_eq!(services(&["s4"]).unknown(std::iter::empty()), None);
    }
}
