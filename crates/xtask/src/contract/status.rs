//! docs/status.md.
use super::{Error, model::Contract};
pub fn ask(_: &std::path::Path) -> Result<(), Error> {
    Ok(())
}
pub fn render(_: &Contract, _: &()) -> Result<String, Error> {
    Ok("\n".into())
}
