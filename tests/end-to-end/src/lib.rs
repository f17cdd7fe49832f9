//! What end-to-end tests share: where things are, configs, and components made to order.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The root of the checkout.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map(Path::to_path_buf).unwrap_or_default()
}

/// A built component.
///
/// # Panics
/// When it is missing or older than its sources, with the command that makes it.
#[must_use]
pub fn component(name: &str) -> PathBuf {
    let path = root().join("target/guests/components").join(format!("{name}.wasm"));
    assert!(path.is_file(), "{} is missing: run `cargo xtask build-plugins`", path.display());
    let module = name
        .strip_prefix("hedgerow-")
        .map_or_else(|| format!("hedgerow_plugin_{name}"), |rest| format!("hedgerow_{rest}"));
    let made = format!("wasm32-unknown-unknown/guest/{}.d", module.replace('-', "_"));
    let list = root().join("target/guests").join(made);
    let stale = stale(&path, &list, "cargo xtask build-plugins");
    assert!(stale.is_none(), "{}", stale.unwrap_or_default());
    path
}

/// A test of what was built before the last change proves nothing of it. Cargo's list of what the
/// file was made of says what that is.
fn stale(made: &Path, list: &Path, command: &str) -> Option<String> {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let text = std::fs::read_to_string(list).unwrap_or_default();
    let sources = text.lines().filter_map(|line| line.split_once(": ")).map(|(_, all)| all);
    let made_at = changed(made)?;
    let mut sources = sources.flat_map(|all| all.split(' ')).map(Path::new);
    let newer = sources.find(|source| changed(source).is_some_and(|at| made_at < at))?;
    Some(format!("{} is older than {}: run `{command}`", made.display(), newer.display()))
}

/// The host's binary.
///
/// # Panics
/// When it is missing or older than its sources, with the command that makes it.
#[must_use]
pub fn host() -> PathBuf {
    let mut path = std::env::current_exe().unwrap_or_default();
    path.pop();
    path.pop();
    let path = path.join("hedgerow");
    let missing = "run `cargo build -p hedgerow-daemon`";
    assert!(path.is_file(), "{} is missing: {missing}", path.display());
    static STALE: OnceLock<Option<String>> = OnceLock::new();
    let command = "cargo build -p hedgerow-daemon";
    let stale = STALE.get_or_init(|| stale(&path, &path.with_extension("d"), command));
    assert!(stale.is_none(), "{}", stale.as_deref().unwrap_or_default());
    path
}

/// Runs the host to its end.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn run(args: &[&str]) -> Output {
    let mut command = Command::new(host());
    command.args(args).current_dir(root());
    command.output().unwrap_or_else(|e| panic!("starting the host: {e}"))
}

/// A folder of the reference data; nothing, and one line that says so, when it is not there.
#[must_use]
pub fn reference(folder: &str) -> Option<PathBuf> {
    let Some(base) = std::env::var_os("HEDGEROW_REFERENCE_DATA") else {
        eprintln!("left out: {folder} (HEDGEROW_REFERENCE_DATA is not set)");
        return None;
    };
    Some(Path::new(&base).join("data/real").join(folder))
}

/// The same component under another hash: a custom section at its end changes nothing but the
/// bytes.
#[must_use]
pub fn variant(component: &[u8], number: u32) -> Vec<u8> {
    let name = b"variant";
    let mut section = vec![u8::try_from(name.len()).unwrap_or(0)];
    section.extend_from_slice(name);
    section.extend_from_slice(&number.to_le_bytes());
    let mut bytes = component.to_vec();
    bytes.extend([0, u8::try_from(section.len()).unwrap_or(0)]);
    bytes.extend(section);
    bytes
}

/// A config of one probe, or several strategies, over a generated market at `events_per_s`.
/// `strategies`: name, plugin, account, instrument, parameters as TOML.
#[must_use]
pub fn generated(
    plugins: &Path,
    state: &Path,
    events_per_s: u32,
    strategies: &[(&str, &str, &str, &str, &str)],
) -> String {
    let mut text = format!(
        "plugins = {plugins:?}\nstate = {state:?}\nstale_after_ms = 60000\n\
         [data]\nsource = \"generated\"\nseed = 7\nevents_per_s = {events_per_s}\n\
         [[venue]]\nname = \"v\"\nlatency_out_ms = 1\nlatency_back_ms = 1\n"
    );
    for symbol in ["A", "B"] {
        text.push_str(&format!(
            "[[instrument]]\nvenue = \"v\"\nsymbol = \"{symbol}\"\nkind = \"linear-perpetual\"\n\
             base = \"BTC\"\nquote = \"USD\"\nprice_decimals = 2\nquantity_decimals = 4\n\
             tick = \"0.1\"\nlot = \"0.0001\"\nmin_quantity = \"0.0001\"\n\
             maker_fee = \"0.0001\"\ntaker_fee = \"0.0005\"\n"
        ));
    }
    text.push_str("[[account]]\nname = \"one\"\n[[account]]\nname = \"two\"\n");
    for (name, plugin, account, symbol, parameters) in strategies {
        text.push_str(&format!(
            "[[strategy]]\nname = \"{name}\"\nplugin = \"{plugin}\"\naccount = \"{account}\"\n\
             [strategy.roles]\nmarket = \"v:{symbol}\"\n[strategy.parameters]\n{parameters}\n\
             [strategy.limits]\norder_notional_max = \"100000\"\n\
             position_notional_max = \"1000000\"\n\
             gross_notional_max = \"2000000\"\nopen_orders_max = 100\norders_per_s_max = 10000\n\
             collar_bps = 500\nloss_max = \"1000000\"\ndrawdown_max = \"1000000\"\n"
        ));
    }
    text
}
