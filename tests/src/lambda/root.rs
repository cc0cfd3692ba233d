//! [`Root`]: a file system root with only what Lambda's base image has.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use super::glibc;
use super::language::Language;

/// A root on disk, shared by the runtimes with one glibc, and the language's files for it.
#[derive(Debug)]
pub(crate) struct Root {
    root: PathBuf,
    language: PathBuf,
    way: Way,
}

/// How the root is entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As root, whose rights are given up before the interpreter starts.
    Root,
    /// In a user namespace of one's own.
    UserNamespace,
}

/// The base image's libraries that a layer's files may ask for (Amazon Linux 2023 minimal, and what
/// its packages bring; libgomp, libGL, libexpat, libcrypt and the like are not there).
pub(crate) const LIBRARIES: &[&str] = &[
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
    "libresolv.so.2",
    "libnss_files.so.2",
    "libnss_dns.so.2",
    "libanl.so.1",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libz.so.1",
    "libbz2.so.1.0",
    "liblzma.so.5",
    "libzstd.so.1",
    "liblz4.so.1",
    "libssl.so.3",
    "libcrypto.so.3",
    "libxml2.so.2",
    "libsqlite3.so.0",
    "libffi.so.8",
    "libpcre2-8.so.0",
    "libglib-2.0.so.0",
    "libgmp.so.10",
    "libuuid.so.1",
    "libreadline.so.8",
    "libncursesw.so.6",
    "libtinfo.so.6",
];

/// Tests run side by side, and the root is made once.
static PREPARING: Mutex<()> = Mutex::new(());

impl Root {
    /// Makes the root for a language below `folder`, or takes the one that is there.
    ///
    /// # Errors
    ///
    /// A sentence that says what this machine lacks for it.
    pub(crate) fn prepare(language: &Language, folder: &Path) -> Result<Self, String> {
        let _alone = PREPARING.lock().unwrap_or_else(PoisonError::into_inner);
        let way = way()?;
        let libraries = machine_libraries()?;
        let ceiling = language.ceiling();
        let root = folder.join(format!("lambda-glibc-2.{ceiling}"));
        let lang = folder.join(format!("lambda-{}", language.name()));
        made_once(&root, |root| make_root(root, &libraries, ceiling))?;
        made_once(&lang, |folder| language.lay_out(folder, ceiling))?;
        let root = Self {
            root,
            language: lang,
            way,
        };
        root.try_out(language)?;
        Ok(root)
    }

    /// Runs the function's file in `task` with the layer in `opt`.
    pub(crate) fn run(&self, language: &Language, opt: &Path, task: &Path, file: &str) -> Output {
        let mount = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new("unshare");
        command.args(["--mount", "--net", "--pid", "--fork", "--kill-child"]);
        if self.way == Way::UserNamespace {
            command.arg("--map-root-user");
        }
        command
            .args(["sh", "-c", &self.script(language), "sh", &language.place()])
            .args(language.arguments(Path::new("/opt"), &Path::new("/var/task").join(file)))
            .env("ROOT", &self.root)
            .env("LANGUAGE", &self.language)
            .env("OPT", opt)
            .env("TASK", task)
            .env("M", mount.path());
        if let Some((library, name)) = language.library() {
            command.env("LIBRARY", library).env("NAME", name);
        }
        command.output().expect("`unshare` was there a moment ago")
    }

    /// The shell commands that put the root together in namespaces of their own and enter it. What
    /// differs comes in as variables and arguments, so that no path is ever read as shell.
    fn script(&self, language: &Language) -> String {
        let user = match self.way {
            // The user and group that Lambda runs functions as.
            Way::Root => "--userspec=993:990",
            Way::UserNamespace => "",
        };
        let runtime = language.runtime();
        let variables = language.variables("/opt").into_iter();
        let variables: Vec<_> = variables
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let variables = variables.join(" ");
        format!(
            r#"set -e
CHROOT=$(command -v chroot)
mount --make-rprivate /
mount --bind "$ROOT" "$M"
mount --bind "$LANGUAGE" "$M/var/lang"
if [ -n "${{LIBRARY-}}" ]; then
  mount --bind "$LIBRARY" "$M/var/lang/lib/$NAME"
  mount --bind "$LANGUAGE/dynload" "$M/var/lang/lib/$NAME/lib-dynload"
  for packages in site-packages dist-packages; do
    [ ! -d "$M/var/lang/lib/$NAME/$packages" ] ||
      mount -t tmpfs none "$M/var/lang/lib/$NAME/$packages"
  done
fi
mount --bind "$OPT" "$M/opt"
mount -o remount,bind,ro "$M/opt"
mount --bind "$TASK" "$M/var/task"
mount --rbind /dev "$M/dev"
mount -t tmpfs -o mode=1777 none "$M/tmp"
mount -t proc none "$M/proc" || true
exec env -i LANG=en_US.UTF-8 TZ=:UTC HOME=/tmp AWS_EXECUTION_ENV=AWS_Lambda_{runtime}   LAMBDA_TASK_ROOT=/var/task AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1   PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin   LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib   {variables} "$CHROOT" {user} "$M" "$@"
"#
        )
    }

