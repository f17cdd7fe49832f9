//! Running other programs, with their command line in every error.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs to the end; a failure is an error that names the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("starting {shown}"))?;
    if !status.success() {
        bail!("{shown} ended with {status}");
    }
    Ok(())
}

/// Runs to the end and gives what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = format!("{command:?}");
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("starting {shown}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{shown} ended with {}: {}", output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where cargo puts what it builds for the host.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let text = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    let folder = metadata["target_directory"].as_str();
    folder.map(PathBuf::from).context("cargo metadata names no target_directory")
}

/// Arguments for a program that runs in the root of the checkout: folders and files in them are
/// meant from where the caller stands.
pub(crate) fn from_here(args: &[String]) -> Result<Vec<String>> {
    let here = std::env::current_dir().context("the folder this was called in")?;
    Ok(resolved(&here, args))
}

fn resolved(here: &Path, args: &[String]) -> Vec<String> {
    const PATHS: [&str; 3] = ["--data", "--components", "--home"];
    let absolute = |path: &str| here.join(path).to_string_lossy().into_owned();
    let mut out: Vec<String> = Vec::new();
    for arg in args {
        let after_flag = out.last().is_some_and(|last| PATHS.contains(&last.as_str()));
        let joined = arg.split_once('=').filter(|(flag, _)| PATHS.contains(flag));
        out.push(match joined {
            _ if after_flag => absolute(arg),
            Some((flag, path)) => format!("{flag}={}", absolute(path)),
            None => arg.clone(),
        });
    }
    out
}

/// Runs, its words on the terminal, for as long as `progress` changes at least every `stall`;
/// whether it succeeded.
pub(crate) fn succeeds_while(
    command: &mut Command,
    progress: impl Fn() -> u64,
    stall: Duration,
) -> bool {
    let Ok(mut child) = command.stdin(Stdio::null()).spawn() else {
        return false;
    };
    let (mut last, mut since) = (progress(), Instant::now());
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => std::thread::sleep(Duration::from_millis(100)),
            Err(_) => return false,
        }
        let now = progress();
        if now != last {
            (last, since) = (now, Instant::now());
        } else if since.elapsed() > stall {
            eprintln!("no progress for {} s: giving up", stall.as_secs());
            let _ = child.kill();
            let _ = child.wait();
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_meant_from_where_the_caller_stands() {
        let args = ["--data", "./x", "--json", "--home=../h", "--data", "/a", "--seconds", "3"];
        let args: Vec<String> = args.map(str::to_owned).to_vec();
        let expected = [
            "--data",
            "/here/./x",
            "--json",
            "--home=/here/../h",
            "--data",
            "/a",
            "--seconds",
            "3",
        ];
        assert_eq!(resolved(Path::new("/here"), &args), expected);
    }

    #[test]
    fn a_program_may_take_its_time_while_it_makes_progress() {
        let began = Instant::now();
        let stall = Duration::from_millis(300);
        let moving = || u64::try_from(began.elapsed().as_millis()).unwrap_or(0);
        assert!(succeeds_while(Command::new("sleep").arg("1"), moving, stall));
        assert!(!succeeds_while(Command::new("sleep").arg("60"), || 0, stall));
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}
