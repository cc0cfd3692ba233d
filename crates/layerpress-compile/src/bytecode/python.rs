//! [`Compiler`]: a Python of this machine that compiles for a runtime.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use layerpress_python::build::Candidates;

use super::BytecodeError;
use super::marshal::canonical;

const SCRIPT: &str = include_str!("compile.py");

/// What an interpreter says first when its bytecode is the wanted one.
const GREETING: &[u8; 4] = b"fits";

/// Magic number, flags and the source's digest (PEP 552), before the code itself.
const HEADER_BYTES: usize = 16;

/// A CPython of one minor version.
#[derive(Debug)]
pub(super) struct Compiler {
    pub(super) program: PathBuf,
    pub(super) version: (u8, u8),
}

/// A module to be compiled.
#[derive(Debug)]
pub(super) struct Module {
    /// What tracebacks call its file.
    pub(super) name: String,
    pub(super) source: Vec<u8>,
}

impl Compiler {
    /// Finds the interpreter.
    ///
    /// # Errors
    /// [`BytecodeError::NoPython`] if no candidate is a CPython of `version`.
    pub(super) fn find(candidates: &Candidates, version: (u8, u8)) -> Result<Self, BytecodeError> {
        let looked_at = candidates.of_version(version);
        let mut compilers = looked_at.iter().map(|program| Self {
            program: program.clone(),
            version,
        });
        let found = compilers.find(|it| it.run(&[]).is_ok());
        found.ok_or(BytecodeError::NoPython { version, looked_at })
    }

    /// The `.pyc` file of each module, unchecked by hash (PEP 552); none of what does not compile.
    ///
    /// # Errors
    /// [`BytecodeError::Compiler`] if the interpreter fails.
    pub(super) fn compile(
        &self,
        modules: &[Module],
    ) -> Result<Vec<Option<Vec<u8>>>, BytecodeError> {
        let failed = |problem: String| BytecodeError::Compiler {
            program: self.program.clone(),
            problem,
        };
        let said = self
            .run(modules)
            .map_err(|error| failed(error.to_string()))?;
        let mut rest = &said[..];
        let files = modules.iter().map(|_| {
            let length = rest.split_off(..4)?;
            let length = u32::from_le_bytes(length.try_into().ok()?);
            let file = rest.split_off(..usize::try_from(length).ok()?)?;
            Some(self.stable(file))
        });
        let files: Option<Vec<_>> = files.collect();
        files.ok_or_else(|| failed("it ended before its work".into()))
    }

    /// The file with its code in the form that is always the same.
    fn stable(&self, file: &[u8]) -> Option<Vec<u8>> {
        let (header, code) = file.split_at_checked(HEADER_BYTES)?;
        Some([header, &canonical(code, self.version)?].concat())
    }

    /// Lets the interpreter compile, and gives what it says after its greeting.
    fn run(&self, modules: &[Module]) -> io::Result<Vec<u8>> {
        let mut child = command(&self.program, self.version)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut given = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut out = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let said = std::thread::scope(|scope| {
            // What it does not take, it does not answer.
            scope.spawn(move || modules.iter().try_for_each(|it| send(&mut given, it)));
            let mut said = Vec::new();
            out.read_to_end(&mut said).map(|_| said)
        });
        let status = child.wait()?;
        let said = said?;
        match said.split_first_chunk() {
            Some((GREETING, rest)) if status.success() => Ok(rest.to_vec()),
            _ => Err(io::Error::other(status.to_string())),
        }
    }
}

fn send(to: &mut impl io::Write, module: &Module) -> io::Result<()> {
    let too_large = |_| io::Error::from(io::ErrorKind::FileTooLarge);
    for part in [module.name.as_bytes(), &module.source] {
        let length = u32::try_from(part.len()).map_err(too_large)?;
        to.write_all(&length.to_le_bytes())?;
        to.write_all(part)?;
    }
    Ok(())
}

/// An interpreter with nothing of its user's: no variables, no site, no order of sets by chance.
fn command(program: &Path, (major, minor): (u8, u8)) -> Command {
    let mut command = Command::new(program);
    command
        .args(["-s", "-S", "-B", "-W", "ignore", "-X", "utf8", "-c", SCRIPT])
        .arg(format!("{major}.{minor}"))
        .env_clear()
        .env("PYTHONHASHSEED", "0");
    command
}
