//! The compiler for strategies: wasm32-unknown-unknown, found or made.
//!
//! In this order: the target in the active toolchain; `rustup target add`; a cached fallback;
//! building that fallback from Debian's Rust packages, which works where rustup cannot fetch
//! targets. The cache is outside the checkout and keyed by the package version.
//! docs/guest-toolchain.md has more.

use crate::command::{output, run, succeeds_while};
use anyhow::{Context, Result, bail};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

const HELP: &str = "\
no compiler for wasm32-unknown-unknown was found, and none could be made. Do one of these:
  - with rustup and a network:   rustup target add wasm32-unknown-unknown
  - on Debian or Ubuntu:         make sure `apt-get download rustc-web` works, then run this again
  - otherwise: install a Rust toolchain whose standard library includes wasm32-unknown-unknown";

/// A working guest compiler.
pub(crate) struct Guest {
    /// Which one it is, for people.
    pub(crate) origin: String,
    /// What to set for cargo.
    pub(crate) env: Vec<(&'static str, PathBuf)>,
}

/// Finds a guest compiler, making one if need be. `HEDGEROW_GUEST_TOOLCHAIN=fallback` skips the
/// first two ways, to prove the others on a machine that does not need them.
pub(crate) fn find() -> Result<Guest> {
    if std::env::var_os("HEDGEROW_GUEST_TOOLCHAIN").is_some_and(|way| way == "fallback") {
        return find_fallback();
    }
    if target_present() {
        return Ok(Guest { origin: format!("{TARGET} of the active toolchain"), env: vec![] });
    }
    if added_by_rustup() && target_present() {
        return Ok(Guest { origin: format!("{TARGET} added by rustup"), env: vec![] });
    }
    find_fallback()
}

/// Without a network rustup tries for minutes: whether it can connect is found out first. From then
/// on a slow line has all the time it needs, as long as something comes.
fn added_by_rustup() -> bool {
    if !can_connect() {
        eprintln!("rustup's server cannot be reached from here");
        return false;
    }
    eprintln!("rustup target add {TARGET}");
    let mut add = Command::new("rustup");
    add.args(["target", "add", TARGET]);
    let home = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".rustup")));
    let folders = home.map(|home| [home.join("downloads"), home.join("tmp")]);
    let progress = || folders.iter().flatten().map(|folder| bytes_in(folder)).sum();
    succeeds_while(&mut add, progress, Duration::from_secs(120))
}

fn bytes_in(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum()
}

/// Whether rustup's server answers, or a proxy is to be asked, which alone can tell.
fn can_connect() -> bool {
    let proxies = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    if proxies.iter().any(|name| std::env::var_os(name).is_some_and(|proxy| !proxy.is_empty())) {
        return true;
    }
    let server = std::env::var("RUSTUP_DIST_SERVER").unwrap_or_default();
    let (scheme, rest) = server.split_once("://").unwrap_or(("https", &server));
    let host = rest.split('/').next().filter(|host| !host.is_empty());
    let host = host.unwrap_or("static.rust-lang.org").to_owned();
    let port = if scheme == "http" { 80 } else { 443 };
    let address = if host.contains(':') { host } else { format!("{host}:{port}") };
    let (told, heard) = std::sync::mpsc::channel();
    // a name may take its time to be resolved
    std::thread::spawn(move || {
        let all = address.to_socket_addrs().into_iter().flatten().take(4);
        let connect = |at| TcpStream::connect_timeout(&at, Duration::from_secs(5)).is_ok();
        let _ = told.send(all.into_iter().any(connect));
    });
    heard.recv_timeout(Duration::from_secs(20)).unwrap_or(false)
}

fn find_fallback() -> Result<Guest> {
    let cache = cache_folder()?;
    if let Some(guest) = newest_cached(&cache)? {
        return Ok(guest);
    }
    check_machine(std::env::consts::OS, std::env::consts::ARCH)?;
    eprintln!("no {TARGET} here; making a compiler from Debian's packages (once)");
    let made = make(&cache).with_context(|| HELP)?;
    fallback(&made)
}

/// Debian's `rustc-web` is built for one kind of machine: elsewhere its hundred megabytes would be
/// downloaded for nothing.
fn check_machine(os: &str, arch: &str) -> Result<()> {
    if (os, arch) == ("linux", "x86_64") {
        return Ok(());
    }
    bail!(
        "no compiler for {TARGET} was found, and one can be made from Debian's packages on x86-64 \
         Linux only, which this is not ({arch} {os}). Do one of these:\n  \
         - with rustup and a network:   rustup target add {TARGET}\n  \
         - otherwise: install a Rust toolchain whose standard library includes {TARGET}"
    );
}

fn target_present() -> bool {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let Ok(dir) = output(rustc.args(["--print", "target-libdir", "--target", TARGET])) else {
        return false;
    };
    has_core(Path::new(dir.trim()))
}

fn has_core(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|entries| {
        entries.flatten().any(|e| {
            let name = e.file_name().to_string_lossy().into_owned();
            name.starts_with("libcore-") && name.ends_with(".rlib")
        })
    })
}

fn cache_folder() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(base.join("hedgerow").join("guest-toolchain"))
}

fn newest_cached(cache: &Path) -> Result<Option<Guest>> {
    let Ok(entries) = std::fs::read_dir(cache) else {
        return Ok(None);
    };
    let mut found: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.join("ready").is_file()).collect();
    found.sort();
    found.pop().map(|newest| fallback(&newest)).transpose()
}

