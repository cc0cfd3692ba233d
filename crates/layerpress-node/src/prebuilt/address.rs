//! From a package.json to the address of a tarball.

use layerpress_target::Target;
use url::Url;

use super::template::expanded;
use super::{NoPrebuilt, Prebuilt, Unpacked};
use crate::json::Json;
use crate::semver::Version;

/// The tools whose ways are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    /// prebuild-install, with what its command line says.
    PrebuildInstall(Said),
    /// node-pre-gyp.
    PreGyp,
}

/// What the command line of prebuild-install says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    runtime: Option<String>,
    target: Option<String>,
    tag_prefix: Option<String>,
    download: Option<String>,
}

/// The tool that a script runs.
pub(super) fn tool(script: &str) -> Option<Tool> {
    script.split(['&', '|', ';', '(', ')']).find_map(|command| {
        let mut words = command
            .split_whitespace()
            .map(|word| word.trim_matches(['"', '\'']));
        let named = words.find_map(|word| match word.rsplit('/').next().unwrap_or(word) {
            "prebuild-install" => Some(true),
            "node-pre-gyp" => Some(false),
            _ => None,
        })?;
        Some(match named {
            true => Tool::PrebuildInstall(said(words)),
            false => Tool::PreGyp,
        })
    })
}

/// The options of prebuild-install (`rc.js`): `-r napi`, `--runtime napi` and `--runtime=napi`.
fn said<'w>(mut words: impl Iterator<Item = &'w str>) -> Said {
    let mut said = Said::default();
    while let Some(word) = words.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (word, None),
        };
        let place = match option {
            "-r" | "--runtime" => &mut said.runtime,
            "-t" | "--target" => &mut said.target,
            "--tag-prefix" => &mut said.tag_prefix,
            "-d" | "--download" => &mut said.download,
            _ => continue,
        };
        *place = value.or_else(|| words.next()).map(str::to_owned);
    }
    said
}

pub(super) fn address(
    json: &Json<'_>,
    target: Target,
    host: Option<&str>,
) -> Result<Prebuilt, NoPrebuilt> {
    let scripts = ["preinstall", "install", "postinstall"];
    let found = scripts
        .iter()
        .filter_map(|name| json.get("scripts").get(name).text())
        .find_map(tool);
    let binary = json.get("binary");
    match found {
        Some(Tool::PrebuildInstall(said)) => prebuild_install(json, &said, target, host),
        Some(Tool::PreGyp) => pre_gyp(json, target, host),
        // Some call node-pre-gyp from a program of their own.
        None if binary.get("module_path").text().is_some() => pre_gyp(json, target, host),
        None => Err(NoPrebuilt::OtherScript),
    }
}

fn prebuild_install(
    json: &Json<'_>,
    said: &Said,
    target: Target,
    host: Option<&str>,
) -> Result<Prebuilt, NoPrebuilt> {
    let configured = |key| plain(json.get("config").get(key));
    let runtime = said.runtime.clone().or_else(|| configured("runtime"));
    let runtime = runtime.unwrap_or_else(|| "node".to_owned());
    let abi = match runtime.as_str() {
        "napi" => {
            let fixed = said.target.clone().or_else(|| configured("target"));
            match fixed {
                Some(fixed) => fixed,
                None => node_api(json, target)?.ok_or_else(|| no_node_api("", target))?,
            }
        }
        _ => module_version(target),
    };
    let (name, version) = identity(json);
    let prefix = said.tag_prefix.as_deref().unwrap_or("v");
    let numbers = numbers(&version);
    let module = json.get("binary").get("module_name").text().unwrap_or("");
    let values = [
        ("name", name.as_str()),
        ("package_name", &name),
        ("version", &version),
        ("major", &numbers[0]),
        ("minor", &numbers[1]),
        ("patch", &numbers[2]),
        ("abi", &abi),
        ("node_abi", &module_version(target)),
        ("runtime", &runtime),
        ("platform", "linux"),
        ("arch", target.arch.npm_cpu()),
        // prebuild-install has a word for musl alone.
        ("libc", ""),
        ("configuration", "Release"),
        ("module_name", module),
        ("tag_prefix", prefix),
    ];
    let usual = "{name}-v{version}-{runtime}-v{abi}-{platform}{libc}-{arch}.tar.gz";
    let binary = json.get("binary");
    let template = if let Some(download) = &said.download {
        download.clone()
    } else if let Some(host) = host {
        format!(
            "{}/{{tag_prefix}}{{version}}/{usual}",
            host.trim_end_matches('/')
        )
    } else if let Some(host) = binary.get("host").text() {
        let file = binary.get("package_name").text().unwrap_or(usual);
        let parts = [host, binary.get("remote_path").text().unwrap_or(""), file];
        let parts: Vec<&str> = parts
            .iter()
            .map(|part| part.trim_matches('/'))
            .filter(|part| !part.is_empty())
            .collect();
        parts.join("/")
    } else {
        let repository = github(json).ok_or(NoPrebuilt::NoHost)?;
        format!("{repository}/releases/download/{{tag_prefix}}{{version}}/{usual}")
    };
    Ok(Prebuilt {
        url: url(&expanded(&template, &values))?,
        unpacked: Unpacked::AsIs,
    })
}

