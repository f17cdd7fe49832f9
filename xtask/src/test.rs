//! `cargo xtask test`.
pub(crate) fn run(_: &[String]) -> anyhow::Result<()> { anyhow::bail!("not yet") }
pub(crate) fn bench(_: &[String]) -> anyhow::Result<()> { anyhow::bail!("not yet") }
