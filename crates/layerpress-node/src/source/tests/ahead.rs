//! What is asked for ahead of the tree, and what is not.

use super::*;
use crate::manifest::Manifest;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_looked_ahead_at_below_a_peer_that_the_project_has_itself() {
    let bed = Bed::new(r#"{"dependencies": {"a": "^1", "p": "^1"}}"#);
    bed.server
        .package("a", &[("1.0.0", r#""peerDependencies": {"p": ">=1"}"#)]);
    bed.server.package(
        "p",
        &[("1.0.0", ""), ("2.0.0", r#""dependencies": {"q": "*"}"#)],
    );
    bed.server.package("q", &[("1.0.0", "")]);
    let tree = "node_modules/a 1.0.0\nnode_modules/p 1.0.0\n";
    assert_eq!(bed.shown().await, tree);
    assert_eq!(bed.server.asked(), ["/a", "/p"]);
}

/// A registry with one version, whose document says more than an abbreviated packument does.
struct Pinned {
    bed: Bed,
    desk: Desk,
}

impl Pinned {
    fn new(time: &str) -> Self {
        let bed = Bed::new("{}");
        let version =
            r#""name": "p", "version": "1.0.0", "dist": {"tarball": "https://t.example/p.tgz"}"#;
        let license = match time {
            "" => "",
            _ => r#", "license": "MIT""#,
        };
        let whole =
            format!(r#"{{"name": "p", {time} "versions": {{"1.0.0": {{{version}{license}}}}}}}"#);
        bed.server.put("/p", ok(whole));
        let document = format!(r#"{{{version}, "license": "MIT"}}"#);
        bed.server.put("/p/1.0.0", ok(document));
        let client = client(bed.cache.path(), ClientOptions::default());
        let registry = Registry::new(options(&bed.server), client);
        let node = Version::strict("22.11.0").expect("a version");
        let desk = Desk::new(bed.folder.path(), registry, node);
        Self { bed, desk }
    }

    async fn answer(&self, text: &str) -> Arc<Manifest> {
        let Ok(Spec::Registry(wanted)) = Spec::parse("p", text) else {
            panic!("{text} is of a registry");
        };
        let name = PackageName::parse("p").expect("a name");
        let answer = self.desk.ahead.answer(&name, &wanted).await;
        answer.expect("an answer")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_needs_no_document_where_the_whole_packument_was_asked_for() {
    let pinned = Pinned::new(r#""time": {"1.0.0": "2020-01-01T00:00:00.000Z"},"#);
    let range = pinned.answer("^1").await;
    assert_eq!(pinned.answer("1.0.0").await, range);
    assert_eq!(pinned.bed.server.asked(), ["/p"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_gets_its_document_whichever_question_came_first() {
    for order in [["^1", "1.0.0"], ["1.0.0", "^1"]] {
        let pinned = Pinned::new("");
        for text in order {
            let license = pinned.answer(text).await.extra.license.clone();
            let expected = (text == "1.0.0").then_some(r#""MIT""#);
            assert_eq!(license.as_deref(), expected, "{text} of {order:?}");
        }
        assert_eq!(pinned.bed.server.asked(), ["/p", "/p/1.0.0 full"]);
    }
}