fn fallback(folder: &Path) -> Result<Guest> {
    let version = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let host = host_triple()?;
    let linker =
        Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin").join("rust-lld");
    if !linker.is_file() {
        bail!("the active toolchain has no rust-lld at {}", linker.display());
    }
    Ok(Guest {
        origin: format!("cached fallback, Debian rustc-web {version}"),
        env: vec![
            ("RUSTC", folder.join("rustc")),
            ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker),
        ],
    })
}

fn host_triple() -> Result<String> {
    let version = output(Command::new("rustc").arg("-vV"))?;
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc -vV names no host")
}

fn make(cache: &Path) -> Result<PathBuf> {
    let step = |n: u32, what: &str| eprintln!("  [{n}/5] {what}");
    step(1, "reading the package lists");
    let version = candidate()?;
    let folder = cache.join(version.replace([':', '~', '+'], "-"));
    let work = cache.join(format!(".making-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&work);
    let debs = work.join("debs");
    std::fs::create_dir_all(&debs)?;
    step(2, &format!("downloading Debian's rustc-web {version} (about 100 MB)"));
    let packages = packages(&version)?;
    run(Command::new("apt-get").args(["-qq", "download"]).args(&packages).current_dir(&debs))?;
    step(3, "unpacking");
    let unpacked = work.join("root");
    for deb in std::fs::read_dir(&debs)? {
        run(Command::new("dpkg").arg("-x").arg(deb?.path()).arg(&unpacked))?;
    }
    std::fs::remove_dir_all(&debs)?;
    // a version without a usable root may be left over from a crash
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::rename(&work, &folder)?;
    write_wrapper(&folder)?;
    step(4, "compiling the standard library for wasm32 (about 20 s)");
    compile_std(&folder)?;
    step(5, "done");
    std::fs::write(folder.join("ready"), &version)?;
    Ok(folder)
}

/// The version apt would install, after one update of its lists if it knows none.
fn candidate() -> Result<String> {
    let ask = || -> Result<Option<String>> {
        let policy = output(Command::new("apt-cache").args(["policy", "rustc-web"]))?;
        Ok(policy
            .lines()
            .find_map(|line| line.trim().strip_prefix("Candidate: "))
            .filter(|version| *version != "(none)")
            .map(str::to_owned))
    };
    // an old list names packages that are gone, so update first; without the right to, go on
    let _ = run(Command::new("apt-get").args(["-qq", "update"]));
    ask()?.context("apt offers no rustc-web")
}

fn packages(version: &str) -> Result<Vec<String>> {
    let short: Vec<&str> = version.splitn(3, '.').take(2).collect();
    let std_lib = format!("libstd-rust-web-{}", short.join("."));
    let exact = |name: &str| format!("{name}={version}");
    let mut all = vec![
        exact("rustc-web"),
        exact(&std_lib),
        exact("libstd-rust-web-dev"),
        exact("rust-web-src"),
    ];
    // the LLVM it names
    let depends = output(Command::new("apt-cache").arg("show").arg(exact(&std_lib)))?;
    let llvm = depends
        .lines()
        .find_map(|line| line.strip_prefix("Depends: "))
        .into_iter()
        .flat_map(|list| list.split([',', '|']))
        .filter_map(|item| item.split_whitespace().next())
        .find(|name| name.starts_with("libllvm"));
    all.extend(llvm.map(str::to_owned));
    Ok(all)
}

fn write_wrapper(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let root = folder.join("root/usr");
    let script = format!(
        "#!/bin/sh\nLD_LIBRARY_PATH=\"{0}/lib/x86_64-linux-gnu\" exec \"{0}/bin/rustc\" \"$@\"\n",
        root.display()
    );
    let wrapper = folder.join("rustc");
    std::fs::write(&wrapper, script)?;
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn compile_std(folder: &Path) -> Result<()> {
    let empty = folder.join("empty");
    std::fs::create_dir_all(empty.join("src"))?;
    std::fs::write(
        empty.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
         [lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n",
    )?;
    std::fs::write(empty.join("src/lib.rs"), "")?;
    let guest = fallback(folder)?;
    let target = folder.join("std-target");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--release", "-Zbuild-std=std,panic_abort", "--target", TARGET])
        .arg("--target-dir")
        .arg(&target)
        .envs(guest.env)
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("RUSTFLAGS")
        .current_dir(&empty);
    run(&mut cargo)?;
    let deps = target.join(TARGET).join("release/deps");
    let lib = folder.join("root/usr/lib/rustlib").join(TARGET).join("lib");
    std::fs::create_dir_all(&lib)?;
    let mut copied = 0;
    for file in std::fs::read_dir(&deps).with_context(|| format!("reading {}", deps.display()))? {
        let path = file?.path();
        if path.extension().is_some_and(|e| e == "rlib") {
            std::fs::copy(&path, lib.join(path.file_name().unwrap_or_default()))?;
            copied += 1;
        }
    }
    if copied == 0 || !has_core(&lib) {
        bail!("compiling the standard library left no libcore in {}", deps.display());
    }
    std::fs::remove_dir_all(&target)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_machine;

    #[test]
    fn on_another_machine_nothing_is_downloaded() {
        assert!(check_machine("linux", "x86_64").is_ok());
        for (os, arch) in [("linux", "aarch64"), ("macos", "x86_64")] {
            let said = check_machine(os, arch).unwrap_err().to_string();
            assert!(said.contains(arch) && said.contains("rustup target add"), "{said}");
        }
    }
}
