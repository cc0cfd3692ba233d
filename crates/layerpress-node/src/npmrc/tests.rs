//! Layers, switches, and where tokens go.

use std::fmt::Write as _;

use layerpress_fetch::Credentials;

use super::*;
use crate::place::Peers;

const NOW: &str = "2026-06-15T12:00:00Z";

fn npmrc(files: &[(Origin, &str)], variables: &[(&str, &str)]) -> Npmrc {
    let files = files.iter().map(|(origin, text)| NpmrcFile {
        origin: *origin,
        path: PathBuf::from(format!("/{origin:?}/.npmrc").to_lowercase()),
        text: (*text).to_owned(),
    });
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables = variables.iter().map(own).collect();
    Npmrc::new(files, &variables, Some(Path::new("/home/me")))
}

fn options(npmrc: &Npmrc) -> String {
    match npmrc.registry_options(NOW.parse().expect("a time")) {
        Err(error) => {
            let hint = error.hint().unwrap_or_default();
            format!("{error}\nhint: {hint}\n")
        }
        Ok(options) => {
            let mut text = format!("{}\n", options.registry);
            for (scope, url) in options.scopes {
                let _ = writeln!(text, "{scope} {url}");
            }
            if let Some(before) = options.before {
                let _ = writeln!(text, "before {before} but {:?}", options.before_exempt);
            }
            text
        }
    }
}