    /// Enters the root once with nothing in it: better to hear now that this machine forbids it.
    fn try_out(&self, language: &Language) -> Result<(), String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let path = folder.path();
        for name in ["opt", "task"] {
            fs::create_dir(path.join(name)).map_err(|error| error.to_string())?;
        }
        let file = language.function(false);
        fs::write(path.join("task").join(file), language.try_out())
            .map_err(|error| error.to_string())?;
        let output = self.run(language, &path.join("opt"), &path.join("task"), file);
        if output.status.success() {
            return Ok(());
        }
        let complaint = String::from_utf8_lossy(&output.stderr);
        let last = complaint.lines().last().unwrap_or("no reason given");
        Err(format!("it cannot be entered: {last}"))
    }
}

/// How namespaces can be made here.
fn way() -> Result<Way, String> {
    let enters = |arguments: &[&str]| {
        Command::new("unshare")
            .args(arguments)
            .args(["--mount", "--net", "--pid", "--fork", "true"])
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if cfg!(not(all(target_os = "linux", target_env = "gnu"))) {
        Err("it needs Linux with glibc".to_owned())
    } else if enters(&[]) {
        Ok(Way::Root)
    } else if enters(&["--map-root-user"]) {
        Ok(Way::UserNamespace)
    } else {
        Err("`unshare` is missing, or this user may make no namespaces".to_owned())
    }
}

/// The machine's libraries by name, as its loader knows them.
fn machine_libraries() -> Result<BTreeMap<String, PathBuf>, String> {
    let output = ["ldconfig", "/sbin/ldconfig", "/usr/sbin/ldconfig"]
        .iter()
        .find_map(|program| Command::new(program).arg("-p").output().ok())
        .ok_or("`ldconfig` is missing")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut libraries = BTreeMap::new();
    for line in text.lines() {
        // `	libz.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libz.so.1`
        if let Some((name, path)) = line.split_once(" => ")
            && let Some((name, kind)) = name.trim().split_once(' ')
            && kind.contains("64")
        {
            libraries
                .entry(name.to_owned())
                .or_insert_with(|| PathBuf::from(path.trim()));
        }
    }
    Ok(libraries)
}

/// Makes a folder whole or not at all.
fn made_once(folder: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), String> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().expect("a folder below the test's own");
    let made = fs::create_dir_all(parent).and_then(|()| {
        let temporary = tempfile::Builder::new()
            .prefix("making-")
            .tempdir_in(parent)?;
        // Lambda's user walks through it.
        set_mode(temporary.path(), 0o755)?;
        make(temporary.path())?;
        fs::rename(temporary.keep(), folder)
    });
    match made {
        Ok(()) => Ok(()),
        // Another process was quicker.
        Err(_) if folder.is_dir() => Ok(()),
        Err(error) => Err(format!("its files cannot be laid out: {error}")),
    }
}

fn make_root(root: &Path, machine: &BTreeMap<String, PathBuf>, ceiling: u32) -> io::Result<()> {
    for folder in [
        "lib",
        "lib64",
        "usr/lib64",
        "proc",
        "dev",
        "tmp",
        "opt",
        "etc",
        "var/task",
        "var/lang",
        "var/runtime",
    ] {
        fs::create_dir_all(root.join(folder))?;
    }
    for name in LIBRARIES {
        if let Some(path) = machine.get(*name) {
            glibc::copy_below(path, &root.join("lib64").join(name), ceiling)?;
        }
    }
    let (name, folder) = if cfg!(target_arch = "aarch64") {
        ("ld-linux-aarch64.so.1", "lib")
    } else {
        ("ld-linux-x86-64.so.2", "lib64")
    };
    let loader = machine
        .get(name)
        .cloned()
        .unwrap_or_else(|| Path::new("/").join(folder).join(name));
    glibc::copy_below(&loader, &root.join(folder).join(name), ceiling)?;
    fs::write(
        root.join("etc/passwd"),
        "sbx_user1051:x:993:990::/tmp:/sbin/nologin\n",
    )
}

fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
    Ok(())
}