fn pre_gyp(json: &Json<'_>, target: Target, host: Option<&str>) -> Result<Prebuilt, NoPrebuilt> {
    let binary = json.get("binary");
    let field = |key| binary.get(key).text();
    let host = host.or_else(|| field("host")).ok_or(NoPrebuilt::NoHost)?;
    let (name, version) = identity(json);
    let numbers = numbers(&version);
    let node_api = node_api(json, target)?;
    let abi = format!("node-v{}", module_version(target));
    let label = match &node_api {
        Some(number) => format!("napi-v{number}"),
        None => abi.clone(),
    };
    let values = [
        ("name", name.as_str()),
        ("module_name", field("module_name").unwrap_or(&name)),
        ("version", &version),
        ("major", &numbers[0]),
        ("minor", &numbers[1]),
        ("patch", &numbers[2]),
        ("configuration", "Release"),
        ("runtime", "node"),
        ("node_abi", &abi),
        (
            "node_abi_napi",
            if node_api.is_some() { "napi" } else { &abi },
        ),
        ("napi_build_version", node_api.as_deref().unwrap_or("")),
        ("node_napi_label", &label),
        ("platform", "linux"),
        ("target_platform", "linux"),
        ("arch", target.arch.npm_cpu()),
        ("target_arch", target.arch.npm_cpu()),
        ("libc", "glibc"),
        ("target_libc", "glibc"),
        ("toolset", ""),
    ];
    let usual = "{module_name}-v{version}-{node_abi}-{platform}-{arch}.tar.gz";
    let with_slash = |text: &str| match text.is_empty() || text.ends_with('/') {
        true => text.to_owned(),
        false => format!("{text}/"),
    };
    let host = with_slash(&expanded(host, &values));
    let folder = with_slash(&expanded(field("remote_path").unwrap_or(""), &values));
    let file = expanded(field("package_name").unwrap_or(usual), &values);
    let folder = folder.replace("//", "/");
    let joined = url(&host)?
        .join(&folder)
        .and_then(|folder| folder.join(&file))
        .map_err(|_| NoPrebuilt::Address {
            text: format!("{host}{folder}{file}"),
        })?;
    let path = expanded(field("module_path").unwrap_or(""), &values);
    let path: Vec<&str> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    Ok(Prebuilt {
        url: url(joined.as_str())?,
        unpacked: Unpacked::Into(path.join("/")),
    })
}

/// Name without scope, and version.
fn identity(json: &Json<'_>) -> (String, String) {
    let name = json.get("name").text().unwrap_or("");
    let name = name.rsplit('/').next().unwrap_or(name);
    (
        name.to_owned(),
        json.get("version").text().unwrap_or("").to_owned(),
    )
}

fn numbers(version: &str) -> [String; 3] {
    let read = Version::loose(version);
    let text = read.map(|version| version.to_string()).unwrap_or_default();
    let plain = text.split('-').next().unwrap_or("");
    let mut parts = plain.split('.').map(str::to_owned);
    [(); 3].map(|()| parts.next().unwrap_or_default())
}

/// The number of the binary interface of the target's Node.js.
fn module_version(target: Target) -> String {
    let number = target.runtime.node_module_version();
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// The highest version of Node-API that the package was built for and the target has; `None` if it was
/// not built against Node-API.
fn node_api(json: &Json<'_>, target: Target) -> Result<Option<String>, NoPrebuilt> {
    let Json::List(offered) = json.get("binary").get("napi_versions") else {
        return Ok(None);
    };
    let offered: Vec<u16> = offered
        .iter()
        .filter_map(|number| plain(number)?.parse().ok())
        .collect();
    let best = offered
        .iter()
        .filter(|it| **it <= newest_node_api(target))
        .max();
    let told: Vec<String> = offered.iter().map(u16::to_string).collect();
    match best {
        Some(best) => Ok(Some(best.to_string())),
        None => Err(no_node_api(&told.join(", "), target)),
    }
}

fn no_node_api(offered: &str, target: Target) -> NoPrebuilt {
    NoPrebuilt::NodeApi {
        offered: offered.to_owned(),
        target,
    }
}

/// The newest version of Node-API that the target has (Node.js documentation, "Node-API version
/// matrix": 8 from 12.22 on, 9 from 18.17 on, 10 from 22.14 on).
fn newest_node_api(target: Target) -> u16 {
    match target.runtime.version().0 {
        ..18 => 8,
        18..22 => 9,
        _ => 10,
    }
}

/// A text or a number.
fn plain(json: &Json<'_>) -> Option<String> {
    match json {
        Json::Text(text) => Some(text.to_string()),
        Json::Number(number) => Some(number.clone()),
        _ => None,
    }
}

/// The address of the package's repository, if it is on GitHub (`github-from-package`).
fn github(json: &Json<'_>) -> Option<String> {
    let repository = json.get("repository");
    let text = repository.text().or_else(|| repository.get("url").text())?;
    let path = match text.split_once("github.com") {
        Some((_, path)) => path.trim_start_matches([':', '/']),
        None => text.strip_prefix("github:").unwrap_or(text),
    };
    let mut parts = path.split('/');
    let (owner, name) = (parts.next()?, parts.next()?);
    let name = name.split(['#', '?']).next().unwrap_or(name);
    let name = name.strip_suffix(".git").unwrap_or(name);
    let is_plain = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && !part.starts_with('.')
    };
    (is_plain(owner) && is_plain(name)).then(|| format!("https://github.com/{owner}/{name}"))
}

fn url(text: &str) -> Result<Url, NoPrebuilt> {
    let read = Url::parse(text).ok();
    let web = |url: &Url| matches!(url.scheme(), "http" | "https");
    read.filter(web).ok_or_else(|| NoPrebuilt::Address {
        text: text.to_owned(),
    })
}