#[test]
fn the_project_comes_before_the_user_and_the_environment_before_all() {
    let user =
        "registry=https://user.example/npm\n@a:registry=https://a.user.example\n@b:registry=null\n";
    let global = "registry=https://global.example/\n@b:registry=https://b.example/\n";
    let files = [(Origin::Global, global), (Origin::User, user)];
    insta::assert_snapshot!(options(&npmrc(&files, &[])), @r"
    https://user.example/npm/
    @a https://a.user.example/
    ");
    let project = "registry=https://${HOST}/p?\n@a:registry = 'https://a.example/x/'";
    let files = [(Origin::User, user), (Origin::Project, project)];
    insta::assert_snapshot!(options(&npmrc(&files, &[("HOST", "h.example")])), @r"
    https://h.example/p/?
    @a https://a.example/x/
    ");
    let variables = [
        ("NPM_CONFIG_REGISTRY", "https://e.example"),
        ("npm_config_empty", ""),
    ];
    insta::assert_snapshot!(options(&npmrc(&files, &variables)), @r"
    https://e.example/
    @a https://a.example/x/
    ");
}

#[test]
fn a_registry_that_is_none_stops_everything() {
    let shown = |text: &str| options(&npmrc(&[(Origin::Project, text)], &[]));
    let all = [
        shown("registry=htps:/h.example"),
        shown("registry=h.example"),
        shown("@a:registry=https://${UNSET}/"),
        shown("before=soon"),
        shown("min-release-age=x"),
    ];
    insta::assert_snapshot!(all.concat(), @r"
    /project/.npmrc: `registry` is no address of a registry: it is neither `https` nor `http`
    hint: write it in full: `registry=https://HOST/PATH/`
    /project/.npmrc: `registry` is no address of a registry: relative URL without a base
    hint: write it in full: `registry=https://HOST/PATH/`
    /project/.npmrc: `@a:registry` asks for the variable `UNSET`, which is not set
    hint: set the variable; with a `?` behind its name it may be missing
    /project/.npmrc: `before` is no date: `soon`
    hint: write it as `2026-01-31` or `2026-01-31T12:00:00Z`
    /project/.npmrc: `min-release-age` is no number of days: `x`
    hint: write a number of days, such as `7`
    ");
}

#[test]
fn dates_and_ages_follow_their_origin() {
    let shown = |files: &[(Origin, &str)]| {
        let text = options(&npmrc(files, &[]));
        text.lines().nth(1).unwrap_or("none").to_owned()
    };
    let all = [
        shown(&[(Origin::User, "before=2026-01-31")]),
        shown(&[(Origin::User, "before=2026-01-31T10:00:00+02:00")]),
        shown(&[(
            Origin::User,
            "min-release-age=7\nmin-release-age-exclude[]=@my/*",
        )]),
        shown(&[(Origin::User, "min-release-age=7\nbefore=2026-01-31")]),
        shown(&[
            (Origin::User, "before=2026-01-31"),
            (Origin::Project, "min-release-age=1.5"),
        ]),
        shown(&[
            (Origin::User, "before=2026-01-31"),
            (Origin::Project, "min-release-age=0"),
        ]),
        shown(&[
            (Origin::User, "min-release-age=3"),
            (Origin::Project, "before=null"),
        ]),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    before 2026-01-31T00:00:00Z but []
    before 2026-01-31T08:00:00Z but []
    before 2026-06-08T12:00:00Z but ["@my/*"]
    before 2026-01-31T00:00:00Z but []
    before 2026-06-14T00:00:00Z but []
    none
    none
    "#);
}

#[test]
fn switches_and_what_is_left_out() {
    let read = |text: &str| npmrc(&[(Origin::User, text)], &[]);
    assert_eq!(read("engine-strict").switch("engine-strict"), Some(true));
    assert_eq!(
        read("engine-strict=false").switch("engine-strict"),
        Some(false)
    );
    assert_eq!(read("engine-strict=maybe").switch("engine-strict"), None);
    assert_eq!(read("").peers(), Peers::Installed);
    assert_eq!(read("strict-peer-deps=true").peers(), Peers::Strict);
    assert_eq!(
        read("legacy-peer-deps\nstrict-peer-deps").peers(),
        Peers::Left
    );
    let omitted = |text: &str| {
        let omitted = read(text).omitted();
        omitted.map(|kinds| {
            kinds
                .into_iter()
                .map(|kind| format!("{kind:?}"))
                .collect::<Vec<_>>()
                .join(" ")
        })
    };
    assert_eq!(omitted(""), None);
    assert_eq!(omitted("omit=dev").as_deref(), Some("Dev"));
    assert_eq!(
        omitted("omit[]=dev\nomit[]=peer").as_deref(),
        Some("Dev Peer")
    );
    assert_eq!(
        omitted("omit[]=dev\nomit[]=peer\ninclude=dev").as_deref(),
        Some("Peer")
    );
    assert_eq!(omitted("only=production").as_deref(), Some("Dev"));
    assert_eq!(omitted("optional=false").as_deref(), Some("Optional"));
    assert_eq!(omitted("include=dev").as_deref(), Some(""));
}

#[test]
fn proxies_certificates_and_unchecked_hosts() {
    let read = |text: &str| npmrc(&[(Origin::Project, text)], &[]);
    let proxies = read("proxy=http://p.example:3128\nnoproxy=a.example, .b.example").proxies();
    assert_eq!(proxies.address.as_deref(), Some("http://p.example:3128"));
    assert_eq!(proxies.without, ["a.example", ".b.example"]);
    let proxies = read("https-proxy=http://s.example\nproxy=false").proxies();
    assert_eq!(proxies.address.as_deref(), Some("http://s.example"));
    assert_eq!(read("").proxies(), Proxies::default());

    let certificates = read("ca[]=\"A\\nB\"\nca[]=C")
        .certificates()
        .expect("no file");
    assert_eq!(certificates, [b"A\nB".to_vec(), b"C".to_vec()]);
    assert!(
        read("ca=null\ncafile=missing.pem")
            .certificates()
            .expect("passed over")
            .is_empty()
    );

    let hosts =
        read("strict-ssl=false\nregistry=https://r.example/\n@a:registry=https://a.example:8443/x");
    assert_eq!(hosts.trusted_hosts(), ["a.example:8443", "r.example:443"]);
    assert!(
        read("registry=https://r.example/")
            .trusted_hosts()
            .is_empty()
    );
}

/// What a client would send where, and the warnings.
fn sent(npmrc: &Npmrc, urls: &[&str]) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let credentials = Credentials::new();
    let mut text = String::new();
    for warning in npmrc.add_tokens(&credentials) {
        let _ = writeln!(text, "warning: {warning}");
    }
    for url in urls {
        let read = Url::parse(url).expect("a URL");
        let header = runtime.block_on(credentials.authorization(&read));
        let _ = writeln!(text, "{url} {}", header.as_deref().unwrap_or("nothing"));
    }
    text
}

#[test]
fn tokens_are_bound_to_their_place() {
    let text = "//r.example/:_authToken=${TOKEN}\n//r.example/deep/:_auth=dTpw\n\
                //b.example:8443/npm/:username=me\n//b.example:8443/npm/:_password=c2VjcmV0\n\
                //half.example/:username=me\n_authToken=loose\n//c.example/:certfile=a.pem\n";
    let npmrc = npmrc(&[(Origin::User, text)], &[("TOKEN", "t0ken")]);
    insta::assert_snapshot!(sent(&npmrc, &[
        "https://r.example/a",
        "https://r.example/deep/a/-/a-1.tgz",
        "https://r.example/deeper/a",
        "http://r.example/a",
        "https://r.example:444/a",
        "https://b.example:8443/npm/a",
        "https://b.example/npm/a",
        "https://half.example/a",
    ]), @r"
    warning: `//c.example/:certfile`: client certificates are not supported
    warning: /user/.npmrc: `_authToken` belongs to no registry and is not used; write `//HOST/PATH/:_authToken`
    https://r.example/a Bearer t0ken
    https://r.example/deep/a/-/a-1.tgz Basic dTpw
    https://r.example/deeper/a Bearer t0ken
    http://r.example/a nothing
    https://r.example:444/a nothing
    https://b.example:8443/npm/a Basic bWU6c2VjcmV0
    https://b.example/npm/a nothing
    https://half.example/a nothing
    ");
}

#[test]
fn a_project_does_not_lead_the_users_token_elsewhere() {
    let user = "//r.example/:_authToken=hush\n";
    let other = [
        (Origin::User, user),
        (Origin::Project, "registry=https://evil.example/"),
    ];
    assert_eq!(
        sent(&npmrc(&other, &[]), &["https://evil.example/a"]),
        "https://evil.example/a nothing\n"
    );

    // Unencrypted only where the user says so.
    let plain = "http://r.example/a";
    let project = [
        (Origin::User, user),
        (Origin::Project, "registry=http://r.example/"),
    ];
    assert_eq!(
        sent(&npmrc(&project, &[]), &[plain]),
        format!("{plain} nothing\n")
    );
    let own = format!("{user}registry=http://r.example/");
    assert_eq!(
        sent(&npmrc(&[(Origin::User, &own)], &[]), &[plain]),
        format!("{plain} Bearer hush\n")
    );
    let both = "//r.example/:_authToken=mine\nregistry=http://r.example/";
    assert_eq!(
        sent(&npmrc(&[(Origin::Project, both)], &[]), &[plain]),
        format!("{plain} Bearer mine\n")
    );

    // Through a proxy of the project's that could read along.
    let watched = "proxy=http://evil.example\nstrict-ssl=false\n//own.example/:_authToken=mine";
    let watched = npmrc(&[(Origin::User, user), (Origin::Project, watched)], &[]);
    insta::assert_snapshot!(sent(&watched, &["https://r.example/a", "https://own.example/a"]), @r"
    warning: the project's `.npmrc` names a proxy and certificates to trust at once: tokens from other places are not used with it
    https://r.example/a nothing
    https://own.example/a Bearer mine
    ");
    let proxy = npmrc(
        &[
            (Origin::User, user),
            (Origin::Project, "proxy=http://p.example"),
        ],
        &[],
    );
    assert!(sent(&proxy, &["https://r.example/a"]).ends_with("Bearer hush\n"));
}

#[test]
fn nothing_secret_is_printed() {
    let npmrc = npmrc(
        &[(
            Origin::User,
            "//r.example/:_authToken=hush\nproxy=http://u:hush@p/",
        )],
        &[],
    );
    let shown = format!("{npmrc:?} {:?}", npmrc.proxies());
    assert!(!shown.contains("hush"), "{shown}");
}

#[test]
fn files_are_found_where_npm_looks() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let (project, home, prefix) = (root.join("project"), root.join("home"), root.join("node"));
    for below in [
        &project,
        &home,
        &prefix.join("bin"),
        &prefix.join("etc"),
        &root.join("other/etc"),
    ] {
        fs::create_dir_all(below).expect("writable");
    }
    let write = |path: &str, text: &str| fs::write(root.join(path), text).expect("writable");
    write("project/.npmrc", "@p:registry=https://p.example\n");
    write(
        "home/.npmrc",
        "@u:registry=https://u.example\nregistry=https://u.example\n",
    );
    write("node/bin/node", "");
    write(
        "node/etc/npmrc",
        "@g:registry=https://g.example\nregistry=https://g.example\n",
    );
    write("other/etc/npmrc", "@o:registry=https://o.example\n");
    write("mine", "@m:registry=https://m.example\n");
    let path = format!(
        "{}:{}",
        root.join("none").display(),
        prefix.join("bin").display()
    );
    let found = |variables: &[(&str, &str)], project: &Path| {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut variables: BTreeMap<String, String> = variables.iter().map(own).collect();
        variables.insert("PATH".to_owned(), path.clone());
        let around = Surroundings {
            project,
            home: Some(&home),
            variables: &variables,
        };
        let npmrc = Npmrc::load(&around).expect("readable");
        npmrc
            .scopes()
            .map(|(scope, _)| scope)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(found(&[], &project), "@g @p @u");
    // A project in the home folder has no file of its own.
    assert_eq!(found(&[], &home), "@g @u");
    let mine = root.join("mine").display().to_string();
    assert_eq!(
        found(&[("NPM_CONFIG_USERCONFIG", &mine)], &project),
        "@g @m @p"
    );
    let other = root.join("other").display().to_string();
    assert_eq!(
        found(&[("npm_config_prefix", &other)], &project),
        "@o @p @u"
    );
    assert_eq!(
        found(&[("npm_config_globalconfig", &mine)], &project),
        "@m @p @u"
    );
    write("home/.npmrc", &format!("prefix={other}"));
    assert_eq!(found(&[], &project), "@o @p");
}
